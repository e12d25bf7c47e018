//! The certificates let services of one authority meet, and nobody else.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, trace_service_client::TraceServiceClient,
};
use testkit::Certificates;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Code,
    service::Routes,
    transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig},
};

fn generate() -> (tempfile::TempDir, Certificates) {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::generate(folder.path()).unwrap();
    (folder, certificates)
}

fn read(file: PathBuf) -> Vec<u8> {
    fs::read(file).unwrap()
}

fn identity(certificates: &Certificates, service: &str) -> Identity {
    Identity::from_pem(
        read(certificates.cert_file(service)),
        read(certificates.key_file(service)),
    )
}

fn authority(certificates: &Certificates) -> Certificate {
    Certificate::from_pem(read(certificates.ca_file()))
}

/// Whether statistics, with the client's certificates, gets an answer from
/// intake under this name.
async fn meets(client: &Certificates, server: &Certificates, name: &str) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let tls = ServerTlsConfig::new()
        .identity(identity(server, "intake"))
        .client_ca_root(authority(server));
    let mut serving = JoinSet::new();
    serving.spawn(
        Server::builder()
            .tls_config(tls)
            .unwrap()
            .add_routes(Routes::default())
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    let tls = ClientTlsConfig::new()
        .identity(identity(client, "statistics"))
        .ca_certificate(authority(client))
        .domain_name(name);
    let endpoint = Endpoint::from_shared(url).unwrap().tls_config(tls).unwrap();
    // With TLS 1.3 a refused client learns of it only when it asks something.
    let mut asker = TraceServiceClient::new(endpoint.connect_lazy());
    let answer = asker.export(ExportTraceServiceRequest::default()).await;
    answer.unwrap_err().code() == Code::Unimplemented
}

#[tokio::test]
async fn services_of_one_authority_meet_under_their_names() {
    let (_folder, ours) = generate();
    for name in ["intake.vigie.internal", "localhost", "127.0.0.1"] {
        assert!(meets(&ours, &ours, name).await, "not under {name}");
    }
}

#[tokio::test]
async fn a_service_is_not_taken_for_another() {
    let (_folder, ours) = generate();
    assert!(!meets(&ours, &ours, "notification.vigie.internal").await);
}

#[tokio::test]
async fn a_stranger_meets_nobody() {
    let ((_one, ours), (_other, theirs)) = (generate(), generate());
    assert!(!meets(&theirs, &ours, "intake.vigie.internal").await);
    assert!(!meets(&ours, &theirs, "intake.vigie.internal").await);
}

#[tokio::test]
async fn what_is_there_is_reused_and_what_is_missing_comes_from_the_same_authority() {
    let (folder, first) = generate();
    let (authority, intake) = (read(first.ca_file()), read(first.cert_file("intake")));
    fs::remove_file(first.cert_file("statistics")).unwrap();

    let second = Certificates::generate(folder.path()).unwrap();

    assert_eq!(read(second.ca_file()), authority);
    assert_eq!(read(second.cert_file("intake")), intake);
    assert!(meets(&second, &second, "intake.vigie.internal").await);
}

#[test]
fn keys_are_for_their_owner_only() {
    let (_folder, ours) = generate();
    for key in ["ca", "intake"] {
        let mode = fs::metadata(ours.key_file(key))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0);
    }
}
