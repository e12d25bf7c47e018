//! Secrets of the configuration, told by a variable or kept in a file.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use crate::StartError;

/// Where a secret of the configuration is, with the variable that says so.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// It is the value of the variable.
    Inline(&'static str, SecretString),
    /// It is the content of the file that the variable names, but for white space around it.
    File(&'static str, PathBuf),
}

impl SecretSource {
    /// The source that one of two variables names: the secret itself, or its file; `None`
    /// when neither is set.
    pub fn of(
        [variable, file_variable]: [&'static str; 2],
        told: Option<&SecretString>,
        file: Option<&Path>,
    ) -> Result<Option<Self>, StartError> {
        match (told, file) {
            (Some(_), Some(_)) => {
                let why = format!("{variable} is set too");
                Err(StartError::unusable(file_variable, why))
            }
            (Some(told), None) => Ok(Some(Self::Inline(variable, told.clone()))),
            (None, Some(file)) => Ok(Some(Self::File(file_variable, file.to_owned()))),
            (None, None) => Ok(None),
        }
    }

    /// The variable that is set.
    pub fn variable(&self) -> &'static str {
        match self {
            Self::Inline(variable, _) | Self::File(variable, _) => variable,
        }
    }

    /// The file, where there is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Inline(..) => None,
            Self::File(_, file) => Some(file),
        }
    }

    /// The secret as it is now; an empty file holds none.
    pub fn read(&self) -> Result<SecretString, StartError> {
        match self {
            Self::Inline(_, secret) => Ok(secret.clone()),
            Self::File(variable, file) => {
                let unusable = |cause: &dyn fmt::Display| {
                    StartError::unusable(*variable, format!("{}: {cause}", file.display()))
                };
                let text = fs::read_to_string(file).map_err(|cause| unusable(&cause))?;
                match text.trim() {
                    "" => Err(unusable(&"the file is empty")),
                    secret => Ok(SecretString::from(secret)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_is_told_once_and_never_shown() {
        let secret = SecretString::from("hunter2");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "hunter3\n").unwrap();
        let of = |told, file| SecretSource::of(["SAMPLE", "SAMPLE_FILE"], told, file);

        assert!(of(None, None).unwrap().is_none());
        let told = of(Some(&secret), None).unwrap().unwrap();
        assert_eq!(told.variable(), "SAMPLE");
        assert_eq!(told.read().unwrap().expose_secret(), "hunter2");
        let kept = of(None, Some(&file)).unwrap().unwrap();
        assert_eq!(kept.variable(), "SAMPLE_FILE");
        assert_eq!(kept.read().unwrap().expose_secret(), "hunter3");

        fs::write(&file, "\n").unwrap();
        let empty = kept.read().unwrap_err().to_string();
        assert!(empty.ends_with("the file is empty"), "{empty}");

        let both = of(Some(&secret), Some(&file)).unwrap_err().to_string();
        assert_eq!(both, "SAMPLE_FILE: SAMPLE is set too");
        assert!(!format!("{told:?}").contains("hunter2"));
    }
}
