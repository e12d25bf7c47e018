//! A structure and the cell that talk about a report: what is amended, said, asked,
//! answered and proposed.

use std::sync::Arc;

use prost_types::{FieldMask, Timestamp};
use proto::{
    intake::v1::{
        self as pb, Receipt, amendment_service_client::AmendmentServiceClient,
        timeline_service_client::TimelineServiceClient,
    },
    qualification::v1::{
        self as case_pb, information_request_service_client::InformationRequestServiceClient,
        measure_service_client::MeasureServiceClient, message_service_client::MessageServiceClient,
        propose_measure_request::Content,
    },
    types::v1::{MeasureKind, Origin, ReportStage},
};
use tokio::sync::mpsc;
use tonic::{Code, Request, Status, transport::Channel};
use uuid::Uuid;

use super::{
    client::{Client, Refused},
    ledger::{Ledger, Line, Said},
    load::{open_case, qualify_case, request_id},
};

/// Somebody of a structure, who declares.
pub(super) struct Structure {
    /// Reaches intake.
    pub(super) intake: Client,
    /// Reaches qualification.
    pub(super) qualification: Client,
}

/// Talks about one report after the other.
pub(super) struct Conversation {
    /// Who declared them.
    pub(super) structure: Structure,
    /// Who answers.
    pub(super) cell: Client,
    /// Where what is acknowledged is noted.
    pub(super) minutes: Minutes,
}

/// Notes in the ledger what is said.
#[derive(Clone)]
pub(super) struct Minutes(pub(super) Arc<Ledger>);

impl Minutes {
    /// New words for something that is about to be said.
    pub(super) async fn words(&self, what: &str) -> String {
        let words = format!("{what} {}", Uuid::now_v7());
        let saying = Line::Saying {
            words: words.clone(),
        };
        self.0.intend(&saying).await;
        words
    }

    /// Notes that something was taken.
    pub(super) async fn said(&self, topic: &Receipt, kind: &str, item: &str, words: &str) {
        let said = Said {
            reference: topic.reference.clone(),
            kind: kind.to_owned(),
            item: item.to_owned(),
            words: words.to_owned(),
        };
        self.0.note(&Line::Said(said)).await;
    }

    /// Notes that something was refused.
    pub(super) async fn refused(&self, words: String) {
        self.0.note(&Line::Refused { words }).await;
    }
}

impl Conversation {
    /// Talks until nothing more comes.
    pub(super) async fn work(self, mut topics: mpsc::Receiver<Receipt>) {
        while let Some(receipt) = topics.recv().await {
            // Whoever is refused or not answered talks of newer reports.
            if Box::pin(self.talk(&receipt)).await.is_none() {
                while topics.try_recv().is_ok() {}
            }
        }
    }

    /// Talks about a report; ends early where something is refused that must not be.
    async fn talk(&self, receipt: &Receipt) -> Option<()> {
        // Most often before the case is open.
        Box::pin(self.amend(receipt, ReportStage::Complement)).await?;
        self.add_to_timeline(receipt).await?;
        let asked = case_pb::GetCaseRequest {
            case_id: receipt.reference.clone(),
        };
        let case = self.cell.ask(&asked, open_case).await?;
        self.exchange_messages(receipt, &case.case_id).await?;
        self.inquire(receipt, &case.case_id).await?;
        Box::pin(self.amend(receipt, ReportStage::Final)).await?;
        self.treat(receipt, case).await
    }

    async fn amend(&self, receipt: &Receipt, stage: ReportStage) -> Option<()> {
        let words = self.minutes.words("Constat complété").await;
        let request = amendment(receipt, stage, &words);
        let revision = Box::pin(self.structure.intake.ask(&request, amend)).await?;
        let item = format!("{}/{revision}", receipt.reference);
        self.minutes.said(receipt, "amendment", &item, &words).await;
        Some(())
    }

    async fn add_to_timeline(&self, receipt: &Receipt) -> Option<()> {
        let words = self.minutes.words("Poste isolé").await;
        let request = pb::AddTimelineEntryRequest {
            request_id: request_id(),
            report_id: receipt.report_id.clone(),
            happened_at: Some(Timestamp {
                seconds: platform::now().unix_timestamp() - 60,
                nanos: 0,
            }),
            text: words.clone(),
        };
        let entry_id = self.structure.intake.ask(&request, add_entry).await?;
        self.minutes
            .said(receipt, "timeline", &entry_id, &words)
            .await;
        Some(())
    }

    /// Both sides write, and the structure tries to write to the agencies alone.
    async fn exchange_messages(&self, receipt: &Receipt, case_id: &str) -> Option<()> {
        for author in [&self.cell, &self.structure.qualification] {
            let words = self.minutes.words("Avez-vous isolé le poste ?").await;
            let request = message(case_id, case_pb::Audience::Structure, &words);
            let message_id = author.ask(&request, post).await?;
            self.minutes
                .said(receipt, "message", &message_id, &words)
                .await;
        }
        let words = self.minutes.words("Entre agences").await;
        let request = message(case_id, case_pb::Audience::Agencies, &words);
        let author = &self.structure.qualification;
        match author
            .provoke(&request, post, Code::PermissionDenied)
            .await?
        {
            Ok(message_id) => {
                self.minutes
                    .said(receipt, "message", &message_id, &words)
                    .await;
            }
            Err(Refused) => self.minutes.refused(words).await,
        }
        Some(())
    }

    /// The cell asks for something, and the structure answers twice.
    async fn inquire(&self, receipt: &Receipt, case_id: &str) -> Option<()> {
        let question = self.minutes.words("Depuis quand ?").await;
        let request = case_pb::RequestInformationRequest {
            request_id: request_id(),
            case_id: case_id.to_owned(),
            question: question.clone(),
            due_at: None,
            etag: String::new(),
        };
        let id = self.cell.ask(&request, inquire).await?;
        self.minutes.said(receipt, "question", &id, &question).await;

        let author = &self.structure.qualification;
        let words = self.minutes.words("Depuis minuit").await;
        author.ask(&answer_to(&id, &words), answer).await?;
        self.minutes.said(receipt, "answer", &id, &words).await;

        let words = self.minutes.words("Depuis midi").await;
        let request = answer_to(&id, &words);
        let again = author.provoke(&request, answer, Code::FailedPrecondition);
        match again.await? {
            Ok(_) => self.minutes.said(receipt, "answer", &id, &words).await,
            Err(Refused) => self.minutes.refused(words).await,
        }
        Some(())
    }

    /// The cell qualifies and proposes a measure, which the structure carries out.
    async fn treat(&self, receipt: &Receipt, case: case_pb::Case) -> Option<()> {
        let case_id = case.case_id;
        let qualify = case_pb::QualifyCaseRequest {
            request_id: request_id(),
            case_id: case_id.clone(),
            etag: String::new(),
            scope: case_pb::Scope::In.into(),
            triage: case.proposed,
            note: String::new(),
        };
        self.cell.ask(&qualify, qualify_case).await?;
        self.minutes
            .0
            .note(&Line::acted(receipt, "qualified"))
            .await;

        let title = self.minutes.words("Isoler").await;
        let draft = case_pb::MeasureDraft {
            kind: MeasureKind::Emergency.into(),
            title: title.clone(),
            text: "Débrancher le poste".to_owned(),
        };
        let request = case_pb::ProposeMeasureRequest {
            request_id: request_id(),
            case_id: case_id.clone(),
            measure_id: String::new(),
            etag: String::new(),
            content: Some(Content::Draft(draft)),
        };
        let id = self.cell.ask(&request, propose).await?;
        self.minutes
            .said(receipt, "measure_proposed", &id, &title)
            .await;

        let request = case_pb::AcceptMeasureRequest {
            request_id: request_id(),
            case_id: case_id.clone(),
            measure_id: id.clone(),
            etag: String::new(),
        };
        self.structure.qualification.ask(&request, accept).await?;
        self.minutes
            .said(receipt, "measure_accepted", &id, &id)
            .await;

        let request = case_pb::CompleteMeasureRequest {
            request_id: request_id(),
            case_id,
            measure_id: id.clone(),
            etag: String::new(),
        };
        self.structure.qualification.ask(&request, complete).await?;
        self.minutes.said(receipt, "measure_done", &id, &id).await;
        Some(())
    }
}

/// Says these words of a report, and that its origin is no longer sure.
pub(super) fn amendment(
    receipt: &Receipt,
    stage: ReportStage,
    words: &str,
) -> pb::AmendReportRequest {
    let paths = ["description", "origin", "origin_types"].map(str::to_owned);
    pb::AmendReportRequest {
        request_id: request_id(),
        report_id: receipt.report_id.clone(),
        etag: String::new(),
        stage: stage.into(),
        draft: Some(pb::ReportDraft {
            description: words.to_owned(),
            origin: Origin::Unknown.into(),
            ..pb::ReportDraft::default()
        }),
        update_mask: Some(FieldMask {
            paths: paths.into(),
        }),
    }
}

/// Amends a report; gives back the revision that it has then.
pub(super) async fn amend(
    channel: Channel,
    request: Request<pb::AmendReportRequest>,
) -> Result<u64, Status> {
    let mut amendments = AmendmentServiceClient::new(channel);
    let answer = amendments.amend_report(request).await?.into_inner();
    Ok(answer.report.expect("the report comes back").revision)
}

async fn add_entry(
    channel: Channel,
    request: Request<pb::AddTimelineEntryRequest>,
) -> Result<String, Status> {
    let mut timeline = TimelineServiceClient::new(channel);
    let answer = timeline.add_timeline_entry(request).await?.into_inner();
    Ok(answer.entry.expect("the entry comes back").entry_id)
}

fn message(case_id: &str, audience: case_pb::Audience, words: &str) -> case_pb::PostMessageRequest {
    case_pb::PostMessageRequest {
        request_id: request_id(),
        case_id: case_id.to_owned(),
        audience: audience.into(),
        text: words.to_owned(),
    }
}

async fn post(
    channel: Channel,
    request: Request<case_pb::PostMessageRequest>,
) -> Result<String, Status> {
    let mut messages = MessageServiceClient::new(channel);
    let answer = messages.post_message(request).await?.into_inner();
    Ok(answer.message.expect("the message comes back").message_id)
}

async fn inquire(
    channel: Channel,
    request: Request<case_pb::RequestInformationRequest>,
) -> Result<String, Status> {
    let mut requests = InformationRequestServiceClient::new(channel);
    let answer = requests.request_information(request).await?.into_inner();
    let asked = answer.information_request.expect("the request comes back");
    Ok(asked.information_request_id)
}

fn answer_to(id: &str, words: &str) -> case_pb::AnswerInformationRequestRequest {
    case_pb::AnswerInformationRequestRequest {
        request_id: request_id(),
        information_request_id: id.to_owned(),
        answer: words.to_owned(),
    }
}

/// Answers; what comes back tells what was answered.
async fn answer(
    channel: Channel,
    request: Request<case_pb::AnswerInformationRequestRequest>,
) -> Result<String, Status> {
    let mut requests = InformationRequestServiceClient::new(channel);
    let answer = requests.answer_information_request(request);
    let answer = answer.await?.into_inner().information_request;
    Ok(answer.expect("the request comes back").answer)
}

async fn propose(
    channel: Channel,
    request: Request<case_pb::ProposeMeasureRequest>,
) -> Result<String, Status> {
    let mut measures = MeasureServiceClient::new(channel);
    let answer = measures.propose_measure(request).await?.into_inner();
    Ok(answer.measure.expect("the measure comes back").measure_id)
}

async fn accept(
    channel: Channel,
    request: Request<case_pb::AcceptMeasureRequest>,
) -> Result<i32, Status> {
    let mut measures = MeasureServiceClient::new(channel);
    let answer = measures.accept_measure(request).await?.into_inner();
    Ok(answer.measure.expect("the measure comes back").state)
}

async fn complete(
    channel: Channel,
    request: Request<case_pb::CompleteMeasureRequest>,
) -> Result<i32, Status> {
    let mut measures = MeasureServiceClient::new(channel);
    let answer = measures.complete_measure(request).await?.into_inner();
    Ok(answer.measure.expect("the measure comes back").state)
}
