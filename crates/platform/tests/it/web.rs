//! Browsers and TLS on the public listener.

use prost::Message as _;
use proto::notification::v1::ListDeliveriesRequest;
use reqwest::{Client, Method, Response, StatusCode};
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

use crate::env::{TestEnv, ask};

const PORTAL: &str = "https://portal.example";
const PATH: &str = "/vigie.notification.v1.DeliveryService/ListDeliveries";

async fn env() -> TestEnv {
    TestEnv::start_with(|plan, _| plan.server.allowed_origins = format!("{PORTAL}, http://b")).await
}

async fn preflight(env: &TestEnv, origin: &str) -> Response {
    Client::new()
        .request(Method::OPTIONS, format!("http://{}{PATH}", env.public))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type,x-grpc-web",
        )
        .send()
        .await
        .unwrap()
}

async fn call(env: &TestEnv, token: &str, what: &str) -> Response {
    let message = ListDeliveriesRequest {
        page_token: what.to_owned(),
        ..Default::default()
    };
    send(env, token, &message.encode_to_vec()).await
}

async fn send(env: &TestEnv, token: &str, message: &[u8]) -> Response {
    let mut body = vec![0];
    body.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend_from_slice(message);
    Client::new()
        .post(format!("http://{}{PATH}", env.public))
        .header("origin", PORTAL)
        .header("content-type", "application/grpc-web+proto")
        .header("x-grpc-web", "1")
        .header("authorization", format!("Bearer {token}"))
        .body(body)
        .send()
        .await
        .unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_page_of_the_portal_may_call() {
    let answer = preflight(&env().await, PORTAL).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "access-control-allow-origin"), PORTAL);
    assert_eq!(header(&answer, "access-control-allow-methods"), "POST");
    let allowed = header(&answer, "access-control-allow-headers");
    for name in [
        "authorization",
        "content-type",
        "x-grpc-web",
        "grpc-timeout",
        "traceparent",
    ] {
        assert!(allowed.split(',').any(|it| it == name), "{allowed}");
    }
}

#[tokio::test]
async fn a_page_of_somebody_else_may_not() {
    let answer = preflight(&env().await, "https://elsewhere.example").await;
    assert_eq!(header(&answer, "access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_page_gets_its_answer_and_can_read_the_status() {
    let env = env().await;
    let answer = call(&env, &env.operator(), "caller").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "access-control-allow-origin"), PORTAL);
    let exposed = header(&answer, "access-control-expose-headers").to_owned();
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        assert!(exposed.split(',').any(|it| it == name), "{exposed}");
    }
    let body = answer.bytes().await.unwrap();
    assert!(body.windows(4).any(|it| it == b"olga"));
    assert!(body.windows(13).any(|it| it == b"grpc-status:0"));
}

#[tokio::test]
async fn a_refusal_reaches_the_page_with_its_details() {
    let answer = call(&env().await, "nonsense", "caller").await;
    let told = format!("{:?}", answer.headers());
    let body = answer.bytes().await.unwrap();
    let told = told + &String::from_utf8_lossy(&body);
    assert!(told.contains("grpc-status-details-bin"), "{told}");
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_refused_with_a_reason_and_without_our_words() {
    let env = env().await;
    for message in [&b"\x0a\xff"[..], b"\x12\x02\xc3\x28", b"\xff\xff\xff"] {
        let answer = send(&env, &env.operator(), message).await;
        assert_eq!(header(&answer, "grpc-status"), "3", "{message:?}");
        assert_eq!(
            header(&answer, "grpc-message").replace("%20", " "),
            "certains champs ne sont pas valides"
        );
        assert_ne!(header(&answer, "grpc-status-details-bin"), "");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_with_a_reason() {
    let env = env().await;
    let answer = send(&env, &env.operator(), &vec![0; 5 << 20]).await;
    assert_eq!(header(&answer, "grpc-status"), "11");
    assert_ne!(header(&answer, "grpc-status-details-bin"), "");
}

#[tokio::test]
async fn the_public_listener_speaks_tls_when_it_has_a_certificate() {
    let env = TestEnv::start_with(|plan, certificates| {
        plan.server.tls_cert_file = Some(certificates.cert_file("intake"));
        plan.server.tls_key_file = Some(certificates.key_file("intake"));
    })
    .await;
    let authority = std::fs::read(env.certificates.ca_file()).unwrap();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority))
        .domain_name("localhost");
    let channel = Channel::from_shared(format!("https://{}", env.public))
        .unwrap()
        .tls_config(tls)
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client =
        proto::notification::v1::delivery_service_client::DeliveryServiceClient::new(channel);
    assert_eq!(
        ask(&mut client, &env.operator(), "caller").await.unwrap(),
        "olga"
    );
}
