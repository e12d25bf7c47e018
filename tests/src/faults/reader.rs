//! Reads back what was said of reports, as the services show it to the cell: texts rest
//! sealed, so that no query of the books can tell them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use dev::Suite;
use proto::{
    intake::v1::{
        self as pb, amendment_service_client::AmendmentServiceClient,
        timeline_service_client::TimelineServiceClient,
    },
    qualification::v1::{
        self as case_pb, escalation_service_client::EscalationServiceClient,
        information_request_service_client::InformationRequestServiceClient,
        measure_service_client::MeasureServiceClient, message_service_client::MessageServiceClient,
    },
};
use tokio::task::JoinSet;
use tonic::{Request, Status, transport::Channel};

use super::{client::Client, ledger::Said, load::token, plan::Plan, processes::Fleet};

/// How many reports are read at the same time.
const AT_ONCE: usize = 8;
/// Far more than anybody says of one report.
const PAGE: u32 = 200;

/// An analyst who reads everything that was said.
#[derive(Clone)]
pub(super) struct Reader {
    intake: Client,
    qualification: Client,
}

impl Reader {
    /// Reaches the services.
    pub(super) fn of(plan: &Plan, suite: &Suite, fleet: &Fleet) -> Self {
        // What is not there is told by the invariants, not as a refusal.
        let counts = Arc::default();
        let token = token(suite, "analyst");
        let client = |service| Client::of(fleet, service, &token, &counts, plan.patience);
        Self {
            intake: client("intake"),
            qualification: client("qualification"),
        }
    }

    /// Reads what is shown of these reports.
    pub(super) async fn read(&self, references: BTreeSet<String>) -> Vec<Said> {
        let waiting = Arc::new(Mutex::new(references));
        let mut readers = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (reader, waiting) = (self.clone(), Arc::clone(&waiting));
            readers.spawn(async move {
                let mut shown = Vec::new();
                let next = || {
                    let mut waiting = waiting.lock().expect("no holder of this lock panics");
                    waiting.pop_first()
                };
                while let Some(reference) = next() {
                    shown.extend(reader.read_one(&reference).await);
                }
                shown
            });
        }
        readers.join_all().await.into_iter().flatten().collect()
    }

    async fn read_one(&self, reference: &str) -> Vec<Said> {
        let report = pb::ListRevisionsRequest {
            report_id: reference.to_owned(),
            page_size: PAGE,
            ..pb::ListRevisionsRequest::default()
        };
        let timeline = pb::ListTimelineRequest {
            report_id: reference.to_owned(),
            page_size: PAGE,
            ..pb::ListTimelineRequest::default()
        };
        let messages = case_pb::ListMessagesRequest {
            case_id: reference.to_owned(),
            page_size: PAGE,
            ..case_pb::ListMessagesRequest::default()
        };
        let requests = case_pb::ListInformationRequestsRequest {
            case_id: reference.to_owned(),
            page_size: PAGE,
            ..case_pb::ListInformationRequestsRequest::default()
        };
        let measures = case_pb::ListMeasuresRequest {
            case_id: reference.to_owned(),
            page_size: PAGE,
            ..case_pb::ListMeasuresRequest::default()
        };
        let escalations = case_pb::ListEscalationsRequest {
            case_id: reference.to_owned(),
            page_size: PAGE,
            ..case_pb::ListEscalationsRequest::default()
        };
        let (intake, qualification) = (&self.intake, &self.qualification);
        let read = [
            intake.insist(0, &report, &amendments).await,
            intake.insist(1, &timeline, &entries).await,
            qualification.insist(0, &messages, &texts).await,
            qualification.insist(1, &requests, &inquiries).await,
            qualification.insist(0, &measures, &steps).await,
            qualification.insist(1, &escalations, &acknowledged).await,
        ];
        let items = read.into_iter().flatten().flatten();
        let items = items.map(|(kind, item, words)| {
            let item = match kind {
                // Known by the id of the report, which a list does not repeat.
                "amendment" => format!("{reference}/{item}"),
                _ => item,
            };
            Said {
                reference: reference.to_owned(),
                kind: kind.to_owned(),
                item,
                words,
            }
        });
        items.collect()
    }
}

/// What something is, its id, and what it says.
type Item = (&'static str, String, String);

async fn amendments(
    channel: Channel,
    request: Request<pb::ListRevisionsRequest>,
) -> Result<Vec<Item>, Status> {
    let mut amendments = AmendmentServiceClient::new(channel);
    let answer = amendments.list_revisions(request).await?.into_inner();
    let amended = answer.revisions.into_iter().filter(|it| it.revision > 1);
    let items = amended.map(|revision| {
        let mut changes = revision.changes.into_iter();
        let description = changes.find(|change| change.path == "description");
        let words = description.map(|change| change.after).unwrap_or_default();
        ("amendment", revision.revision.to_string(), words)
    });
    Ok(items.collect())
}

async fn entries(
    channel: Channel,
    request: Request<pb::ListTimelineRequest>,
) -> Result<Vec<Item>, Status> {
    let mut timeline = TimelineServiceClient::new(channel);
    let answer = timeline.list_timeline(request).await?.into_inner();
    let entries = answer.entries.into_iter();
    Ok(entries
        .map(|entry| ("timeline", entry.entry_id, entry.text))
        .collect())
}

async fn texts(
    channel: Channel,
    request: Request<case_pb::ListMessagesRequest>,
) -> Result<Vec<Item>, Status> {
    let mut messages = MessageServiceClient::new(channel);
    let answer = messages.list_messages(request).await?.into_inner();
    let messages = answer.messages.into_iter();
    Ok(messages
        .map(|message| ("message", message.message_id, message.text))
        .collect())
}

async fn inquiries(
    channel: Channel,
    request: Request<case_pb::ListInformationRequestsRequest>,
) -> Result<Vec<Item>, Status> {
    let mut requests = InformationRequestServiceClient::new(channel);
    let answer = requests.list_information_requests(request).await?;
    let mut items = Vec::new();
    for request in answer.into_inner().information_requests {
        let id = request.information_request_id.clone();
        if request.state() == case_pb::InformationRequestState::Answered {
            items.push(("answer", id.clone(), request.answer));
        }
        items.push(("question", id, request.question));
    }
    Ok(items)
}

async fn steps(
    channel: Channel,
    request: Request<case_pb::ListMeasuresRequest>,
) -> Result<Vec<Item>, Status> {
    let mut measures = MeasureServiceClient::new(channel);
    let answer = measures.list_measures(request).await?.into_inner();
    let mut items = Vec::new();
    for measure in answer.measures {
        for step in &measure.steps {
            let id = measure.measure_id.clone();
            items.push(match step.state() {
                case_pb::MeasureState::Proposed => ("measure_proposed", id, measure.title.clone()),
                case_pb::MeasureState::Accepted => ("measure_accepted", id.clone(), id),
                case_pb::MeasureState::Done => ("measure_done", id.clone(), id),
                // Nobody here takes another step.
                _ => ("measure", id.clone(), id),
            });
        }
    }
    Ok(items)
}

async fn acknowledged(
    channel: Channel,
    request: Request<case_pb::ListEscalationsRequest>,
) -> Result<Vec<Item>, Status> {
    let mut escalations = EscalationServiceClient::new(channel);
    let answer = escalations.list_escalations(request).await?.into_inner();
    let acknowledged = answer
        .escalations
        .into_iter()
        .filter(|it| it.state() == case_pb::EscalationState::Acknowledged);
    Ok(acknowledged
        .map(|it| {
            (
                "acknowledgement",
                it.escalation_id.clone(),
                it.escalation_id,
            )
        })
        .collect())
}
