//! Connections: accepted, encrypted, served, aged and drained.

use std::{sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use rustls::ServerConfig as TlsConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic_web::GrpcWebLayer;
use tower::ServiceBuilder;
use tower_http::cors::CorsLayer;

use crate::{
    Watched,
    tls::{self, Tls},
};

use super::{handshake_timeout::HandshakeTimeout, middleware::RpcMiddleware};

/// One listener with all its connections.
pub(super) struct Connections {
    pub(super) socket: TcpListener,
    pub(super) tls: Option<Watched<Tls<TlsConfig>>>,
    pub(super) middleware: RpcMiddleware,
    /// Lets browsers call.
    pub(super) web: Option<CorsLayer>,
}

/// How long a client may take to agree on a key.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The pause after the system refused a connection, as when it is out of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How many calls one connection may have open.
const STREAMS: u32 = 256;
const HEADER_BYTES: u32 = 16 * 1024;
const KEEPALIVE: Duration = Duration::from_secs(20);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

impl Connections {
    /// Accepts until the shutdown, then waits for what runs, at most for the drain.
    pub(super) async fn run(self) {
        let Self {
            socket,
            tls,
            middleware,
            web,
        } = self;
        let (config, shutdown) = (Arc::clone(&middleware.config), middleware.shutdown.clone());
        let room = Arc::new(Semaphore::new(config.max_connections));
        let tracker = TaskTracker::new();
        let drained = CancellationToken::new();
        let accept = async {
            loop {
                // A full server leaves newcomers in the system's queue.
                let place = Arc::clone(&room).acquire_owned().await;
                let place = place.expect("the semaphore is never closed");
                let stream = match socket.accept().await {
                    Ok((stream, _)) => stream,
                    Err(cause) => {
                        tracing::warn!(error.message = %cause, "a connection was not accepted");
                        sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                };
                let tls = tls.as_ref().map(|tls| Arc::clone(&tls.current().config));
                let connection = connect(middleware.clone(), web.clone(), stream, tls);
                let drained = drained.clone();
                tracker.spawn(async move {
                    drained.run_until_cancelled(Box::pin(connection)).await;
                    drop(place);
                });
            }
        };
        shutdown.run_until_cancelled(accept).await;
        drop(socket);

        tracker.close();
        if timeout(config.drain(), tracker.wait()).await.is_err() {
            tracing::warn!(
                connections = tracker.len(),
                "the drain ended before all calls did"
            );
            drained.cancel();
            tracker.wait().await;
        }
    }
}

/// Serves a connection, after the handshake of TLS where there is one.
async fn connect(
    mut middleware: RpcMiddleware,
    web: Option<CorsLayer>,
    stream: TcpStream,
    tls: Option<Arc<TlsConfig>>,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Some(tls) = tls else {
        return serve(middleware, web, stream).await;
    };
    match timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => {
            let certificates = stream.get_ref().1.peer_certificates();
            middleware.service = certificates
                .and_then(<[_]>::first)
                .and_then(tls::service_of);
            serve(middleware, web, stream).await;
        }
        Ok(Err(cause)) => tracing::debug!(error.message = %cause, "a handshake failed"),
        Err(_) => tracing::debug!("a handshake took too long"),
    }
}

async fn serve(
    middleware: RpcMiddleware,
    web: Option<CorsLayer>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let mut server = Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new());
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT);
    let io = TokioIo::new(HandshakeTimeout::new(stream, HANDSHAKE));
    let age = Duration::from_secs(middleware.config.max_connection_age_seconds);
    let shutdown = middleware.shutdown.clone();
    // The two kinds of service have two types of connection, hence a macro.
    // `last_call` asks the client to make no new call on this connection.
    macro_rules! drive {
            ($connection:expr) => {{
                let mut connection = std::pin::pin!($connection);
                let last_call = async {
                    tokio::select! {
                        () = shutdown.cancelled() => {}
                        () = sleep(age) => {}
                    }
                };
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = last_call => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                };
                if let Err(cause) = ended {
                    tracing::debug!(error.message = %cause, "a connection broke");
                }
            }};
        }
    if let Some(cors) = web {
        let service = ServiceBuilder::new()
            .layer(cors)
            .layer(GrpcWebLayer::new())
            .service(middleware);
        drive!(server.serve_connection(io, TowerToHyperService::new(service)));
    } else {
        let server = server.http2_only();
        drive!(server.serve_connection(io, TowerToHyperService::new(middleware)));
    }
}
