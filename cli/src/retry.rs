//! A channel that makes a call once more when the service was away.

use std::error::Error;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use prost_reflect::MethodDescriptor;
use tokio::time::{sleep, timeout};
use tonic::body::Body;
use tonic::codegen::{
    BoxFuture, Service,
    http::{self, StatusCode},
};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::json::CONTRACTS;

/// How long the second attempt waits where the service does not say it.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How a proxy says that the service behind it is away.
const AWAY: [StatusCode; 3] = [
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// The only verbs of methods that change nothing.
const READING: [&str; 4] = ["Get", "List", "Check", "Search"];

/// A channel on which a unary call is made a second time after `UNAVAILABLE`, a cut
/// connection or a proxy that does not reach the service, and ends within a time.
///
/// The second call is the first one to the byte: a write carries the same `request_id`, so
/// that it is done once. A method that neither reads nor has a `request_id` is called once.
#[derive(Clone)]
pub struct RetryChannel {
    channel: Channel,
    url: Arc<str>,
    limit: Duration,
}

impl RetryChannel {
    /// Unary calls to the service at `url` end within `limit`, both attempts together.
    pub(crate) fn new(channel: Channel, url: &str, limit: Duration) -> Self {
        Self {
            channel,
            url: url.into(),
            limit,
        }
    }

    async fn call_twice(
        &mut self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, Status> {
        let (parts, body) = request.into_parts();
        let message = body.collect().await?.to_bytes();
        let request = || {
            let body = Body::new(Full::new(message.clone()));
            http::Request::from_parts(parts.clone(), body)
        };
        match self.call_once(request()).await {
            Err(status) if status.code() == Code::Unavailable => {
                sleep(pause(&status)).await;
                self.call_once(request()).await
            }
            answer => answer,
        }
    }

    /// Makes a unary call and reads its whole answer, which may break off as well. A proxy
    /// says in HTTP that the service is away, and may hide that an answer broke off: what
    /// has no status was not answered by the service.
    async fn call_once(
        &mut self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, Status> {
        let (parts, body) = self.send(request).await?.into_parts();
        let body = body.collect().await.map_err(|error| self.cut(&error))?;
        let trailers = body.trailers().and_then(Status::from_header_map);
        let away = |told: &str| Err(Status::unavailable(format!("{}: {told}", self.url)));
        match Status::from_header_map(&parts.headers).or(trailers) {
            Some(status) if status.code() == Code::Unavailable => Err(status),
            None if parts.status == StatusCode::OK => away("the answer was cut off"),
            None if AWAY.contains(&parts.status) => away(&format!("HTTP {}", parts.status)),
            _ => Ok(http::Response::from_parts(parts, Body::new(body))),
        }
    }

    async fn send(&mut self, request: http::Request<Body>) -> Result<http::Response<Body>, Status> {
        let sent = match poll_fn(|context| self.channel.poll_ready(context)).await {
            Ok(()) => self.channel.call(request).await,
            Err(error) => Err(error),
        };
        sent.map_err(|error| self.cut(&error))
    }

    /// Names the service that could not be reached, and the first cause.
    fn cut(&self, error: &dyn Error) -> Status {
        let mut cause = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        Status::unavailable(format!("{}: {cause}", self.url))
    }
}

impl Service<http::Request<Body>> for RetryChannel {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = BoxFuture<Self::Response, Status>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // Each attempt waits for the connection that it makes.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut channel = self.clone();
        Box::pin(async move {
            let method = method(request.uri().path());
            if method.as_ref().is_none_or(is_streaming) {
                return channel.send(request).await;
            }
            let limit = channel.limit;
            let answer = async {
                if method.as_ref().is_some_and(is_repeatable) {
                    channel.call_twice(request).await
                } else {
                    channel.call_once(request).await
                }
            };
            timeout(limit, answer).await.unwrap_or_else(|_| {
                let late = format!("no answer within {} s", limit.as_secs());
                Err(Status::deadline_exceeded(late))
            })
        })
    }
}

/// The method of the contract behind a path like `/vigie.intake.v1.IntakeService/GetReport`.
fn method(path: &str) -> Option<MethodDescriptor> {
    let (service, name) = path.strip_prefix('/')?.split_once('/')?;
    let service = CONTRACTS.get_service_by_name(service)?;
    service.methods().find(|method| method.name() == name)
}

fn is_streaming(method: &MethodDescriptor) -> bool {
    method.is_client_streaming() || method.is_server_streaming()
}

fn is_repeatable(method: &MethodDescriptor) -> bool {
    let reads = READING.iter().any(|verb| method.name().starts_with(verb));
    reads || method.input().get_field_by_name("request_id").is_some()
}

fn pause(status: &Status) -> Duration {
    let told = status.get_details_retry_info();
    let told = told.and_then(|info| info.retry_delay);
    told.unwrap_or(PAUSE).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::{is_repeatable, is_streaming, method};

    #[test]
    fn only_what_reads_or_has_a_request_id_is_called_twice() {
        let repeatable = |path| is_repeatable(&method(path).unwrap());
        for path in [
            "/vigie.intake.v1.IntakeService/SubmitReport",
            "/vigie.intake.v1.IntakeService/WithdrawReport",
            "/vigie.intake.v1.IntakeService/CheckReport",
            "/vigie.qualification.v1.QualificationService/CloseCase",
            "/vigie.notification.v1.DeliveryService/RetryDelivery",
        ] {
            assert!(repeatable(path), "{path}");
        }
        for path in [
            "/vigie.eventlog.v1.ConsumerService/SkipParkedEvent",
            "/vigie.eventlog.v1.ConsumerService/UnregisterConsumer",
        ] {
            assert!(!repeatable(path), "{path}");
        }
    }

    #[test]
    fn streams_are_told_from_unary_calls() {
        let streaming = |path| is_streaming(&method(path).unwrap());
        assert!(streaming(
            "/vigie.notification.v1.NotificationService/Watch"
        ));
        assert!(streaming(
            "/vigie.intake.v1.StructureService/ImportStructures"
        ));
        assert!(!streaming(
            "/vigie.intake.v1.StructureService/SearchStructures"
        ));
        assert!(method("/vigie.intake.v1.IntakeService/Unknown").is_none());
    }
}
