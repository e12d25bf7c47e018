//! Mutual TLS between the services, from files that may be renewed.

use std::path::PathBuf;

use serde::Deserialize;

/// The certificate of this service and the authority of the suite (`INTERNAL_TLS_*`).
#[derive(Debug, Clone, Deserialize)]
pub struct InternalTlsConfig {
    /// The certificate chain of this service, for `<service>.vigie.internal`.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// The authority that signs the services' certificates.
    pub ca_file: PathBuf,
}
