//! Calls from one service to another.

use tonic::transport::Channel;

use crate::{InternalTlsConfig, StartError};

/// A channel to the service `server`, whose certificate must be for
/// `<server>.vigie.internal`; it connects when it is first used.
pub fn internal_channel(
    server: &str,
    url: &str,
    tls: &InternalTlsConfig,
) -> Result<Channel, StartError> {
    todo!("{server} {url} {tls:?}")
}
