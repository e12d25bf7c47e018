//! Sealing of what must not be read where it rests (AES-256-GCM).
//!
//! A sealed text is a version byte, four bytes that name the key, the nonce, and
//! the cipher text with its tag. A key file holds one base64 key per line: the
//! first seals, all open. A new key is put last everywhere before it is put first.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest, hmac, rand,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use crate::{Files, StartError, Watched};

const VERSION: u8 = 1;
const KEY_LEN: usize = 32;
const KEY_NAME_LEN: usize = 4;
const HEADER_LEN: usize = 1 + KEY_NAME_LEN + NONCE_LEN;
/// Binds a wrapped key to its use, so that no other sealed text passes for one.
const WRAPPING: &[u8] = b"vigie data key";
/// Derives the key of [`SealingKey::mac`], which seals nothing.
const AUTHENTICATING: &[u8] = b"vigie mac key";

/// Where the keys are (`SEALING_*`).
#[derive(Debug, Clone, Deserialize)]
pub struct SealingConfig {
    /// The file of the master key, which wraps the key of each report.
    pub master_key_file: PathBuf,
    /// The file of the key under which events travel through Redis and seals of the audit
    /// trail are signed.
    pub log_key_file: PathBuf,
}

impl SealingConfig {
    /// Reads the master key.
    pub fn master_key(&self, files: &Files) -> Result<SealingKey, StartError> {
        SealingKey::of_file("SEALING_MASTER_KEY_FILE", &self.master_key_file, files)
    }

    /// Reads the key of the logs.
    pub fn log_key(&self, files: &Files) -> Result<SealingKey, StartError> {
        SealingKey::of_file("SEALING_LOG_KEY_FILE", &self.log_key_file, files)
    }
}

/// A key kept outside the database, with the earlier ones that still open. Its clones are
/// the same key, also after its file has changed.
#[derive(Clone)]
pub struct SealingKey(Watched<Ciphers>);

struct Ciphers {
    current: Cipher,
    earlier: Vec<Cipher>,
    /// Follows from the current key.
    mac: hmac::Key,
}

/// The key of one subject's personal data; destroying its wrapped form erases them.
pub struct DataKey(Cipher);

/// The text was altered, or sealed under another key or for another purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed text cannot be opened")]
pub struct SealError;

impl SealingKey {
    /// Reads the keys of the file that a variable names, and again when it changes: base64
    /// of 32 bytes each, one per line, newest first.
    pub fn of_file(variable: &'static str, path: &Path, files: &Files) -> Result<Self, StartError> {
        let file = path.to_owned();
        let count = files.count_keys(variable);
        let read = move || {
            let ciphers = Ciphers::read(variable, &file)?;
            count(1 + ciphers.earlier.len());
            Ok(ciphers)
        };
        files.watch([(variable, Some(path))], read).map(Self)
    }

    /// A key of the given bytes.
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(Ciphers::new(&bytes, &[]).into())
    }

    /// Seals a text; it opens only with the same associated data.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        self.0.current().current.seal(aad, plain)
    }

    /// Opens what [`seal`](Self::seal) made.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let ciphers = self.0.current();
        std::iter::once(&ciphers.current)
            .chain(&ciphers.earlier)
            .find(|cipher| cipher.sealed(sealed))
            .ok_or(SealError)?
            .open(aad, sealed)
    }

    /// Computes the MAC of a text (HMAC-SHA-256), under a key derived from the current one.
    ///
    /// For what is recognised by what rests of it and must not be guessed from that, as a request
    /// that holds personal data. A new key gives the same text another MAC: a rotation between a
    /// call and its retry makes the retry a different request.
    pub fn mac(&self, text: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0.current().mac, text).as_ref().to_vec()
    }

    /// Makes a data key and its wrapped form, which may be stored.
    pub fn new_data_key(&self) -> (DataKey, Vec<u8>) {
        let mut bytes = [0; KEY_LEN];
        rand::fill(&mut bytes).expect("the system gives random bytes");
        (DataKey(Cipher::new(&bytes)), self.seal(WRAPPING, &bytes))
    }

    /// Gives back the data key of a wrapped form.
    pub fn unwrap_data_key(&self, wrapped: &[u8]) -> Result<DataKey, SealError> {
        let bytes: [u8; KEY_LEN] = self
            .open(WRAPPING, wrapped)?
            .try_into()
            .map_err(|_| SealError)?;
        Ok(DataKey(Cipher::new(&bytes)))
    }
}

impl Ciphers {
    fn new(current: &[u8; KEY_LEN], earlier: &[[u8; KEY_LEN]]) -> Self {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, current), AUTHENTICATING);
        Self {
            current: Cipher::new(current),
            earlier: earlier.iter().map(Cipher::new).collect(),
            mac: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()),
        }
    }

    fn read(variable: &str, path: &Path) -> Result<Self, StartError> {
        let unusable = |cause: &dyn fmt::Display| {
            StartError::unusable(variable, format!("{}: {cause}", path.display()))
        };
        let text = fs::read_to_string(path).map_err(|cause| unusable(&cause))?;
        let mut keys: Vec<[u8; KEY_LEN]> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let bytes = STANDARD
                .decode(line)
                .map_err(|_| unusable(&"a key is not base64"))?;
            let bytes = bytes
                .try_into()
                .map_err(|_| unusable(&"a key is not 32 bytes long"))?;
            keys.push(bytes);
        }
        let (current, earlier) = keys
            .split_first()
            .ok_or_else(|| unusable(&"the file holds no key"))?;
        Ok(Self::new(current, earlier))
    }
}

impl DataKey {
    /// Seals a text; it opens only with the same associated data.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        self.0.seal(aad, plain)
    }

    /// Opens what [`seal`](Self::seal) made.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.open(aad, sealed)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey([REDACTED])")
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey([REDACTED])")
    }
}

struct Cipher {
    name: [u8; KEY_NAME_LEN],
    key: RandomizedNonceKey,
}

impl Cipher {
    fn new(bytes: &[u8; KEY_LEN]) -> Self {
        let digest = digest::digest(&digest::SHA256, bytes);
        let name = digest.as_ref()[..KEY_NAME_LEN]
            .try_into()
            .expect("a SHA-256 digest is longer than a key's name");
        let key = RandomizedNonceKey::new(&AES_256_GCM, bytes)
            .expect("AES-256-GCM takes any 32 bytes as key");
        Self { name, key }
    }

    fn sealed(&self, sealed: &[u8]) -> bool {
        sealed.get(1..=KEY_NAME_LEN) == Some(self.name.as_slice())
    }

    fn seal(&self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut text = plain.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(aad), &mut text)
            .expect("the system gives random bytes and the text fits in memory");
        let mut sealed = Vec::with_capacity(HEADER_LEN + text.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.name);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        sealed
    }

    fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (header, text) = sealed.split_at_checked(HEADER_LEN).ok_or(SealError)?;
        if header[0] != VERSION || !self.sealed(header) {
            return Err(SealError);
        }
        let nonce =
            Nonce::try_assume_unique_for_key(&header[1 + KEY_NAME_LEN..]).map_err(|_| SealError)?;
        let mut text = text.to_vec();
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(aad), &mut text)
            .map_err(|_| SealError)?
            .len();
        text.truncate(plain);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Metrics;

    proptest! {
        #[test]
        fn what_is_sealed_opens_again(aad: Vec<u8>, plain: Vec<u8>) {
            let key = SealingKey::from_bytes([7; 32]);
            prop_assert_eq!(key.open(&aad, &key.seal(&aad, &plain)), Ok(plain));
        }

        #[test]
        fn one_changed_bit_is_found(plain: Vec<u8>, place: prop::sample::Index, bit in 0_u8..8) {
            let key = SealingKey::from_bytes([7; 32]);
            let mut sealed = key.seal(b"aad", &plain);
            let place = place.index(sealed.len());
            sealed[place] ^= 1 << bit;
            prop_assert_eq!(key.open(b"aad", &sealed), Err(SealError));
        }

        #[test]
        fn any_bytes_are_refused_without_panic(bytes: Vec<u8>) {
            prop_assert_eq!(SealingKey::from_bytes([7; 32]).open(b"", &bytes), Err(SealError));
        }
    }

    #[test]
    fn a_text_opens_only_for_its_purpose_and_with_its_key() {
        let key = SealingKey::from_bytes([1; 32]);
        let sealed = key.seal(b"shard 3, position 7", b"text");
        assert_eq!(key.open(b"shard 3, position 8", &sealed), Err(SealError));
        assert_eq!(
            SealingKey::from_bytes([2; 32]).open(b"shard 3, position 7", &sealed),
            Err(SealError)
        );
    }

    #[test]
    fn a_mac_is_the_same_for_the_same_text_and_key_only() {
        let key = SealingKey::from_bytes([1; 32]);
        let mac = key.mac(b"text");
        assert_eq!(mac.len(), 32);
        assert_eq!(SealingKey::from_bytes([1; 32]).mac(b"text"), mac);
        assert_ne!(key.mac(b"texts"), mac);
        assert_ne!(SealingKey::from_bytes([2; 32]).mac(b"text"), mac);
    }

    #[test]
    fn a_data_key_survives_its_wrapping_only() {
        let master = SealingKey::from_bytes([1; 32]);
        let (key, wrapped) = master.new_data_key();
        let sealed = key.seal(b"report", b"a name");

        assert_eq!(
            master
                .unwrap_data_key(&wrapped)
                .unwrap()
                .open(b"report", &sealed)
                .unwrap(),
            b"a name"
        );
        assert_eq!(
            master
                .unwrap_data_key(&master.seal(b"other", &[0; 32]))
                .unwrap_err(),
            SealError
        );
    }

    #[tokio::test]
    async fn a_new_first_line_changes_the_key_and_the_old_one_still_opens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let (old, new) = (STANDARD.encode([1; 32]), STANDARD.encode([2; 32]));
        fs::write(&path, format!("{old}\n")).unwrap();
        let metrics = Metrics::new();
        let files = Files::new(&metrics);
        let holds = |count| {
            let line = format!("vigie_sealing_keys{{variable=\"SAMPLE_KEY_FILE\"}} {count}\n");
            metrics.encode().contains(&line)
        };
        let key = SealingKey::of_file("SAMPLE_KEY_FILE", &path, &files).unwrap();
        assert!(holds(1));
        let clone = key.clone();
        let sealed = key.seal(b"", b"text");
        let mac = key.mac(b"text");

        fs::write(&path, format!("{new}\n{old}\n")).unwrap();
        files.poll().await;
        assert!(holds(2));
        assert_eq!(key.open(b"", &sealed).unwrap(), b"text");

        assert_ne!(clone.mac(b"text"), mac);
        let resealed = clone.seal(b"", b"text");
        assert!(
            SealingKey::from_bytes([1; 32])
                .open(b"", &resealed)
                .is_err()
        );
        assert!(SealingKey::from_bytes([2; 32]).open(b"", &resealed).is_ok());
    }

    #[test]
    fn a_bad_key_file_is_named_and_its_content_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "c2VjcmV0").unwrap();
        let read = SealingKey::of_file("SAMPLE_KEY_FILE", &path, &Files::default());
        let error = read.unwrap_err().to_string();
        assert!(error.contains("SAMPLE_KEY_FILE"), "{error}");
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        assert!(!error.contains("c2VjcmV0"), "{error}");
    }
}
