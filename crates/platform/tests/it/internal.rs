//! Calls between services.

use platform::{Files, InternalTlsConfig, internal_channel};
use proto::{
    eventlog::v1::{DescribeRequest, event_log_service_client::EventLogServiceClient},
    notification::v1::ListDeliveriesRequest,
};
use testkit::Certificates;
use tonic::{Code, Status, transport::Channel};

use crate::env::{TestEnv, question, tls_of};

async fn describe(channel: Channel) -> Result<String, Status> {
    let answer = EventLogServiceClient::new(channel)
        .describe(DescribeRequest {})
        .await?;
    Ok(answer.into_inner().producer)
}

fn channel(env: &TestEnv, server: &str, tls: &InternalTlsConfig) -> Channel {
    internal_channel(
        server,
        &format!("https://{}", env.internal),
        tls,
        &Files::default(),
    )
    .unwrap()
}

#[tokio::test]
async fn a_service_is_known_by_its_certificate() {
    let env = TestEnv::start().await;
    let channel = channel(&env, "intake", &tls_of(&env.certificates, "statistics"));
    assert_eq!(describe(channel).await.unwrap(), "statistics");
}

#[tokio::test]
async fn who_answers_under_another_name_is_not_believed() {
    let env = TestEnv::start().await;
    let tls = tls_of(&env.certificates, "statistics");
    let channel = channel(&env, "qualification", &tls);
    assert_eq!(
        describe(channel).await.unwrap_err().code(),
        Code::Unavailable
    );
}

#[tokio::test]
async fn a_certificate_of_another_authority_does_not_get_in() {
    let env = TestEnv::start().await;
    let folder = tempfile::tempdir().unwrap();
    let stranger = Certificates::generate(folder.path()).unwrap();
    let tls = InternalTlsConfig {
        ca_file: env.certificates.ca_file(),
        ..tls_of(&stranger, "statistics")
    };
    let channel = channel(&env, "intake", &tls);
    assert!(describe(channel).await.is_err());
}

#[tokio::test]
async fn a_certificate_that_names_no_service_may_call_nothing() {
    let env = TestEnv::start().await;
    env.certificates.issue("intruder").unwrap();
    let tls = tls_of(&env.certificates, "intruder");
    let status = describe(channel(&env, "intake", &tls)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn plain_text_does_not_get_in() {
    let env = TestEnv::start().await;
    let channel = Channel::from_shared(format!("http://{}", env.internal)).unwrap();
    assert!(describe(channel.connect_lazy()).await.is_err());
    let tls = tls_of(&env.certificates, "statistics");
    assert!(internal_channel("intake", "http://127.0.0.1:1", &tls, &Files::default()).is_err());
}

#[tokio::test]
async fn each_listener_serves_its_own_methods_only() {
    let env = TestEnv::start().await;
    let status = describe(env.channel().await).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented, "the log is not public");

    let tls = tls_of(&env.certificates, "statistics");
    let inside = channel(&env, "intake", &tls);
    let mut client =
        proto::notification::v1::delivery_service_client::DeliveryServiceClient::new(inside);
    let status = client
        .list_deliveries(question(&env.operator(), "caller"))
        .await
        .unwrap_err();
    assert_eq!(
        status.code(),
        Code::Unimplemented,
        "people do not call inside"
    );
    let status = client
        .list_deliveries(ListDeliveriesRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}
