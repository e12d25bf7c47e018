//! The only reader of the environment.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

/// A variable that is missing or wrong; its value is never shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The variable must be set.
    #[error("{0} is not set")]
    Missing(String),
    /// The value of the variable cannot be read as what it must be.
    #[error("{0} has a value that cannot be used: {1}")]
    Wrong(String, String),
}

/// The variables a service is told at its start: those of its process, or those
/// that whoever runs several services in one process gives to each.
#[derive(Clone)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Reads the variables with a prefix into a flat structure; an empty value is
    /// no value.
    pub fn read<T: DeserializeOwned>(&self, prefix: &str) -> Result<T, ConfigError> {
        let variables: Vec<(String, String)> = self
            .0
            .iter()
            .filter(|(name, value)| name.starts_with(prefix) && !value.is_empty())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let attempt =
            |count: usize| envy::prefixed(prefix).from_iter::<_, T>(variables[..count].to_vec());

        match attempt(variables.len()) {
            Ok(config) => Ok(config),
            Err(envy::Error::MissingValue(field)) => Err(ConfigError::Missing(format!(
                "{prefix}{}",
                field.to_uppercase()
            ))),
            Err(envy::Error::Custom(message)) => {
                // The message does not always name the variable: it is the last of the
                // shortest beginning of the list that is refused for a value.
                let (name, value) = (1..=variables.len())
                    .find(|count| matches!(attempt(*count), Err(envy::Error::Custom(_))))
                    .map_or_else(
                        || (format!("{prefix}*"), String::new()),
                        |count| variables[count - 1].clone(),
                    );
                let message = message
                    .split(" while parsing value ")
                    .next()
                    .unwrap_or_default();
                let safe = value.is_empty() || !message.contains(&value);
                let why = if safe {
                    message
                } else {
                    "not in the expected form"
                };
                Err(ConfigError::Wrong(name, why.to_owned()))
            }
        }
    }

    /// The variables, for a process that is started with them.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The number that a variable has when it is not set: `#[serde(default = "number::<16, _>")]`.
pub fn number<const DEFAULT: u32, T: TryFrom<u32>>() -> T {
    let number = T::try_from(DEFAULT).ok();
    number.expect("the default is in the range of its field")
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether they can be read matters")]
    struct Sample {
        listen: SocketAddr,
        workers: u16,
        mode: Mode,
        note: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Fast,
    }

    fn sample(changes: &[(&str, &str)]) -> Result<Sample, ConfigError> {
        let mut variables = vec![
            ("SAMPLE_LISTEN", "127.0.0.1:80"),
            ("SAMPLE_WORKERS", "4"),
            ("SAMPLE_MODE", "fast"),
            ("OTHER", "x"),
        ];
        for (name, value) in changes {
            variables.retain(|(known, _)| known != name);
            variables.push((name, value));
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        variables
            .into_iter()
            .map(owned)
            .collect::<Environment>()
            .read("SAMPLE_")
    }

    #[test]
    fn a_complete_environment_is_read() {
        let sample = sample(&[]).unwrap();
        assert_eq!(sample.workers, 4);
        assert_eq!(sample.note, None);
    }

    #[test]
    fn a_missing_variable_is_named() {
        let error = sample(&[("SAMPLE_WORKERS", "")]).unwrap_err();
        assert_eq!(error.to_string(), "SAMPLE_WORKERS is not set");
    }

    #[test]
    fn a_wrong_value_is_not_shown_but_its_variable_is() {
        for (name, value) in [
            ("SAMPLE_WORKERS", "s3cret"),
            ("SAMPLE_LISTEN", "s3cret"),
            ("SAMPLE_MODE", "s3cret"),
        ] {
            let error = sample(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
            assert!(!error.contains(value), "{error}");
        }
    }
}
