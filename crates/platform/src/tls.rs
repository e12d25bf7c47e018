//! TLS from files that may be renewed while the service runs.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName,
        pem::{self, PemObject as _},
    },
    server::WebPkiClientVerifier,
    version,
};
use serde::Deserialize;

use crate::{BoxError, Files, StartError, Watched};

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
fn watch<T: Send + Sync + 'static>(
    files: &Files,
    named: &[(&'static str, &Path)],
    make: impl Fn() -> Result<T, BoxError> + Send + Sync + 'static,
) -> Result<Watched<Tls<T>>, StartError> {
    let (variable, certificate) = named[0];
    let certificate = certificate.to_owned();
    let named = named.iter().map(|&(variable, path)| (variable, Some(path)));
    files.watch(named, move || {
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
) -> Result<Watched<Tls<ServerConfig>>, StartError> {
    let (cert, key) = (cert_file.to_owned(), key_file.to_owned());
    watch(
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
) -> Result<Watched<Tls<ServerConfig>>, StartError> {
    let read = tls.clone();
    watch(files, &named(tls), move || {
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
) -> Result<Watched<Tls<ClientConfig>>, StartError> {
    let read = tls.clone();
    watch(files, &named(tls), move || {
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

/// The file of an authority that a variable names, in PEM, with one certificate at least:
/// libraries would take an empty one, trust nobody and say nothing.
pub fn read_authority(variable: &str, file: &Path) -> Result<Vec<u8>, StartError> {
    let unusable = |cause| StartError::unusable(variable, cause);
    chain(file).map_err(unusable)?;
    fs::read(file).map_err(|cause| unusable(cause.into()))
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, BoxError> {
    let chain = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| unreadable(file, cause, "no certificate in PEM"))?;
    if chain.is_empty() {
        Err(unreadable(
            file,
            pem::Error::NoItemsFound,
            "no certificate in PEM",
        ))
    } else {
        Ok(chain)
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, BoxError> {
    PrivateKeyDer::from_pem_file(file)
        .map_err(|cause| unreadable(file, cause, "no private key in PEM"))
}

/// Why a file could not be read, without quoting it as some of the causes do.
fn unreadable(file: &Path, cause: pem::Error, otherwise: &str) -> BoxError {
    match cause {
        pem::Error::Io(cause) => format!("{}: {cause}", file.display()).into(),
        _ => format!("{}: {otherwise}", file.display()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(names: &[&str]) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        rcgen::generate_simple_self_signed(names).unwrap()
    }

    /// Writes a certificate that ends with the beginning of a year, and its key.
    fn write_until(folder: &Path, year: i32) {
        let mut params = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap();
        fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
        fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    }

    fn year(seconds: i64) -> i32 {
        let moment = time::OffsetDateTime::from_unix_timestamp(seconds);
        moment.unwrap().year()
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

    #[tokio::test]
    async fn renewed_files_are_used_and_broken_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (
            folder.path().join("cert.pem"),
            folder.path().join("key.pem"),
        );
        write_until(folder.path(), 2030);
        let files = Files::default();
        let reloaded = public_server(&cert, &key, &files).unwrap();
        let ends_in = || reloaded.current().ends_at.map(year);
        assert_eq!(ends_in(), Some(2030));

        write_until(folder.path(), 2031);
        files.poll().await;
        assert_eq!(ends_in(), Some(2031));

        fs::write(&cert, "nonsense").unwrap();
        files.poll().await;
        assert_eq!(ends_in(), Some(2031));
    }

    #[test]
    fn a_key_that_cannot_be_read_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        write_until(folder.path(), 2030);
        let (cert, key) = (
            folder.path().join("cert.pem"),
            folder.path().join("key.pem"),
        );
        let whole = fs::read_to_string(&key).unwrap();
        for broken in [whole.replace('\n', "\\n"), whole.replace('\n', " ")] {
            fs::write(&key, broken).unwrap();
            let refused = public_server(&cert, &key, &Files::default());
            let error = refused.err().unwrap().to_string();
            let expected = format!(
                "SERVER_TLS_CERT_FILE: {}: no private key in PEM",
                key.display()
            );
            assert_eq!(error, expected);
        }
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
