//! TLS from files that may be renewed while the service runs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    server::WebPkiClientVerifier,
    version,
};
use serde::Deserialize;

use crate::{BoxError, Files, Reloaded, StartError};

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

/// The services that a certificate may name.
const SERVICES: [&str; 4] = ["intake", "qualification", "notification", "statistics"];

/// The name in the certificate of a service.
pub(crate) fn internal_name(service: &str) -> Result<ServerName<'static>, BoxError> {
    Ok(ServerName::try_from(format!("{service}.vigie.internal"))?)
}

/// Which service a verified client certificate names.
pub(crate) fn service_of(certificate: &CertificateDer<'_>) -> Option<&'static str> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    SERVICES.into_iter().find(|service| {
        internal_name(service)
            .is_ok_and(|name| certificate.verify_is_valid_for_subject_name(&name).is_ok())
    })
}

/// What connections are made with, of the files of a certificate.
pub(crate) struct Tls<T> {
    pub(crate) config: Arc<T>,
    /// When the certificate ends, in seconds since 1970; `None` when it cannot be read,
    /// though it can be used.
    pub(crate) ends_at: Option<i64>,
}

/// Makes a side of connections of its files, and again when one changes. The first is the
/// certificate.
fn keep<T: Send + Sync + 'static>(
    files: &Files,
    named: &[(&'static str, &Path)],
    make: impl Fn() -> Result<T, BoxError> + Send + Sync + 'static,
) -> Result<Reloaded<Tls<T>>, StartError> {
    let (variable, certificate) = named[0];
    let certificate = certificate.to_owned();
    let named = named.iter().map(|&(variable, path)| (variable, Some(path)));
    files.keep(named, move || {
        let config = make().map_err(|cause| StartError::unusable(variable, cause))?;
        Ok(Tls {
            config: Arc::new(config),
            ends_at: ends_at(&certificate),
        })
    })
}

/// When the first certificate of a file ends, in seconds since 1970.
fn ends_at(file: &Path) -> Option<i64> {
    let chain = chain(file).ok()?;
    match x509_parser::parse_x509_certificate(&chain[0]) {
        Ok((_, certificate)) => Some(certificate.validity().not_after.timestamp()),
        Err(cause) => {
            tracing::warn!(error.message = %cause, "a certificate does not tell when it ends");
            None
        }
    }
}

/// The server side towards people and programs outside.
pub(crate) fn public_server(
    cert_file: &Path,
    key_file: &Path,
    files: &Files,
) -> Result<Reloaded<Tls<ServerConfig>>, StartError> {
    let (cert, key) = (cert_file.to_owned(), key_file.to_owned());
    keep(
        files,
        &[
            ("SERVER_TLS_CERT_FILE", cert_file),
            ("SERVER_TLS_KEY_FILE", key_file),
        ],
        move || {
            let mut config = ServerConfig::builder_with_provider(provider())
                .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
                .with_no_client_auth()
                .with_single_cert(chain(&cert)?, private_key(&key)?)?;
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            Ok(config)
        },
    )
}

/// The server side towards the other services: their certificates are required.
pub(crate) fn internal_server(
    tls: &InternalTlsConfig,
    files: &Files,
) -> Result<Reloaded<Tls<ServerConfig>>, StartError> {
    let read = tls.clone();
    keep(files, &named(tls), move || {
        let tls = &read;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots(tls)?.into(), provider()).build()?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain(&tls.cert_file)?, private_key(&tls.key_file)?)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    })
}

/// The client side towards the other services.
pub(crate) fn internal_client(
    tls: &InternalTlsConfig,
    files: &Files,
) -> Result<Reloaded<Tls<ClientConfig>>, StartError> {
    let read = tls.clone();
    keep(files, &named(tls), move || {
        let tls = &read;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13])?
            .with_root_certificates(roots(tls)?)
            .with_client_auth_cert(chain(&tls.cert_file)?, private_key(&tls.key_file)?)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn named(tls: &InternalTlsConfig) -> [(&'static str, &Path); 3] {
    [
        ("INTERNAL_TLS_CERT_FILE", &tls.cert_file),
        ("INTERNAL_TLS_KEY_FILE", &tls.key_file),
        ("INTERNAL_TLS_CA_FILE", &tls.ca_file),
    ]
}

fn roots(tls: &InternalTlsConfig) -> Result<RootCertStore, BoxError> {
    let mut roots = RootCertStore::empty();
    for authority in chain(&tls.ca_file)? {
        roots.add(authority)?;
    }
    Ok(roots)
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, BoxError> {
    let named = |cause: &dyn std::fmt::Display| format!("{}: {cause}", file.display());
    let chain = CertificateDer::pem_file_iter(file)
        .map_err(|cause| named(&cause))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| named(&cause))?;
    if chain.is_empty() {
        Err(named(&"no certificate").into())
    } else {
        Ok(chain)
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, BoxError> {
    PrivateKeyDer::from_pem_file(file)
        .map_err(|cause| format!("{}: {cause}", file.display()).into())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        time::{Duration, SystemTime},
    };

    use super::*;

    fn certificate(names: &[&str]) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        rcgen::generate_simple_self_signed(names).unwrap()
    }

    fn write(folder: &Path, names: &[&str]) {
        let certified = certificate(names);
        fs::write(folder.join("cert.pem"), certified.cert.pem()).unwrap();
        fs::write(
            folder.join("key.pem"),
            certified.signing_key.serialize_pem(),
        )
        .unwrap();
    }

    #[test]
    fn a_certificate_names_one_of_our_services_or_none() {
        let named = |names: &[&str]| service_of(certificate(names).cert.der());
        assert_eq!(
            named(&["localhost", "intake.vigie.internal"]),
            Some("intake")
        );
        assert_eq!(named(&["intake.example.org"]), None);
        assert_eq!(named(&["intruder.vigie.internal"]), None);
    }

    #[test]
    fn renewed_files_are_used_and_broken_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["a.example"]);
        let (cert, key) = (
            folder.path().join("cert.pem"),
            folder.path().join("key.pem"),
        );
        let files = Files::default();
        let reloaded = public_server(&cert, &key, &files).unwrap();
        let first = reloaded.current();

        let touch = |path: &PathBuf, seconds| {
            let file = fs::File::options().append(true).open(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
                .unwrap();
        };
        write(folder.path(), &["b.example"]);
        touch(&cert, 1_000);
        files.look();
        let second = reloaded.current();
        assert!(!Arc::ptr_eq(&first, &second));

        fs::write(&cert, "nonsense").unwrap();
        touch(&cert, 2_000);
        files.look();
        assert!(Arc::ptr_eq(&second, &reloaded.current()));
    }

    #[test]
    fn a_missing_file_is_named() {
        let missing = PathBuf::from("/nonexistent/cert.pem");
        let error = public_server(&missing, &missing, &Files::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("SERVER_TLS_CERT_FILE"), "{error}");
        assert!(error.contains("/nonexistent/cert.pem"), "{error}");
    }
}
