//! Certificates for the listeners of one machine.

use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// A folder with an authority's certificate, and one certificate with its key
/// for every service.
///
/// They do not expire: what is made for one machine is thrown away with it.
#[derive(Debug, Clone)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Those who get a certificate from [`Certificates::generate`]: the services, and
    /// one whom they know and do not let in.
    pub const SERVICES: [&str; 5] = [
        "intake",
        "qualification",
        "notification",
        "statistics",
        "cli",
    ];

    /// Writes what the folder does not hold yet, and reuses the rest.
    pub fn generate(folder: impl AsRef<Path>) -> Result<Self> {
        let certificates = Self {
            folder: folder.as_ref().to_owned(),
        };
        fs::create_dir_all(&certificates.folder)?;
        certificates.authority()?;
        for service in Self::SERVICES {
            certificates.issue(service)?;
        }
        Ok(certificates)
    }

    /// Makes a certificate for the DNS name `<service>.vigie.internal`, unless
    /// there is one.
    pub fn issue(&self, service: &str) -> Result<()> {
        if self.cert_file(service).exists() && self.key_file(service).exists() {
            return Ok(());
        }
        let name = format!("{service}.vigie.internal");
        let mut parameters =
            CertificateParams::new([name.clone(), "localhost".into(), "127.0.0.1".into()])?;
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.authority()?)?;
        write_key(&self.key_file(service), &key)?;
        fs::write(self.cert_file(service), certificate.pem())?;
        Ok(())
    }

    /// The certificate of the authority that signed all others.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The certificate of a service.
    pub fn cert_file(&self, service: &str) -> PathBuf {
        self.folder.join(format!("{service}.pem"))
    }

    /// The key of a service, readable by its owner only.
    pub fn key_file(&self, service: &str) -> PathBuf {
        self.folder.join(format!("{service}.key"))
    }

    fn authority(&self) -> Result<Issuer<'static, KeyPair>> {
        let mut parameters = CertificateParams::default();
        parameters
            .distinguished_name
            .push(DnType::CommonName, "Vigie, one machine");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key_file = self.key_file("ca");
        if let (Ok(key), true) = (fs::read_to_string(&key_file), self.ca_file().exists()) {
            let key = KeyPair::from_pem(&key)
                .with_context(|| format!("reading {}", key_file.display()))?;
            return Ok(Issuer::new(parameters, key));
        }
        let key = KeyPair::generate()?;
        write_key(&key_file, &key)?;
        fs::write(self.ca_file(), parameters.self_signed(&key)?.pem())?;
        Ok(Issuer::new(parameters, key))
    }
}

/// Writes a private key that only its owner may read.
pub(crate) fn write_key(file: &Path, key: &KeyPair) -> Result<()> {
    use std::io::Write;
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut opened| opened.write_all(key.serialize_pem().as_bytes()))
        .with_context(|| format!("writing {}", file.display()))
}
