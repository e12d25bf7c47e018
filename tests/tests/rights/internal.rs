//! The listeners between the services: mutual TLS, and an allow-list for each log.

use std::error::Error as _;

use platform::{Files, InternalTlsConfig, internal_channel};
use testkit::Certificates;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};

use crate::contract::{Rpc, rpcs};
use crate::matrix::deviation;
use crate::people;
use crate::requests::{Expected, requests};
use crate::scene::Scene;
use crate::wire;

/// Who may read whose log.
const READERS: [(&str, &[&str]); 4] = [
    ("intake", &["qualification", "notification", "statistics"]),
    ("qualification", &["intake", "notification", "statistics"]),
    ("notification", &["statistics"]),
    ("statistics", &[]),
];

/// Makes every RPC on every internal listener with the certificate of every service.
pub(crate) async fn deviations_between_services(scene: &Scene) -> Vec<String> {
    let mut deviations = Vec::new();
    for (host, readers) in READERS {
        for consumer in dev::SERVICES {
            let channel = channel(scene, host, &tls_of(scene, consumer));
            for rpc in rpcs() {
                let person = people::with_role("service");
                let mut asked = requests(&rpc, scene, &person).expect("every RPC has a request");
                let first = asked.swap_remove(0);
                let expected = if !rpc.is_internal() || host == "statistics" {
                    Expected::Refused(Code::Unimplemented)
                } else if readers.contains(&consumer) {
                    first.expected
                } else {
                    Expected::Refused(Code::PermissionDenied)
                };
                let outcome = wire::call(&channel, &rpc.path(), &first.sent, None).await;
                if let Some(deviation) = deviation(&expected, outcome) {
                    let path = rpc.path();
                    deviations.push(format!("{path} at {host} by {consumer}: {deviation}"));
                }
            }
        }
    }
    deviations
}

/// Tries to get in with every proof but the right one, and tells who was let in.
pub(crate) async fn intruders_let_in(scene: &Scene) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let stranger = Certificates::generate(folder.path()).unwrap();
    let own = Certificates::generate(scene.env.suite.folder().join("certificates")).unwrap();
    own.issue("intruder").unwrap();
    let services_token = scene.token(&people::with_role("service"));
    let log = rpcs().into_iter().find(|rpc| rpc.method == "Describe");
    let log: Rpc = log.expect("the log describes itself");

    let mut let_in = Vec::new();
    for host in dev::SERVICES {
        let of_another_authority = InternalTlsConfig {
            ca_file: own.ca_file(),
            ..files(&stranger, "statistics")
        };
        let intruders = [
            ("without a certificate", without_certificate(scene, host)),
            (
                "with a certificate of another authority",
                channel(scene, host, &of_another_authority),
            ),
            (
                "with a certificate that names no service",
                channel(scene, host, &files(&own, "intruder")),
            ),
            (
                "with the certificate of the command line",
                channel(scene, host, &files(&own, "cli")),
            ),
            (
                "in plain text",
                wire::channel(scene.env.suite.addresses(host).internal),
            ),
        ];
        for (proof, channel) in intruders {
            for token in [None, Some(services_token.as_str())] {
                let person = people::with_role("service");
                let asked = requests(&log, scene, &person).expect("it has a request");
                let outcome = wire::call(&channel, &log.path(), &asked[0].sent, token).await;
                if !is_refusal(&outcome) {
                    let_in.push(format!("{host} {proof}: {outcome:?}"));
                }
            }
        }
    }
    let_in
}

/// Refused below the call, by TLS, or by it, for want of a service's name in the
/// certificate.
fn is_refusal<T>(outcome: &Result<T, Status>) -> bool {
    matches!(outcome, Err(status)
        if status.source().is_some() || status.code() == Code::Unauthenticated)
}

fn tls_of(scene: &Scene, service: &str) -> InternalTlsConfig {
    let environment = scene.env.suite.environment(service);
    environment.read("INTERNAL_TLS_").unwrap()
}

fn files(certificates: &Certificates, service: &str) -> InternalTlsConfig {
    InternalTlsConfig {
        cert_file: certificates.cert_file(service),
        key_file: certificates.key_file(service),
        ca_file: certificates.ca_file(),
    }
}

fn url(scene: &Scene, host: &str) -> String {
    format!("https://{}", scene.env.suite.addresses(host).internal)
}

fn channel(scene: &Scene, host: &str, tls: &InternalTlsConfig) -> Channel {
    internal_channel(host, &url(scene, host), tls, &Files::default()).unwrap()
}

fn without_certificate(scene: &Scene, host: &str) -> Channel {
    let authority = std::fs::read(tls_of(scene, host).ca_file).unwrap();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority))
        .domain_name(format!("{host}.vigie.internal"));
    let endpoint = Endpoint::from_shared(url(scene, host)).unwrap();
    endpoint.tls_config(tls).unwrap().connect_lazy()
}
