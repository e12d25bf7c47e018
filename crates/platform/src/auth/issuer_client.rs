//! Fetches the keys of the issuer over HTTP.

use std::{net::IpAddr, path::Path, time::Duration};

use jsonwebtoken::jwk::JwkSet;
use reqwest::{Certificate, Client, Url, redirect};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{BoxError, Files, StartError, Watched, read_authority};

use super::AuthConfig;

const CA_FILE: &str = "AUTH_CA_FILE";

/// How long the issuer may take, and the most bytes of its answer.
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER: usize = 1 << 20;

/// Fetches the keys of one issuer.
#[derive(Debug)]
pub(super) struct IssuerClient {
    client: Watched<Client>,
    issuer: String,
    discovery: Url,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the issuer does not answer: {0}")]
    Away(BoxError),
    #[error("the issuer's answer cannot be used: {0}")]
    Wrong(BoxError),
}

impl IssuerClient {
    pub(super) fn new(config: &AuthConfig, files: &Files) -> Result<Self, StartError> {
        let issuer = parse("AUTH_ISSUER", &config.issuer)?;
        let discovery = if let Some(address) = &config.discovery_url {
            parse("AUTH_DISCOVERY_URL", address)?
        } else {
            let base = config.issuer.trim_end_matches('/');
            let address = format!("{base}/.well-known/openid-configuration");
            parse("AUTH_ISSUER", &address)?
        };
        if issuer.scheme() == "https" && discovery.scheme() != "https" {
            let why = "https is required";
            return Err(StartError::unusable("AUTH_DISCOVERY_URL", why));
        }
        let ca_file = config.ca_file.clone();
        let is_loopback = is_loopback(&discovery);
        let client = files.watch([(CA_FILE, config.ca_file.as_deref())], move || {
            client(ca_file.as_deref(), is_loopback)
        })?;
        Ok(Self {
            client,
            issuer: config.issuer.clone(),
            discovery,
        })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.issuer.starts_with("https://") && self.discovery.scheme() == "https"
    }

    pub(super) async fn fetch(&self) -> Result<JwkSet, FetchError> {
        let metadata: Metadata = self.get(self.discovery.clone()).await?;
        // A non-standard place may speak for the issuer, but only for this one.
        if metadata.issuer != self.issuer {
            return Err(FetchError::Wrong("its metadata name another issuer".into()));
        }
        let address: Url = metadata
            .jwks_uri
            .parse()
            .map_err(|_| FetchError::Wrong("its keys have no address".into()))?;
        if self.is_encrypted() && address.scheme() != "https" {
            return Err(FetchError::Wrong("its keys are not served by https".into()));
        }
        self.get(address).await
    }

    async fn get<T: DeserializeOwned>(&self, address: Url) -> Result<T, FetchError> {
        let away = |cause: reqwest::Error| FetchError::Away(cause.into());
        let mut answer = self
            .client
            .current()
            .get(address)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(away)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(FetchError::Wrong("its answer is too long".into()));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|cause| FetchError::Wrong(cause.into()))
    }
}

/// Builds the client; with a file of authorities it trusts no other.
fn client(ca_file: Option<&Path>, is_loopback: bool) -> Result<Client, StartError> {
    let mut builder = Client::builder()
        .timeout(TIMEOUT)
        .redirect(redirect::Policy::none());
    // Nobody else's proxy reaches an issuer of this machine.
    if is_loopback {
        builder = builder.no_proxy();
    }
    if let Some(file) = ca_file {
        let authorities = Certificate::from_pem_bundle(&read_authority(CA_FILE, file)?)
            .map_err(|cause| StartError::unusable(CA_FILE, cause))?;
        builder = builder.tls_certs_only(authorities);
    }
    let variable = ca_file.map_or("AUTH_ISSUER", |_| CA_FILE);
    builder
        .build()
        .map_err(|cause| StartError::unusable(variable, cause))
}

fn parse(variable: &'static str, address: &str) -> Result<Url, StartError> {
    address
        .parse()
        .map_err(|cause| StartError::unusable(variable, format!("{cause}")))
}

fn is_loopback(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
