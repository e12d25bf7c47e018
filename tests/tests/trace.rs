//! One trace from the request to the mail, and nothing of the declarant in it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;

use dev::{Layout, SERVICES, Suite};
use proto::intake::v1::{
    Contact, ReportDraft, SubmitReportRequest, intake_service_client::IntakeServiceClient,
};
use testkit::{OtlpReceiver, ReceivedSpan, TokenSpec, eventually};
use tests::{MONTPELLIER, Process, ransomware, service};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use uuid::Uuid;

/// What the portal sent along: its trace, and the span in which it called.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PORTAL: &str = "00f067aa0ba902b7";

/// What only those who must may know; none of it looks like anything else that is written.
const SECRETS: [&str; 6] = [
    "Quatrelivres",
    "Cunegonde",
    "cunegonde@prive.example.org",
    "0698765432",
    "le carnet rouge est reste sur le bureau",
    "autre@prive.example.org",
];

fn draft() -> ReportDraft {
    let [family_name, given_name, email, phone, description, other] = SECRETS.map(str::to_owned);
    ReportDraft {
        declarant: Some(Contact {
            family_name: family_name.clone(),
            given_name: given_name.clone(),
            email,
            phone,
            ..Default::default()
        }),
        alternate_contact: Some(Contact {
            family_name,
            given_name,
            email: other,
            ..Default::default()
        }),
        description,
        ..ransomware(MONTPELLIER)
    }
}

/// The four services as processes that tell everything they can.
async fn start(endpoint: &str) -> (Suite, Vec<Process>) {
    let layout = Layout {
        otlp_endpoint: Some(endpoint.to_owned()),
        variables: vec![("TELEMETRY_LOG_FILTER".to_owned(), "trace".to_owned())],
        ..Layout::throw_away()
    };
    let suite = Suite::prepare(layout).await.unwrap();
    let running = SERVICES.map(|name| {
        let log = suite.folder().join(format!("{name}.log"));
        Process::start(service(&suite, name), log)
    });
    for name in SERVICES {
        let ready = format!("http://{}/readyz", suite.addresses(name).metrics);
        eventually(async || match reqwest::get(&ready).await {
            Ok(answer) => answer.status().is_success(),
            Err(_) => false,
        })
        .await;
    }
    (suite, running.into())
}

async fn submit(
    client: &mut IntakeServiceClient<Channel>,
    token: &str,
    draft: ReportDraft,
) -> Result<String, Status> {
    let mut request = Request::new(SubmitReportRequest {
        request_id: Uuid::now_v7().to_string(),
        draft: Some(draft),
        ..Default::default()
    });
    let headers = request.metadata_mut();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let traceparent = format!("00-{TRACE}-{PORTAL}-01");
    headers.insert("traceparent", traceparent.parse().unwrap());
    let answer = client.submit_report(request).await?.into_inner();
    Ok(answer.receipt.unwrap().reference)
}

/// The span from which a mail says it was sent, in the trace of the portal.
fn sent_from(mail: &testkit::Mail) -> String {
    let traceparent = mail.header("Traceparent").expect("a mail names its trace");
    let parts: Vec<&str> = traceparent.split('-').collect();
    assert_eq!(parts[1], TRACE, "{traceparent}");
    parts[2].to_owned()
}

/// Whether a chain of parents leads from a span to the call of the portal.
fn comes_from_the_portal(span: &ReceivedSpan, all: &BTreeMap<&str, &ReceivedSpan>) -> bool {
    match span.parent_span_id.as_deref() {
        Some(PORTAL) => true,
        Some(parent) => all
            .get(parent)
            .is_some_and(|parent| comes_from_the_portal(parent, all)),
        None => false,
    }
}

/// Whether a log line was written in a span of this name, in this trace.
fn is_of(line: &str, work: &str, trace: &str) -> bool {
    let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else {
        return false;
    };
    line["span"]["name"] == work && line["span"]["trace_id"] == trace
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_request_to_the_mail_and_tells_nothing_of_the_declarant() {
    let receiver = OtlpReceiver::start().await;
    let (suite, mut running) = start(receiver.endpoint()).await;
    let person = TokenSpec::of("somebody").role("declarant");
    let token = suite.issuer.token(&person);
    let url = format!("http://{}", suite.addresses("intake").public);
    let mut client = IntakeServiceClient::connect(url).await.unwrap();

    // A report goes all the way; the declarant's own mail is refused by the relay, and
    // another report by intake: errors tell more than successes where they tell too much.
    suite.mail.refuse_recipient(SECRETS[5], 550);
    let reference = submit(&mut client, &token, draft()).await.unwrap();
    let mut wrong = draft();
    wrong.declarant.as_mut().unwrap().phone = format!("{} ou jamais", SECRETS[3]);
    let refusal = submit(&mut client, &token, wrong).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument);

    for (service, name) in [
        ("vigie-intake", "vigie.intake.v1.IntakeService/SubmitReport"),
        ("vigie-qualification", "apply events"),
        ("vigie-notification", "apply events"),
        ("vigie-notification", "job"),
        ("vigie-statistics", "apply events"),
    ] {
        let wanted = |span: &ReceivedSpan| {
            (&*span.service, &*span.name, &*span.trace_id) == (service, name, TRACE)
        };
        receiver.wait_for(wanted).await;
    }
    let fssi = |mail: &testkit::Mail| mail.to.iter().any(|to| to == "fssi@example.org");
    let mail = suite.mail.wait_for_mail(fssi).await;
    assert!(mail.subject().contains(&reference), "{}", mail.subject());

    // The drain sends the last spans and writes the last lines.
    for process in &mut running {
        assert!(process.stop().success(), "{}", process.log());
    }
    let spans = receiver.spans();
    let ours = spans.iter().filter(|span| span.trace_id == TRACE);
    let by_id: BTreeMap<&str, &ReceivedSpan> =
        ours.map(|span| (span.span_id.as_str(), span)).collect();
    for span in by_id.values() {
        assert!(
            comes_from_the_portal(span, &by_id),
            "the chain of {span:?} is broken"
        );
    }
    let deliveries = by_id.values().filter(|span| span.name == "job").count();
    assert!(deliveries > suite.mail.mails().len(), "one was refused");
    for mail in suite.mail.mails() {
        let from = by_id[sent_from(&mail).as_str()];
        assert_eq!(from.name, "job");
    }

    let mut told: Vec<(String, String)> = SERVICES
        .into_iter()
        .zip(&running)
        .map(|(name, process)| (format!("the log of {name}"), process.log()))
        .collect();
    for (whose, log) in &told {
        assert!(log.contains("\"message\":\"serving\""), "{whose}: {log}");
        assert!(log.contains("\"level\":\"DEBUG\""), "{whose} tells little");
    }
    let lines = told.iter().flat_map(|(_, log)| log.lines());
    let delivered = lines.filter(|line| is_of(line, "job", TRACE)).count();
    assert!(delivered > suite.mail.mails().len(), "one was refused");
    told.extend(
        spans
            .iter()
            .map(|span| (span.name.clone(), format!("{span:?}"))),
    );
    let database = fs::read_to_string(suite.postgres.log_file()).unwrap();
    told.push(("the log of the database".to_owned(), database));
    for (place, text) in &told {
        for secret in SECRETS.into_iter().chain([token.as_str()]) {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{place} tells {secret}");
        }
    }
}
