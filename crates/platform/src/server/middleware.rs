//! The middleware of every call: policy, limits, deadline, authentication, handler.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Request, Response};
use http_body::Body as HttpBody;
use prost::bytes::Bytes;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, service::Routes};
use tower::Service;
use tracing::{Instrument as _, Span, field::Empty};

use crate::{
    Authenticator, BoxError, Caller, Deadline, Error, Policy, ServerConfig,
    auth::{Listener, Rule, Shape},
    clock,
    error::{Stage, complete, deadline_exceeded, unknown_method},
    propagation,
};

use super::{
    access::authorise,
    concurrency_limit::ConcurrencyLimit,
    deadline,
    request_body::RequestBody,
    response_body::{CallMetrics, ResponseBody},
    rpc_metrics::RpcMetrics,
};

/// Applies the policy, the limits, the deadline and the authentication to a call, and
/// catches the panics of its handler.
#[derive(Clone)]
pub(super) struct RpcMiddleware {
    pub(super) config: Arc<ServerConfig>,
    pub(super) routes: Routes,
    pub(super) listener: Listener,
    /// The service at the other end of an internal connection.
    pub(super) service: Option<&'static str>,
    pub(super) policy: Arc<Policy>,
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) concurrency: ConcurrencyLimit,
    pub(super) rpc_metrics: RpcMetrics,
    pub(super) shutdown: CancellationToken,
}

impl<B> Service<Request<B>> for RpcMiddleware
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let middleware = self.clone();
        let request = request.map(|body| Body::new(RequestBody::new(Body::new(body))));
        Box::pin(async move { Ok(middleware.answer(request).await) })
    }
}

/// What an admitted call keeps until its response has been sent.
struct CallGuard {
    room: Option<OwnedSemaphorePermit>,
    cut: Option<BoxFuture<'static, Status>>,
}

impl RpcMiddleware {
    async fn answer(self, request: Request<Body>) -> Response<Body> {
        let rule = self.policy.find(request.uri().path());
        let span = span(rule.as_ref());
        let traceparent = request
            .headers()
            .get("traceparent")
            .and_then(|it| it.to_str().ok());
        propagation::set_parent(&span, traceparent);
        let trace_id = propagation::trace_id_of(&span);
        // Names come from the contract: a path from outside would make endless metrics.
        let (service, method) = match &rule {
            Some(rule) => (rule.service.clone(), rule.method.clone()),
            None => ("unknown".to_owned(), "unknown".to_owned()),
        };
        self.rpc_metrics.started();
        let rpc_metrics = self.rpc_metrics.clone();
        let started = Instant::now();
        let mut metrics = CallMetrics {
            rpc_metrics,
            span: span.clone(),
            service,
            method,
            kept_trace: trace_id.filter(|_| propagation::is_sampled(&span)),
            started,
            code: None,
        };

        let answered = self.admit(rule, request).instrument(span).await;
        let (response, guard) = match answered {
            Ok(admitted) => admitted,
            Err(status) => (
                status.into_http(),
                CallGuard {
                    room: None,
                    cut: None,
                },
            ),
        };
        metrics.record_status(response.headers());
        response.map(|inner| {
            let CallGuard { room, cut } = guard;
            Body::new(ResponseBody {
                inner,
                metrics,
                room,
                cut,
                done: false,
            })
        })
    }

    async fn admit(
        mut self,
        rule: Option<Rule>,
        mut request: Request<Body>,
    ) -> Result<(Response<Body>, CallGuard), Status> {
        let rule = rule
            .filter(|rule| rule.served_on(self.listener))
            .ok_or_else(unknown_method)?;
        let room = if rule.is_exempt() {
            self.concurrency.admit_unproven(rule.shape)?
        } else {
            Some(self.concurrency.admit(rule.shape)?)
        };
        let deadline = deadline::of_call(&self.config, rule.shape, request.headers());

        let handled = async {
            let caller = authorise(
                &rule,
                self.listener,
                self.service,
                &self.authenticator,
                request.headers(),
            )
            .await?;
            let cut = self.cut(rule.shape, deadline, &caller);
            request.extensions_mut().insert(caller);
            if let Some(deadline) = deadline {
                request.extensions_mut().insert(deadline);
            }
            let is_compressed = is_compressed(&request);
            let handled = AssertUnwindSafe(self.routes.call(request))
                .catch_unwind()
                .await;
            let Ok(Ok(mut response)) = handled else {
                return Err(Status::from(Error::internal("a handler panicked")));
            };
            complete(response.headers_mut(), Stage::Request { is_compressed });
            Ok((response, cut))
        };
        let (response, cut) = match deadline {
            Some(deadline) => timeout_at(deadline.instant(), handled)
                .await
                .map_err(|_| deadline_exceeded())
                .flatten()?,
            None => handled.await?,
        };
        // A client that is slow to take a finished answer must not keep others out.
        let room = room.filter(|_| rule.shape == Shape::ServerStream);
        Ok((response, CallGuard { room, cut }))
    }

    /// What ends a stream to a client before its time: the drain, the end of the token or
    /// the deadline that the client asked for.
    fn cut(
        &self,
        shape: Shape,
        deadline: Option<Deadline>,
        caller: &Caller,
    ) -> Option<BoxFuture<'static, Status>> {
        if shape != Shape::ServerStream {
            return None;
        }
        let shutdown = self.shutdown.clone();
        let expires_at = caller.expires_at;
        Some(Box::pin(async move {
            let expiry = async {
                match expires_at.map(|end| (end - clock::now()).try_into()) {
                    Some(Ok(remaining)) => sleep(remaining).await,
                    Some(Err(_)) => {}
                    None => std::future::pending().await,
                }
            };
            let late = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline.instant()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {
                    Error::unavailable("SHUTTING_DOWN", "le serveur s'arrête ; rappelez").into()
                }
                () = expiry => {
                    Error::unauthenticated("TOKEN_EXPIRED", "le jeton a expiré").into()
                }
                () = late => deadline_exceeded(),
            }
        }))
    }
}

/// The span of a call, with all its fields declared: later ones would be lost.
fn span(rule: Option<&Rule>) -> Span {
    let Some(rule) = rule else {
        return tracing::debug_span!(
            "unknown rpc",
            rpc.grpc.status_code = Empty,
            trace_id = Empty
        );
    };
    if rule.is_exempt() {
        return Span::none();
    }
    tracing::info_span!(
        "rpc",
        otel.name = format!("{}/{}", rule.service, rule.method),
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = rule.service,
        rpc.method = rule.method,
        rpc.grpc.status_code = Empty,
        trace_id = Empty,
    )
}

/// Whether the client compresses the messages of its request.
fn is_compressed<T>(request: &Request<T>) -> bool {
    let encoding = request.headers().get("grpc-encoding");
    encoding.is_some_and(|encoding| encoding != "identity")
}
