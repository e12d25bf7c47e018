//! Calls from one service to another.

use std::{io, sync::Arc, time::Duration};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::{BoxError, Files, InternalTlsConfig, StartError, tls};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// For calls that bring no deadline of their own.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const KEEPALIVE: Duration = Duration::from_secs(10);

/// A channel to the service `server`, which connects when it is first used.
///
/// Whatever address the URL names, the certificate must be for
/// `<server>.vigie.internal`: who answers at a stolen address is not believed.
pub fn internal_channel(
    server: &str,
    url: &str,
    tls: &InternalTlsConfig,
    files: &Files,
) -> Result<Channel, StartError> {
    let unusable = |cause: BoxError| StartError::unusable(format!("the address {url}"), cause);
    let client = tls::internal_client(tls, files)?;
    let name = tls::internal_name(server).map_err(unusable)?;
    let origin = format!("https://{server}.vigie.internal");
    let origin = origin
        .parse::<Uri>()
        .map_err(|cause| unusable(cause.into()))?;

    let address = url
        .strip_prefix("https://")
        .ok_or_else(|| unusable("https is required between services".into()))?;
    // TLS is ours, so that renewed certificates are used: the library must see none.
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|cause| unusable(cause.into()))?
        .origin(origin)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    Ok(
        endpoint.connect_with_connector_lazy(service_fn(move |uri: Uri| {
            let (client, name) = (client.clone(), name.clone());
            async move {
                let host = uri
                    .host()
                    .unwrap_or_default()
                    .trim_matches(['[', ']'])
                    .to_owned();
                let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await?;
                stream.set_nodelay(true)?;
                let connector = TlsConnector::from(Arc::clone(&client.current().config));
                Ok::<_, io::Error>(TokioIo::new(connector.connect(name, stream).await?))
            }
        })),
    )
}
