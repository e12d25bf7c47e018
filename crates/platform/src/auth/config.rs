//! What is known of the issuer of tokens.

use serde::Deserialize;

/// The issuer of tokens and how its claims are read (`AUTH_*`).
#[derive(Debug, Clone, Deserialize)]
pub struct AuthConfig {
    /// The issuer, exactly as in the claim `iss`.
    pub issuer: String,
    /// The audience that a token must name.
    pub audience: String,
    /// Where the issuer's metadata are, when not below the issuer itself.
    pub discovery_url: Option<String>,
    /// The accepted signature algorithms, as a comma list.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    /// The authentication context (`acr`) values of which a token must have one; any when unset.
    #[serde(default)]
    pub acr: Vec<String>,
    /// The path of the claim with the roles, with dots.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// The path of the claim with the region's code.
    #[serde(default = "region_claim")]
    pub region_claim: String,
    /// The path of the claim with the structures.
    #[serde(default = "structures_claim")]
    pub structures_claim: String,
    /// What the issuer's values mean, as `value=role` pairs in a comma list; the names of
    /// the roles themselves when unset.
    #[serde(default)]
    pub role_map: Vec<String>,
}

fn algorithms() -> Vec<String> {
    vec!["ES256".to_owned(), "RS256".to_owned(), "PS256".to_owned()]
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
