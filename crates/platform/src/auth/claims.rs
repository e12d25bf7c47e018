//! How the claims of an issuer become a caller.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use time::OffsetDateTime;
use vocabulary::Role;

use crate::{Caller, StartError};

use super::AuthConfig;

/// The longest subject that is accepted, as OpenID Connect Core 1.0 (section 2) bounds it.
const MAX_SUBJECT: usize = 255;

/// How the claims of an issuer become a caller.
#[derive(Debug)]
pub(super) struct ClaimMap {
    roles: Path,
    region: Path,
    structures: Path,
    meaning: BTreeMap<String, Role>,
}

impl ClaimMap {
    pub(super) fn new(config: &AuthConfig) -> Result<Self, StartError> {
        let wrong = |cause: String| StartError::unusable("AUTH_ROLE_MAP", cause);
        let mut meaning = BTreeMap::new();
        for pair in &config.role_map {
            let (value, role) = pair
                .split_once('=')
                .ok_or_else(|| wrong(format!("{pair} is not of the form value=role")))?;
            let role = role
                .trim()
                .parse()
                .map_err(|_| wrong(format!("{role} is not a role")))?;
            meaning.insert(value.trim().to_owned(), role);
        }
        if meaning.is_empty() {
            meaning.extend(
                Role::ALL
                    .iter()
                    .map(|role| (role.as_str().to_owned(), *role)),
            );
        }
        // These two are never granted by a token.
        meaning.retain(|_, role| !matches!(role, Role::Service | Role::Anyone));
        Ok(Self {
            roles: Path::new(&config.roles_claim),
            region: Path::new(&config.region_claim),
            structures: Path::new(&config.structures_claim),
            meaning,
        })
    }

    /// The caller of verified claims. What cannot be understood grants nothing.
    pub(super) fn caller(&self, claims: &Map<String, Value>) -> Option<Caller> {
        let subject = claims.get("sub")?.as_str()?;
        let seconds = claims.get("exp")?.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a moment beyond i64 is refused below"
        )]
        let expires_at = OffsetDateTime::from_unix_timestamp(seconds as i64).ok()?;
        if subject.is_empty() || subject.len() > MAX_SUBJECT {
            return None;
        }
        let mut roles = BTreeSet::from([Role::Anyone]);
        roles.extend(
            self.roles
                .texts(claims)
                .iter()
                .filter_map(|value| self.meaning.get(*value).copied()),
        );
        Some(Caller {
            subject: subject.to_owned(),
            roles,
            region: self
                .region
                .texts(claims)
                .first()
                .and_then(|code| code.parse().ok()),
            structures: self
                .structures
                .texts(claims)
                .iter()
                .filter_map(|key| key.parse().ok())
                .collect(),
            expires_at: Some(expires_at),
        })
    }
}

/// The path of a claim, such as `realm_access.roles`.
#[derive(Debug)]
struct Path(String);

impl Path {
    fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// The texts found there: a list, or one text with spaces between the values.
    fn texts<'a>(&self, claims: &'a Map<String, Value>) -> Vec<&'a str> {
        // Some issuers use addresses as names of claims: the whole path comes first.
        let found = claims.get(&self.0).or_else(|| {
            let mut steps = self.0.split('.');
            let first = claims.get(steps.next()?)?;
            steps.try_fold(first, |value, step| value.get(step))
        });
        match found {
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => text.split_whitespace().collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn caller(config: &AuthConfig, claims: &Value) -> Option<Caller> {
        ClaimMap::new(config)
            .unwrap()
            .caller(claims.as_object().unwrap())
    }

    fn config() -> AuthConfig {
        AuthConfig::new("https://issuer.example", "vigie")
    }

    #[test]
    fn the_usual_claims_make_a_caller() {
        let caller = caller(
            &config(),
            &json!({
                "sub": "u-17", "exp": 1_800_000_000, "roles": ["regional_agent", "editor"],
                "region": "76", "structures": ["finess:010000024"],
            }),
        )
        .unwrap();
        assert_eq!(caller.subject, "u-17");
        assert!(caller.has(Role::RegionalAgent) && caller.has(Role::Editor));
        assert_eq!(caller.region, Some("76".parse().unwrap()));
        assert_eq!(
            caller.structures,
            BTreeSet::from(["finess:010000024".parse().unwrap()])
        );
        assert_eq!(caller.expires_at.unwrap().unix_timestamp(), 1_800_000_000);
    }

    #[test]
    fn an_issuer_with_other_names_is_mapped() {
        let mut config = config();
        config.roles_claim = "realm_access.roles".to_owned();
        config.role_map = vec!["CERT_ANALYSTE=analyst".to_owned()];
        let claims = json!({
            "sub": "a", "exp": 1_800_000_000,
            "realm_access": { "roles": ["CERT_ANALYSTE", "operator"] },
        });
        let caller = caller(&config, &claims).unwrap();
        assert!(caller.has(Role::Analyst));
        assert!(!caller.has(Role::Operator), "only mapped values count");
    }

    #[test]
    fn roles_may_be_one_text_and_claims_may_have_dots_in_their_names() {
        let mut config = config();
        config.roles_claim = "https://vigie.example/roles".to_owned();
        let claims = json!({
            "sub": "a", "exp": 1_800_000_000,
            "https://vigie.example/roles": "analyst operator",
        });
        let caller = caller(&config, &claims).unwrap();
        assert!(caller.has(Role::Analyst) && caller.has(Role::Operator));
    }

    #[test]
    fn no_token_makes_a_service() {
        let mut config = config();
        config.role_map = vec!["x=service".to_owned(), "y=analyst".to_owned()];
        let caller = caller(
            &config,
            &json!({ "sub": "a", "exp": 1_800_000_000, "roles": ["x", "service"] }),
        );
        assert_eq!(caller.unwrap().roles, BTreeSet::from([Role::Anyone]));
    }

    #[test]
    fn what_cannot_be_understood_grants_nothing() {
        let claims = json!({
            "sub": "a", "exp": 1_800_000_000, "roles": { "analyst": true },
            "region": "Occitanie", "structures": ["finess:1"],
        });
        let caller = caller(&config(), &claims).unwrap();
        assert_eq!(caller.roles, BTreeSet::from([Role::Anyone]));
        assert_eq!((caller.region, caller.structures.len()), (None, 0));
    }

    #[test]
    fn a_subject_is_needed() {
        assert_eq!(
            caller(&config(), &json!({ "sub": "", "exp": 1_800_000_000 })),
            None
        );
        assert_eq!(caller(&config(), &json!({ "exp": 1_800_000_000 })), None);
    }

    #[test]
    fn a_map_to_an_unknown_role_is_refused() {
        let mut config = config();
        config.role_map = vec!["x=chief".to_owned()];
        let error = ClaimMap::new(&config).unwrap_err().to_string();
        assert_eq!(error, "AUTH_ROLE_MAP: chief is not a role");
    }
}
