//! What is known of the issuer of tokens.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;

/// The issuer of tokens and how its claims are read (`AUTH_*`).
#[derive(Debug, Clone, Deserialize)]
pub struct AuthConfig {
    /// The issuer, exactly as in the claim `iss`.
    pub issuer: String,
    /// The audience that a token must name.
    pub audience: String,
    /// Where the issuer's metadata are, when not at the standard place below the issuer.
    pub discovery_url: Option<String>,
    /// The authorities that signed the certificates of the issuer, in PEM; those of the
    /// system when unset.
    pub ca_file: Option<PathBuf>,
    /// The accepted signature algorithms, as a comma list.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    /// The authentication contexts (`acr`) of which a token must have one, as a comma list;
    /// any when unset.
    #[serde(default)]
    pub acr: Vec<String>,
    /// The path of the claim with the roles, with dots.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// The path of the claim with the code of the region.
    #[serde(default = "region_claim")]
    pub region_claim: String,
    /// The path of the claim with the structures, as in `finess:010000024`.
    #[serde(default = "structures_claim")]
    pub structures_claim: String,
    /// What the issuer's values mean, as a comma list of `value=role`; the names of the
    /// roles themselves when unset.
    #[serde(default)]
    pub role_map: Vec<String>,
}

impl AuthConfig {
    /// The usual claims and algorithms of an issuer.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        let named = json!({ "issuer": issuer.into(), "audience": audience.into() });
        serde_json::from_value(named).expect("everything else has a default")
    }
}

fn algorithms() -> Vec<String> {
    ["ES256", "ES384", "RS256", "PS256", "EdDSA"]
        .map(str::to_owned)
        .to_vec()
}

fn roles_claim() -> String {
    "roles".to_owned()
}

fn region_claim() -> String {
    "region".to_owned()
}

fn structures_claim() -> String {
    "structures".to_owned()
}
