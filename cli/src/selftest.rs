//! `vigie selftest`: a test report goes all the way, as a declarant's would.

use std::time::Duration;

use proto::intake::v1 as intake;
use proto::notification::v1 as notification;
use proto::notification::v1::watch_response::Message;
use proto::types::v1 as types;
use serde_json::json;
use tokio::time::{Instant, timeout};
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::args::SelftestOptions;
use crate::client::Client;
use crate::exit::Failure;
use crate::{clock, table};

/// Submits a test report, asks for its receipt again, and waits until a watcher of the
/// synthetic region is told of it. Only a prober may: what he sends is announced to
/// nobody and never counted.
pub(crate) async fn run(options: &SelftestOptions, client: &Client) -> Result<(), Failure> {
    let draft = probe();
    let mut declarant = client.intake().await?;
    let check = intake::CheckReportRequest {
        draft: Some(draft.clone()),
        ..intake::CheckReportRequest::default()
    };
    let checked = declarant.check_report(check).await?.into_inner();
    reaches_nobody(&checked)?;

    let now = notification::WatchRequest {
        start: notification::WatchStart::Now.into(),
        ..Default::default()
    };
    let mut stream = client.notification().await?.watch(now).await?.into_inner();

    let started = Instant::now();
    let request = intake::SubmitReportRequest {
        request_id: Uuid::now_v7().to_string(),
        draft: Some(draft),
        ..intake::SubmitReportRequest::default()
    };
    let receipt = submit(&mut declarant, &request).await?;
    let acknowledged = started.elapsed();
    if submit(&mut declarant, &request).await? != receipt {
        return Err(failed("a request sent again got another receipt"));
    }
    let within = Duration::from_secs(options.within);
    let told = timeout(within, told_of(&mut stream, &receipt.reference))
        .await
        .map_err(|_| {
            let within = options.within;
            Failure::from(Status::deadline_exceeded(format!(
                "{}: no watcher was told within {within} s",
                receipt.reference
            )))
        })??;
    let announced = started.elapsed();
    if !told.test || told.routing_region != "synthetic" {
        return Err(failed("the report was announced as a real one"));
    }
    tell(client, &receipt.reference, acknowledged, announced);
    Ok(())
}

type Declarant = intake::intake_service_client::IntakeServiceClient<crate::client::Authenticated>;

async fn submit(
    declarant: &mut Declarant,
    request: &intake::SubmitReportRequest,
) -> Result<intake::Receipt, Failure> {
    let answer = declarant.submit_report(request.clone()).await?.into_inner();
    Ok(answer.receipt.unwrap_or_default())
}

/// Refuses to go on where somebody would be told of the report.
fn reaches_nobody(checked: &intake::CheckReportResponse) -> Result<(), Failure> {
    let Some(consequences) = &checked.consequences else {
        return Err(failed("the test report is not accepted"));
    };
    let mut told = consequences.addressees.iter();
    if consequences.agency.is_some() || told.any(|who| who.party != "probe") {
        return Err(Failure::Usage(
            "people would be told of the test: only a prober may run it".to_owned(),
        ));
    }
    Ok(())
}

async fn told_of(
    stream: &mut Streaming<notification::WatchResponse>,
    reference: &str,
) -> Result<notification::Notification, Failure> {
    while let Some(response) = stream.message().await? {
        if let Some(Message::Notification(told)) = response.message
            && told.reference == reference
        {
            return Ok(told);
        }
    }
    Err(Status::unavailable("the stream ended").into())
}

fn tell(client: &Client, reference: &str, acknowledged: Duration, announced: Duration) {
    let (acknowledged, announced) = (acknowledged.as_millis(), announced.as_millis());
    if client.json {
        let result = json!({
            "reference": reference,
            "acknowledged_ms": acknowledged,
            "announced_ms": announced,
        });
        say!("{result:#}");
        return;
    }
    let language = client.language;
    table::print_facts(&[
        (
            language.pick("Référence", "Reference"),
            reference.to_owned(),
        ),
        (
            language.pick("Accusé de réception", "Acknowledged"),
            format!("{acknowledged} ms"),
        ),
        (
            language.pick("Annoncé", "Announced"),
            format!("{announced} ms"),
        ),
    ]);
}

fn failed(why: &'static str) -> Failure {
    Failure::Local(anyhow::anyhow!(why))
}

/// The least that a declarant fills in.
fn probe() -> intake::ReportDraft {
    use types::structure_identifier::Identifier;
    let structure = types::DescribedStructure {
        name: "Essai de bout en bout".to_owned(),
        department: "75".to_owned(),
    };
    intake::ReportDraft {
        kind: types::ReportKind::Incident.into(),
        structure: Some(types::StructureIdentifier {
            identifier: Some(Identifier::Described(structure)),
        }),
        capacity: intake::DeclarantCapacity::Director.into(),
        declarant: Some(intake::Contact {
            family_name: "Essai".to_owned(),
            email: "essai@example.org".to_owned(),
            ..Default::default()
        }),
        found_at: Some(clock::timestamp(clock::now())),
        description: "Essai de bout en bout".to_owned(),
        ..Default::default()
    }
}
