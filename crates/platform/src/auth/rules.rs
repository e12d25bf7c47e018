//! What a token must be to be believed.

use jsonwebtoken::{Algorithm, AlgorithmFamily, Validation, errors::ErrorKind};
use serde_json::{Map, Value};

use crate::{Caller, Error, Result, StartError};

use super::{AuthConfig, LEEWAY, claims::ClaimMap, invalid, key_set::Key};

/// What a token must be to be believed.
#[derive(Debug)]
pub(super) struct Rules {
    validation: Validation,
    acr: Vec<String>,
    claims: ClaimMap,
}

impl Rules {
    pub(super) fn new(config: &AuthConfig) -> Result<Self, StartError> {
        let mut algorithms = Vec::new();
        for name in &config.algorithms {
            let algorithm: Algorithm = name.parse().map_err(|_| {
                StartError::unusable("AUTH_ALGORITHMS", format!("{name} is not known"))
            })?;
            // A shared secret would let anyone who verifies also sign.
            if AlgorithmFamily::Hmac.algorithms().contains(&algorithm) {
                let cause = format!("{name} is not a signature by a private key");
                return Err(StartError::unusable("AUTH_ALGORITHMS", cause));
            }
            algorithms.push(algorithm);
        }
        if algorithms.is_empty() {
            return Err(StartError::unusable(
                "AUTH_ALGORITHMS",
                "names no algorithm",
            ));
        }
        let mut validation = Validation {
            algorithms,
            leeway: LEEWAY.whole_seconds().unsigned_abs(),
            validate_nbf: true,
            ..Validation::default()
        };
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Ok(Self {
            validation,
            acr: config.acr.clone(),
            claims: ClaimMap::new(config)?,
        })
    }

    /// Who the token speaks of, once everything about it is verified.
    pub(super) fn verify(&self, token: &str, key: &Key) -> Result<Caller> {
        let mut validation = self.validation.clone();
        validation
            .algorithms
            .retain(|algorithm| key.algorithms.contains(algorithm));
        if validation.algorithms.is_empty() {
            return Err(invalid("est signé par une clé qui n'est pas acceptée"));
        }
        let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &key.decoding, &validation)
            .map_err(|error| refusal(error.kind()))?
            .claims;
        let acr = claims.get("acr").and_then(Value::as_str);
        if !self.acr.is_empty()
            && !self
                .acr
                .iter()
                .any(|accepted| Some(accepted.as_str()) == acr)
        {
            return Err(invalid("vient d'une authentification trop faible"));
        }
        self.claims
            .caller(&claims)
            .ok_or_else(|| invalid("n'a pas de sujet ou de fin utilisables"))
    }
}

/// The reason for the client; it never repeats anything of the token.
fn refusal(kind: &ErrorKind) -> Error {
    match kind {
        ErrorKind::ExpiredSignature => Error::unauthenticated("TOKEN_EXPIRED", "le jeton a expiré"),
        ErrorKind::ImmatureSignature => invalid("n'est pas encore valable"),
        ErrorKind::InvalidIssuer => invalid("vient d'un autre fournisseur d'identité"),
        ErrorKind::InvalidAudience => invalid("est destiné à une autre audience"),
        ErrorKind::MissingRequiredClaim(_) => invalid("n'a pas toutes les déclarations requises"),
        ErrorKind::InvalidAlgorithm => invalid("est signé par un algorithme qui n'est pas accepté"),
        ErrorKind::InvalidSignature => invalid("a une signature fausse"),
        _ => invalid("n'est pas lisible"),
    }
}
