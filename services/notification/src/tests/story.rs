//! The words that the stories are told with: reports, their cases, and people.

use eventlog::NewEvent;
use platform::SealingKey;
use prost::Message as _;
use prost_types::Timestamp;
use proto::{events::v1 as events, types::v1 as types};
use testkit::TokenSpec;
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use crate::tests::env::MASTER_KEY;

/// A Monday at eleven in Paris: within working hours.
pub(crate) const WORKING: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);

pub(crate) const DECLARANT: &str = "d.martin@ch.example.org";
pub(crate) const ALTERNATE: &str = "martin@other.example.org";

/// A report that intake announces.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) id: Uuid,
    pub(crate) event_id: Uuid,
    pub(crate) message: events::ReportSubmitted,
    data_key: Vec<u8>,
    traceparent: Option<String>,
}

impl Report {
    /// A report of a hospital in Occitanie.
    pub(crate) fn new(number: u32) -> Self {
        let report_id = Uuid::now_v7();
        let mut report = Self {
            id: report_id,
            event_id: Uuid::now_v7(),
            message: events::ReportSubmitted {
                report_id: report_id.to_string(),
                reference: format!("SIG-2026-{number:07}"),
                kind: types::ReportKind::Incident.into(),
                channel: types::Channel::Declarant.into(),
                received_at: Some(at(WORKING)),
                declared_at: Some(at(WORKING)),
                found_at: Some(at(WORKING)),
                structure: Some(events::ReportedStructure {
                    name: "Centre hospitalier de Vallonne".to_owned(),
                    kind: types::StructureKind::HealthFacility.into(),
                    routing_region: "76".to_owned(),
                    ..Default::default()
                }),
                origin: types::Origin::Malicious.into(),
                origin_types: vec![types::OriginType::Ransomware.into()],
                text: Some(events::ReportText {
                    description: "Le serveur de Mme Durand est chiffré".to_owned(),
                    ..Default::default()
                }),
                visible_to: ["cell", "fssi", "ars:76", "subject:decl"]
                    .map(str::to_owned)
                    .to_vec(),
                ..Default::default()
            },
            data_key: Vec::new(),
            traceparent: None,
        };
        report.contacts(DECLARANT, "");
        report
    }

    /// A report of another region.
    pub(crate) fn routed_to(mut self, region: &str) -> Self {
        self.route(region);
        self.message.visible_to = vec![
            "cell".to_owned(),
            "fssi".to_owned(),
            format!("ars:{region}"),
        ];
        self
    }

    /// Where it is routed.
    pub(crate) fn region(&self) -> &str {
        &self.message.structure.as_ref().unwrap().routing_region
    }

    /// A report whose declarant also gave another contact.
    pub(crate) fn with_alternate(mut self) -> Self {
        self.contacts(DECLARANT, ALTERNATE);
        self
    }

    /// A test, sent by a probe.
    pub(crate) fn test(mut self) -> Self {
        self.message.test = true;
        self.message.channel = types::Channel::Probe.into();
        self.message.visible_to = vec!["probe".to_owned()];
        self.route("synthetic");
        self
    }

    /// A report that an importer enters with a past date.
    pub(crate) fn entered_afterwards(mut self) -> Self {
        self.message.channel = types::Channel::Import.into();
        self.message.declared_at = Some(at(datetime!(2017-08-03 10:00 UTC)));
        self.message.found_at = self.message.declared_at;
        self
    }

    /// A report that belongs to a trace.
    pub(crate) fn traced(mut self, traceparent: &str) -> Self {
        self.traceparent = Some(traceparent.to_owned());
        self
    }

    fn route(&mut self, region: &str) {
        let structure = self.message.structure.as_mut().unwrap();
        region.clone_into(&mut structure.routing_region);
    }

    fn contacts(&mut self, declarant: &str, alternate: &str) {
        let contact = |email: &str| events::Contact {
            family_name: "Martin".to_owned(),
            email: email.to_owned(),
            ..Default::default()
        };
        let contacts = events::SealedPersonalData {
            declarant: Some(contact(declarant)),
            alternate: Some(contact(alternate)).filter(|contact| !contact.email.is_empty()),
        };
        let (key, wrapped) = SealingKey::from_bytes(MASTER_KEY).new_data_key();
        let aad = [b"report:".as_slice(), self.id.as_bytes()].concat();
        self.message.sealed_personal_data = key.seal(&aad, &contacts.encode_to_vec()).into();
        self.data_key = wrapped;
    }

    /// The event of the submission.
    pub(crate) fn submitted(&self) -> NewEvent {
        self.submitted_at(WORKING)
    }

    /// The event of a submission that was recorded at a moment.
    pub(crate) fn submitted_at(&self, at: OffsetDateTime) -> NewEvent {
        NewEvent::new(self.event_id, self.subject(), at, &self.message)
            .with_data_key(self.data_key.clone())
            .with_traceparent(self.traceparent.clone())
    }

    /// The event that it was amended and says this now.
    pub(crate) fn amended(&self, revision: u64) -> NewEvent {
        let message = events::ReportAmended {
            report: Some(self.message.clone()),
            revision,
            stage: types::ReportStage::Complement.into(),
            changed_paths: vec!["impacts.care".to_owned()],
            amended_at: Some(at(WORKING)),
            author_role: types::Role::Declarant.into(),
            on_behalf: false,
        };
        let id = Uuid::from_u128(self.event_id.as_u128() ^ u128::from(revision));
        NewEvent::new(id, self.subject(), WORKING, &message).with_data_key(self.data_key.clone())
    }

    /// The event of the withdrawal.
    pub(crate) fn withdrawn(&self) -> NewEvent {
        let message = events::ReportWithdrawn {
            report_id: self.message.report_id.clone(),
            reference: self.message.reference.clone(),
            visible_to: self.message.visible_to.clone(),
            routing_region: "76".to_owned(),
            reason: "Erreur de Mme Durand".to_owned(),
            ..Default::default()
        };
        NewEvent::new(Uuid::now_v7(), self.subject(), WORKING, &message)
    }

    /// The event that its contacts were erased.
    pub(crate) fn contacts_erased(&self) -> NewEvent {
        let message = events::ReportContactsErased {
            report_id: self.message.report_id.clone(),
            reference: self.message.reference.clone(),
            ..Default::default()
        };
        NewEvent::new(Uuid::now_v7(), self.subject(), WORKING, &message)
    }

    /// A change of its case.
    pub(crate) fn case(&self, change: events::CaseChange, revision: u64) -> events::CaseChanged {
        events::CaseChanged {
            case_id: Uuid::from_u128(self.id.as_u128() ^ 1).to_string(),
            report_id: self.message.report_id.clone(),
            revision,
            change: change.into(),
            changed_at: Some(at(WORKING)),
            reference: self.message.reference.clone(),
            routing_region: "76".to_owned(),
            visible_to: self.message.visible_to.clone(),
            test: self.message.test,
            ..Default::default()
        }
    }

    /// The event of a message on its case.
    pub(crate) fn posted(&self, author_role: types::Role, to_structure: bool) -> NewEvent {
        let message_id = Uuid::now_v7();
        let message = events::CaseMessagePosted {
            message_id: message_id.to_string(),
            case_id: Uuid::from_u128(self.id.as_u128() ^ 1).to_string(),
            report_id: self.message.report_id.clone(),
            reference: self.message.reference.clone(),
            posted_at: Some(at(WORKING)),
            author_role: author_role.into(),
            to_structure,
            visible_to: self.message.visible_to.clone(),
            routing_region: "76".to_owned(),
            test: self.message.test,
        };
        let subject = format!("message/{message_id}");
        NewEvent::new(Uuid::now_v7(), subject, WORKING, &message)
    }

    /// The event of a request for information that is to be answered before a moment.
    pub(crate) fn information_requested(&self, due_at: OffsetDateTime) -> NewEvent {
        let request_id = Uuid::now_v7();
        let requested = events::CaseActivityRecorded {
            activity_id: request_id.to_string(),
            case_id: Uuid::from_u128(self.id.as_u128() ^ 1).to_string(),
            report_id: self.message.report_id.clone(),
            reference: self.message.reference.clone(),
            at: Some(at(WORKING)),
            activity: types::CaseActivity::InformationRequested.into(),
            actor_role: types::Role::Analyst.into(),
            to_structure: true,
            visible_to: self.message.visible_to.clone(),
            routing_region: "76".to_owned(),
            due_at: Some(at(due_at)),
            ..Default::default()
        };
        let subject = format!("activity/{request_id}");
        NewEvent::new(Uuid::now_v7(), subject, WORKING, &requested)
    }

    /// The event of an entry to its timeline, of which intake knows no case yet.
    pub(crate) fn timeline_entry(&self) -> NewEvent {
        let entry_id = Uuid::now_v7();
        let entry = events::CaseActivityRecorded {
            activity_id: entry_id.to_string(),
            report_id: self.message.report_id.clone(),
            reference: self.message.reference.clone(),
            at: Some(at(WORKING)),
            activity: types::CaseActivity::TimelineEntryAdded.into(),
            actor_role: types::Role::Declarant.into(),
            to_structure: true,
            visible_to: self.message.visible_to.clone(),
            routing_region: "76".to_owned(),
            test: self.message.test,
            ..Default::default()
        };
        let subject = format!("activity/{entry_id}");
        NewEvent::new(Uuid::now_v7(), subject, WORKING, &entry)
    }

    fn subject(&self) -> String {
        format!("report/{}", self.id)
    }
}

/// The event of a change of a case.
pub(crate) fn changed(message: &events::CaseChanged) -> NewEvent {
    let subject = format!("case/{}", message.case_id);
    NewEvent::new(Uuid::now_v7(), subject, WORKING, message)
}

fn at(moment: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: moment.unix_timestamp(),
        nanos: 0,
    }
}

pub(crate) fn analyst() -> TokenSpec {
    TokenSpec::of("ana").role("analyst")
}

pub(crate) fn agent(region: &str) -> TokenSpec {
    TokenSpec::of(format!("agent-{region}"))
        .role("regional_agent")
        .region(region)
}

pub(crate) fn prober() -> TokenSpec {
    TokenSpec::of("probe").role("prober")
}

pub(crate) fn operator() -> TokenSpec {
    TokenSpec::of("op").role("operator")
}
