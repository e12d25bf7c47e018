//! Browsers: which pages may call, and which headers they may send and read.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{ServerConfig, StartError};

/// What gRPC-Web sends beyond the headers that browsers always allow.
const REQUEST_HEADERS: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
];
/// Where errors are when a call fails before its first message.
const RESPONSE_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// The answers to browsers that ask whether a page may call.
pub(super) fn cors(config: &ServerConfig) -> Result<CorsLayer, StartError> {
    let mut origins = Vec::new();
    for origin in config.allowed_origins.split(',').map(str::trim) {
        if origin == "*" {
            return Err(StartError::unusable(
                "SERVER_ALLOWED_ORIGINS",
                "name each origin",
            ));
        }
        if !origin.is_empty() {
            origins.push(
                HeaderValue::from_str(origin)
                    .map_err(|cause| StartError::unusable("SERVER_ALLOWED_ORIGINS", cause))?,
            );
        }
    }
    Ok(CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::POST])
        .allow_headers(REQUEST_HEADERS)
        .expose_headers(RESPONSE_HEADERS)
        .max_age(Duration::from_hours(2)))
}
