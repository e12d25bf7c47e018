//! Who calls, and what may be called.

mod config;
mod policy;

pub use config::AuthConfig;
pub use policy::Policy;

use crate::StartError;

/// Turns bearer tokens into callers.
#[derive(Debug)]
pub struct Authenticator {}

impl Authenticator {
    /// Starts with the issuer's keys, which are refreshed in the background.
    pub async fn start(config: &AuthConfig) -> Result<Self, StartError> {
        todo!("{config:?}")
    }
}
