//! People at work: they declare, withdraw, talk, treat and escalate, whatever happens.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{MONTPELLIER, ROUEN, ransomware};
use dev::Suite;
use proto::{
    intake::v1::{self as intake_pb, Receipt, intake_service_client::IntakeServiceClient},
    qualification::v1::{
        self as case_pb, qualification_service_client::QualificationServiceClient,
    },
    types::v1 as types,
};
use testkit::eventually_within;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status, transport::Channel};
use uuid::Uuid;

use super::{
    client::{Client, Counts, Refused},
    conversation::{Conversation, Minutes, Structure, amend, amendment},
    ledger::{Ledger, Line},
    officer::Officer,
    plan::Plan,
    processes::Fleet,
};

/// For how long a token is good: longer than any run.
const SHIFT: time::Duration = time::Duration::hours(12);
/// How long some hundreds of reports may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);
/// One report in so many is withdrawn by its author.
const WITHDRAWN: usize = 8;
/// How many reports wait for the cell.
const WAITING: usize = 64;
/// One report in so many is treated by the cell.
const TREATED: usize = 5;
/// One report in so many is talked about.
const TALKED_OF: usize = 6;
/// One report in so many is escalated.
const ESCALATED: usize = 7;
/// How many of these wait for those who talk and escalate: they are slower than reports come.
const NEXT: usize = 2;

/// Who declares, for which structure.
const DECLARANTS: [(&str, &str); 2] = [("director", MONTPELLIER), ("director-rouen", ROUEN)];

/// People at work until they are asked to finish.
pub(super) struct Load {
    stop: CancellationToken,
    people: JoinSet<()>,
    counts: Arc<Mutex<Counts>>,
}

impl Load {
    /// Lets people begin, and note in the ledger what is acknowledged.
    pub(super) fn start(plan: &Plan, suite: &Suite, fleet: &Fleet, ledger: &Arc<Ledger>) -> Self {
        let counts: Arc<Mutex<Counts>> = Arc::default();
        let stop = CancellationToken::new();
        let mut people = JoinSet::new();
        // Everybody does what he gets to; a full queue is work for another day.
        let (to_treat, waiting) = mpsc::channel(WAITING);
        let (to_escalate, escalated) = mpsc::channel(NEXT);
        let client = |service, identity| {
            let token = token(suite, identity);
            Client::of(fleet, service, &token, &counts, plan.patience)
        };
        let minutes = Minutes(Arc::clone(ledger));
        let to_talk_of = DECLARANTS.map(|(identity, _)| {
            let (to_talk_of, topics) = mpsc::channel(NEXT);
            let conversation = Conversation {
                structure: Structure {
                    intake: client("intake", identity),
                    qualification: client("qualification", identity),
                },
                cell: client("qualification", "analyst"),
                minutes: minutes.clone(),
            };
            people.spawn(conversation.work(topics));
            to_talk_of
        });
        for number in 0..plan.declarants {
            let structure = number % DECLARANTS.len();
            let (identity, finess) = DECLARANTS[structure];
            let declarant = Declarant {
                identity,
                finess,
                intake: client("intake", identity),
                minutes: minutes.clone(),
                to_treat: to_treat.clone(),
                to_talk_of: to_talk_of[structure].clone(),
                to_escalate: to_escalate.clone(),
            };
            people.spawn(declarant.work(plan.pace, stop.clone()));
        }
        let cell = Cell {
            qualification: client("qualification", "analyst"),
            ledger: Arc::clone(ledger),
        };
        people.spawn(cell.work(waiting));
        let officer = Officer {
            fssi: client("qualification", "fssi"),
            operator: client("qualification", "operator"),
            minutes,
        };
        people.spawn(officer.work(escalated));
        Self {
            stop,
            people,
            counts,
        }
    }

    /// What all of them counted so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts
            .lock()
            .expect("no holder of this lock panics")
            .clone()
    }

    /// Waits until so many more reports were acknowledged.
    ///
    /// # Panics
    ///
    /// When that takes longer than any run bears.
    pub(super) async fn acknowledged(&self, more: usize) {
        let wanted = self.counts().declared + more;
        eventually_within(PATIENCE, async || self.counts().declared >= wanted).await;
    }

    /// Lets everybody finish what he began; returns what all of them counted.
    pub(super) async fn finish(mut self) -> Counts {
        self.stop.cancel();
        while let Some(ended) = self.people.join_next().await {
            ended.expect("nobody panics at work");
        }
        self.counts()
    }
}

/// The token of a local identity.
pub(super) fn token(suite: &Suite, identity: &str) -> String {
    let mut tokens = dev::identities().into_iter().map(|it| it.token);
    let spec = tokens.find(|spec| spec.subject == identity);
    let spec = spec.unwrap_or_else(|| panic!("no identity {identity}"));
    suite.issuer.token(&spec.lifetime(SHIFT))
}

/// Declares for one structure, and withdraws some of it.
struct Declarant {
    identity: &'static str,
    finess: &'static str,
    intake: Client,
    minutes: Minutes,
    to_treat: mpsc::Sender<Receipt>,
    to_talk_of: mpsc::Sender<Receipt>,
    to_escalate: mpsc::Sender<Receipt>,
}

impl Declarant {
    async fn work(self, pace: Duration, stop: CancellationToken) {
        let ledger = &self.minutes.0;
        let mut pace = interval(pace);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count = 0;
        while stop.run_until_cancelled(pace.tick()).await.is_some() {
            let request = submission(self.finess);
            ledger.intend(&Line::asked(self.identity, &request)).await;
            let Some(receipt) = Box::pin(self.intake.ask(&request, submit)).await else {
                continue;
            };
            ledger.note(&Line::declared(&request, &receipt)).await;
            self.intake.declared();
            count += 1;
            // Who is busy does it another day.
            if count % WITHDRAWN == 0 {
                Box::pin(self.withdraw(&receipt)).await;
            } else if count % TREATED == 0 {
                let _ = self.to_treat.try_send(receipt);
            } else if count % TALKED_OF == 0 {
                let _ = self.to_talk_of.try_send(receipt);
            } else if count % ESCALATED == 0 {
                let _ = self.to_escalate.try_send(receipt);
            }
        }
    }

    /// Withdraws a report, and tries to amend it afterwards.
    async fn withdraw(&self, receipt: &Receipt) -> Option<()> {
        let request = intake_pb::WithdrawReportRequest {
            request_id: request_id(),
            report_id: receipt.report_id.clone(),
            reason: "Fausse alerte".to_owned(),
            etag: String::new(),
        };
        self.intake.ask(&request, withdraw).await?;
        let withdrawn = Line::acted(receipt, "withdrawn");
        self.minutes.0.note(&withdrawn).await;

        let words = self.minutes.words("Trop tard").await;
        let request = amendment(receipt, types::ReportStage::Complement, &words);
        let refusal = Code::FailedPrecondition;
        match self.intake.provoke(&request, amend, refusal).await? {
            Ok(revision) => {
                let item = format!("{}/{revision}", receipt.reference);
                self.minutes.said(receipt, "amendment", &item, &words).await;
            }
            Err(Refused) => self.minutes.refused(words).await,
        }
        Some(())
    }
}

/// Treats what declarants sent.
struct Cell {
    qualification: Client,
    ledger: Arc<Ledger>,
}

impl Cell {
    async fn work(self, mut waiting: mpsc::Receiver<Receipt>) {
        while let Some(receipt) = waiting.recv().await {
            // A cell that is refused or not answered looks for newer work: what
            // waits may be unknown as well.
            if self.treat(&receipt).await.is_none() {
                while waiting.try_recv().is_ok() {}
            }
        }
    }

    /// Claims, qualifies and closes the case of a report; nothing where that is
    /// refused.
    async fn treat(&self, receipt: &Receipt) -> Option<()> {
        let asked = case_pb::GetCaseRequest {
            case_id: receipt.reference.clone(),
        };
        let case = self.qualification.ask(&asked, open_case).await?;
        let case_id = case.case_id;

        let claim = case_pb::ClaimCaseRequest {
            request_id: request_id(),
            case_id: case_id.clone(),
            etag: case.etag,
        };
        let claimed = self.qualification.ask(&claim, claim_case).await?;
        self.ledger.note(&Line::acted(receipt, "claimed")).await;

        let qualify = case_pb::QualifyCaseRequest {
            request_id: request_id(),
            case_id: case_id.clone(),
            etag: claimed.etag,
            scope: case_pb::Scope::In.into(),
            triage: claimed.proposed,
            note: String::new(),
        };
        let qualified = self.qualification.ask(&qualify, qualify_case).await?;
        self.ledger.note(&Line::acted(receipt, "qualified")).await;

        let close = case_pb::CloseCaseRequest {
            request_id: request_id(),
            case_id,
            etag: qualified.etag,
            lessons_learned: "Filtrage renforcé".to_owned(),
        };
        self.qualification.ask(&close, close_case).await?;
        self.ledger.note(&Line::acted(receipt, "closed")).await;
        Some(())
    }
}

/// Sends a declaration.
pub(super) async fn submit(
    channel: Channel,
    request: Request<intake_pb::SubmitReportRequest>,
) -> Result<Receipt, Status> {
    let mut intake = IntakeServiceClient::new(channel);
    let answer = intake.submit_report(request).await?.into_inner();
    let receipt = answer.receipt.expect("a receipt comes with it");
    // What stays the same whichever release answers: it words advice in its own way.
    Ok(Receipt {
        consequences: None,
        emergency_phone: String::new(),
        ..receipt
    })
}

/// Withdraws a report; what comes back otherwise follows the case.
async fn withdraw(
    channel: Channel,
    request: Request<intake_pb::WithdrawReportRequest>,
) -> Result<intake_pb::ReportState, Status> {
    let mut intake = IntakeServiceClient::new(channel);
    let answer = intake.withdraw_report(request).await?.into_inner();
    Ok(answer.report.expect("the report comes back").state())
}

/// Reads a case, which opens by itself a little after its report was taken.
pub(super) async fn open_case(
    channel: Channel,
    request: Request<case_pb::GetCaseRequest>,
) -> Result<case_pb::Case, Status> {
    let mut cell = QualificationServiceClient::new(channel);
    match cell.get_case(request).await {
        Ok(answer) => Ok(settled(answer.into_inner().case)),
        Err(status) if status.code() == Code::NotFound => Err(Status::aborted("not yet")),
        Err(status) => Err(status),
    }
}

/// What of a case stays the same whichever release answers: an older one leaves out the
/// fields that it does not know, and texts that a newer one keeps elsewhere.
fn settled(case: Option<case_pb::Case>) -> case_pb::Case {
    let case = case.expect("the case comes back");
    case_pb::Case {
        case_id: case.case_id,
        etag: case.etag,
        state: case.state,
        proposed: case.proposed,
        confirmed: case.confirmed,
        assignee: case.assignee,
        ..case_pb::Case::default()
    }
}

async fn claim_case(
    channel: Channel,
    request: Request<case_pb::ClaimCaseRequest>,
) -> Result<case_pb::Case, Status> {
    let mut cell = QualificationServiceClient::new(channel);
    Ok(settled(cell.claim_case(request).await?.into_inner().case))
}

/// Qualifies a case.
pub(super) async fn qualify_case(
    channel: Channel,
    request: Request<case_pb::QualifyCaseRequest>,
) -> Result<case_pb::Case, Status> {
    let mut cell = QualificationServiceClient::new(channel);
    Ok(settled(cell.qualify_case(request).await?.into_inner().case))
}

async fn close_case(
    channel: Channel,
    request: Request<case_pb::CloseCaseRequest>,
) -> Result<case_pb::Case, Status> {
    let mut cell = QualificationServiceClient::new(channel);
    Ok(settled(cell.close_case(request).await?.into_inner().case))
}

/// A small report: a hostile mail, without any impact on care.
pub(super) fn submission(finess: &str) -> intake_pb::SubmitReportRequest {
    let draft = intake_pb::ReportDraft {
        description: "Message d'hameçonnage reçu par un service".to_owned(),
        origin_types: vec![types::OriginType::MaliciousMessage.into()],
        impacts: None,
        ..ransomware(finess)
    };
    intake_pb::SubmitReportRequest {
        request_id: request_id(),
        draft: Some(draft),
        ..intake_pb::SubmitReportRequest::default()
    }
}

/// A name for a request.
pub(super) fn request_id() -> String {
    Uuid::now_v7().to_string()
}
