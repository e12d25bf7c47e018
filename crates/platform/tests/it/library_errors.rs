//! Errors that the gRPC library makes itself, as a client of the same library reads them.

use http::uri::PathAndQuery;
use prost::bytes::{Buf as _, BufMut as _};
use proto::notification::v1::{
    WatchRequest, notification_service_client::NotificationServiceClient,
};
use testkit::TokenSpec;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::env::{TestEnv, question, reason};

const LIST: &str = "/vigie.notification.v1.DeliveryService/ListDeliveries";

/// Sends bytes as a message, whatever they are.
#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).to_vec()))
    }
}

async fn call(env: &TestEnv, path: &'static str, message: Vec<u8>) -> Status {
    let mut client = Grpc::new(env.channel().await);
    client.ready().await.unwrap();
    let mut request = Request::new(message);
    let bearer = format!("Bearer {}", env.operator());
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    let path = PathAndQuery::from_static(path);
    client.unary(request, path, Raw).await.unwrap_err()
}

#[track_caller]
fn assert_is(status: &Status, code: Code, expected: &str) {
    assert_eq!((status.code(), reason(status).as_str()), (code, expected));
}

#[tokio::test]
async fn a_compression_that_is_not_accepted_is_named_as_such() {
    let env = TestEnv::start().await;
    let client = env.deliveries().await;
    let mut client = client.send_compressed(CompressionEncoding::Gzip);
    let request = question(&env.operator(), "caller");
    let status = client.list_deliveries(request).await.unwrap_err();
    assert_is(&status, Code::Unimplemented, "UNSUPPORTED_COMPRESSION");
    assert_eq!(status.message(), "cette compression n'est pas acceptée");
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_named_as_such() {
    let env = TestEnv::start().await;
    for path in [
        "/vigie.notification.v1.DeliveryService/Nothing",
        "/vigie.nothing.v1.NothingService/Nothing",
        "/grpc.health.v1.Health/Nothing",
    ] {
        let status = call(&env, path, Vec::new()).await;
        assert_is(&status, Code::Unimplemented, "UNKNOWN_METHOD");
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_names_its_field_reason() {
    let env = TestEnv::start().await;
    for message in [&b"\x0a\xff"[..], b"\x12\x02\xc3\x28", b"\xff\xff\xff"] {
        let status = call(&env, LIST, message.to_vec()).await;
        assert_is(&status, Code::InvalidArgument, "INVALID");
        let details = tonic_types::StatusExt::get_error_details(&status);
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations[0].reason, "MALFORMED_REQUEST");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_named_as_such() {
    let env = TestEnv::start().await;
    let large = question(&env.operator(), &"x".repeat(5 << 20));
    let status = env.deliveries().await.list_deliveries(large).await;
    assert_is(&status.unwrap_err(), Code::OutOfRange, "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn the_health_of_an_unknown_service_is_not_found_with_a_reason() {
    let env = TestEnv::start().await;
    let mut health = HealthClient::new(env.channel().await);
    let service = "nothing".to_owned();
    let status = health.check(HealthCheckRequest { service }).await;
    assert_is(&status.unwrap_err(), Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn a_stream_that_ends_without_a_reason_gets_one() {
    let env = TestEnv::start().await;
    let anna = TokenSpec::of("anna").role("analyst");
    let bearer = format!("Bearer {}", env.issuer.token(&anna));
    let mut request = Request::new(WatchRequest {
        cursor: "bare".to_owned(),
        ..Default::default()
    });
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().unwrap());
    let mut client = NotificationServiceClient::new(env.channel().await);
    let mut stream = client.watch(request).await.unwrap().into_inner();
    stream.message().await.unwrap();
    let status = stream.message().await.unwrap_err();
    assert_is(&status, Code::ResourceExhausted, "RESOURCE_EXHAUSTED");
}
