//! Escalations, and the FSSI who acknowledges them.

use std::time::Duration;

use prost_types::Timestamp;
use proto::{
    intake::v1::Receipt,
    qualification::v1::{self as pb, escalation_service_client::EscalationServiceClient},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tonic::{Request, Status, transport::Channel};

use super::{
    client::Client,
    conversation::Minutes,
    ledger::Line,
    load::{open_case, request_id},
};

/// From one escalation to the next, at least: everything that comes while the rota names
/// somebody is escalated as well.
const PACE: Duration = Duration::from_secs(2);

/// How long the one person of the rota is on call, in seconds: longer than any run.
const SHIFT: i64 = 24 * 3600;

/// Judges cases major while somebody is on call, and acknowledges what that leads to.
pub(super) struct Officer {
    /// The FSSI, at qualification.
    pub(super) fssi: Client,
    /// Who keeps the rota.
    pub(super) operator: Client,
    /// Where what is acknowledged is noted.
    pub(super) minutes: Minutes,
}

impl Officer {
    /// Works until nothing more comes.
    pub(super) async fn work(self, mut waiting: mpsc::Receiver<Receipt>) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while let Some(receipt) = waiting.recv().await {
            pace.tick().await;
            if Box::pin(self.escalate(&receipt)).await.is_none() {
                while waiting.try_recv().is_ok() {}
            }
        }
    }

    async fn escalate(&self, receipt: &Receipt) -> Option<()> {
        let asked = pb::GetCaseRequest {
            case_id: receipt.reference.clone(),
        };
        let case_id = self.fssi.ask(&asked, open_case).await?.case_id;
        self.put_rota(vec![shift()]).await?;
        let request = pb::DeclareMajorRequest {
            request_id: request_id(),
            case_id: case_id.clone(),
            etag: String::new(),
            reason: "Trois établissements à l'arrêt".to_owned(),
        };
        let judged = self.fssi.ask(&request, declare_major).await;
        if judged.is_some() {
            // At once: what is noted after a restore is held to have come after it.
            let qualified = Line::acted(receipt, "qualified");
            self.minutes.0.note(&qualified).await;
        }
        // Also where that was refused: nobody else is called.
        self.put_rota(Vec::new()).await?;
        judged?;

        let request = pb::ListEscalationsRequest {
            case_id,
            ..pb::ListEscalationsRequest::default()
        };
        // None where a restore took the rota back.
        for id in self.fssi.ask(&request, escalations).await? {
            let request = pb::AcknowledgeEscalationRequest {
                request_id: request_id(),
                escalation_id: id.clone(),
            };
            self.fssi.ask(&request, acknowledge).await?;
            self.minutes
                .said(receipt, "acknowledgement", &id, &id)
                .await;
        }
        Some(())
    }

    async fn put_rota(&self, shifts: Vec<pb::RotaShift>) -> Option<()> {
        let request = pb::PutRotaRequest {
            request_id: request_id(),
            shifts,
        };
        self.operator.ask(&request, put_rota).await
    }
}

/// Somebody is on call from now on.
fn shift() -> pb::RotaShift {
    let now = platform::now().unix_timestamp();
    let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
    pb::RotaShift {
        starts_at: at(now - 60),
        ends_at: at(now + SHIFT),
        people: vec![pb::RotaPerson {
            name: "Camille Durand".to_owned(),
            email: "astreinte-cellule@example.org".to_owned(),
            subject: String::new(),
        }],
    }
}

async fn put_rota(channel: Channel, request: Request<pb::PutRotaRequest>) -> Result<(), Status> {
    let mut escalations = EscalationServiceClient::new(channel);
    escalations.put_rota(request).await.map(|_| ())
}

async fn declare_major(
    channel: Channel,
    request: Request<pb::DeclareMajorRequest>,
) -> Result<i32, Status> {
    let mut escalations = EscalationServiceClient::new(channel);
    let answer = escalations.declare_major(request).await?.into_inner();
    Ok(answer.case.expect("the case comes back").state)
}

/// The escalations of a case.
async fn escalations(
    channel: Channel,
    request: Request<pb::ListEscalationsRequest>,
) -> Result<Vec<String>, Status> {
    let mut escalations = EscalationServiceClient::new(channel);
    let answer = escalations.list_escalations(request).await?.into_inner();
    let ids = answer.escalations.into_iter().map(|it| it.escalation_id);
    Ok(ids.collect())
}

async fn acknowledge(
    channel: Channel,
    request: Request<pb::AcknowledgeEscalationRequest>,
) -> Result<i32, Status> {
    let mut escalations = EscalationServiceClient::new(channel);
    let answer = escalations.acknowledge_escalation(request).await?;
    let escalation = answer.into_inner().escalation;
    Ok(escalation.expect("the escalation comes back").state)
}
