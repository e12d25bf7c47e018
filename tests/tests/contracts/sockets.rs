//! The public listeners over real sockets: reflection, health, gRPC-Web and CORS.

use std::collections::BTreeSet;

use dev::SERVICES;
use prost::Message as _;
use prost_reflect::{DescriptorPool, ServiceDescriptor};
use proto::intake::v1::{GetReportRequest, ListReportsRequest, ListReportsResponse};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode, Url, Version};
use serde_json::Value;
use testkit::{CLIENT_ID, TokenSpec, eventually};
use tests::TestEnv;
use tonic::codegen::http::{HeaderMap, HeaderName};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt as _;
use uuid::Uuid;

// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const PATH: &str = "/vigie.intake.v1.IntakeService";
/// The flag of the frame that carries the trailers in gRPC-Web.
const TRAILERS: u8 = 0x80;

fn channel(env: &TestEnv, service: &str) -> Channel {
    let address = env.suite.addresses(service).public;
    Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect_lazy()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_tells_what_it_serves_and_that_it_does() {
    let env = TestEnv::start().await;
    let mut person = TokenSpec::of("everybody");
    person.roles = dev::identities()
        .into_iter()
        .flat_map(|it| it.token.roles)
        .collect();
    let token = env.suite.issuer.token(&person);
    for service in SERVICES {
        let offered = offered(service);
        let names = offered.iter().map(|it| it.full_name().to_owned());
        let mut expected: BTreeSet<String> = names.collect();
        expected.insert("grpc.health.v1.Health".to_owned());
        assert_eq!(reflected(&env, service).await, expected, "{service}");

        // What is served is found unreadable, and nothing is changed by it.
        let address = env.suite.addresses(service).public;
        for method in offered.iter().flat_map(ServiceDescriptor::methods) {
            let offered = method.parent_service();
            let url = format!("http://{address}/{}/{}", offered.full_name(), method.name());
            let (_, status) = read(post(&url, &token, b"\xff").await).await;
            assert_eq!(status.code(), Code::InvalidArgument, "{url}: {status:?}");
        }

        for name in ["", service] {
            let request = HealthCheckRequest {
                service: name.to_owned(),
            };
            let health = HealthClient::new(channel(&env, service));
            // The database may be slow to answer beside other tests.
            eventually(async || {
                let answer = health.clone().check(request.clone()).await.unwrap();
                answer.into_inner().status() == ServingStatus::Serving
            })
            .await;
        }
    }
}

/// What the contract lets a service offer to people: all that its own package has, and
/// its consumers.
fn offered(service: &str) -> Vec<ServiceDescriptor> {
    let contracts = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let own = format!("vigie.{service}.");
    let offered: Vec<_> = contracts
        .services()
        .filter(|it| {
            let name = it.full_name();
            name.starts_with(&own) || name == "vigie.eventlog.v1.ConsumerService"
        })
        .collect();
    assert!(offered.len() > 1, "{service} offers nothing of its own");
    offered
}

/// The services that reflection lists, itself left out.
async fn reflected(env: &TestEnv, service: &str) -> BTreeSet<String> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel(env, service));
    let answers = client
        .server_reflection_info(tokio_stream::iter([request]))
        .await;
    let answer = answers.unwrap().into_inner().message().await.unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.unwrap().message_response else {
        panic!("no list of services");
    };
    let names = list.service.into_iter().map(|service| service.name);
    names
        .filter(|name| !name.starts_with("grpc.reflection."))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_calls_over_http_1_and_reads_answers_and_refusals() {
    let env = TestEnv::start().await;
    let portal = format!("http://{}", env.suite.portal());
    let (token, id_token) = log_in(&env, &portal, "analyst").await;
    for service in SERVICES {
        let url = format!("http://{}", env.suite.addresses(service).public);
        let elsewhere = "https://elsewhere.example.org";
        for (origin, allowed) in [(&*portal, true), (elsewhere, false)] {
            let preflight = Client::new()
                .request(Method::OPTIONS, &url)
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header(
                    "access-control-request-headers",
                    "authorization,content-type,x-grpc-web",
                );
            let answer = preflight.send().await.unwrap();
            let told = answer.headers().get("access-control-allow-origin");
            let told = told.map(|origin| origin.to_str().unwrap());
            assert_eq!(told, allowed.then_some(origin), "{service}: {origin}");
        }
    }

    let url = format!("http://{}{PATH}", env.suite.addresses("intake").public);
    let list = ListReportsRequest::default().encode_to_vec();
    let answer = post(&format!("{url}/ListReports"), &token, &list).await;
    let (message, status) = read(answer).await;
    assert_eq!(status.code(), Code::Ok);
    let listed = ListReportsResponse::decode(&*message.unwrap()).unwrap();
    assert_eq!(listed.reports, []);

    let nowhere = GetReportRequest {
        report_id: Uuid::now_v7().to_string(),
    };
    let answer = post(
        &format!("{url}/GetReport"),
        &token,
        &nowhere.encode_to_vec(),
    )
    .await;
    let (message, status) = read(answer).await;
    assert_eq!((message, status.code()), (None, Code::NotFound));
    let details = status.get_error_details();
    let info = details.error_info().expect("a refusal says why");
    assert_eq!((&*info.domain, &*info.reason), ("vigie", "NOT_FOUND"));

    let wrong = GetReportRequest {
        report_id: "nothing of ours".to_owned(),
    };
    let answer = post(&format!("{url}/GetReport"), &token, &wrong.encode_to_vec()).await;
    let (_, status) = read(answer).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "report_id");

    for useless in ["nonsense", &id_token] {
        let answer = post(&format!("{url}/ListReports"), useless, &list).await;
        let (_, status) = read(answer).await;
        assert_eq!(status.code(), Code::Unauthenticated);
    }
}

/// Logs in at the local issuer as the portal does; gives the access token and the ID token.
async fn log_in(env: &TestEnv, portal: &str, identity: &str) -> (String, String) {
    let issuer = env.suite.issuer.url();
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let callback = format!("{portal}/callback");
    let request = [
        ("client_id", CLIENT_ID),
        ("redirect_uri", &callback),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let url = Url::parse_with_params(&format!("{issuer}/authorize"), request).unwrap();
    let choice = client.post(url).form(&[("identity", identity)]);
    let answer = choice.send().await.unwrap();
    let back: Url = answer.headers()["location"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let (_, code) = back.query_pairs().find(|(name, _)| name == "code").unwrap();
    let exchange = client.post(format!("{issuer}/token")).form(&[
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", &callback),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ]);
    let granted: Value = exchange.send().await.unwrap().json().await.unwrap();
    let text = |name: &str| granted[name].as_str().unwrap().to_owned();
    (text("access_token"), text("id_token"))
}

async fn post(url: &str, token: &str, message: &[u8]) -> Response {
    let mut body = vec![0];
    body.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend_from_slice(message);
    let answer = Client::new()
        .post(url)
        .header("content-type", "application/grpc-web+proto")
        .header("x-grpc-web", "1")
        .header("authorization", format!("Bearer {token}"))
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.version(), Version::HTTP_11);
    assert_eq!(answer.status(), StatusCode::OK);
    answer
}

/// The message of an answer and its status, from the last frame or the headers.
async fn read(answer: Response) -> (Option<Vec<u8>>, Status) {
    let mut headers = answer.headers().clone();
    let body = answer.bytes().await.unwrap();
    let (mut rest, mut message) = (&body[..], None);
    while let [flag, a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]).try_into().unwrap();
        let (frame, after) = after.split_at(length);
        if *flag == TRAILERS {
            headers.extend(trailers(std::str::from_utf8(frame).unwrap()));
        } else {
            message = Some(frame.to_vec());
        }
        rest = after;
    }
    let status = Status::from_header_map(&headers).expect("an answer has a status");
    (message, status)
}

fn trailers(text: &str) -> HeaderMap {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    let pairs = pairs.map(|(name, value)| {
        let name: HeaderName = name.trim().parse().unwrap();
        (name, value.trim().parse().unwrap())
    });
    pairs.collect()
}
