//! Reports as intake announces them.

use eventlog::NewEvent;
use platform::SealingKey;
use prost::Message as _;
use proto::{events::v1 as events, types::v1 as types};
use service::{Sealed, resolution_purpose, wire::timestamp};
use servicetest::MASTER_KEY;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::DECLARED;

/// A report that intake knows.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) id: Uuid,
    pub(crate) event_id: Uuid,
    pub(crate) data_key: Option<Vec<u8>>,
    pub(crate) submitted: events::ReportSubmitted,
}

impl Report {
    /// A new report as intake would announce it: of Occitanie, without impacts.
    pub(super) fn new(number: u32) -> Self {
        let report_id = Uuid::now_v7();
        let timestamp = |at: OffsetDateTime| {
            Some(prost_types::Timestamp {
                seconds: at.unix_timestamp(),
                nanos: 0,
            })
        };
        let reference = vocabulary::ReferenceCipher::new([9; 32]).reference(2026, number);
        let master = SealingKey::from_bytes(MASTER_KEY);
        let (key, data_key) = master.new_data_key();
        let declarant = events::Contact {
            family_name: "Martin".into(),
            given_name: "Dominique".into(),
            position: "RSSI".into(),
            email: "dominique.martin@example.org".into(),
            phone: "+33 5 00 00 00 00".into(),
        };
        let personal_data = events::SealedPersonalData {
            declarant: Some(declarant),
            alternate: None,
        };
        let aad = [b"report:".as_slice(), report_id.as_bytes()].concat();
        Self {
            id: report_id,
            event_id: Uuid::now_v7(),
            data_key: Some(data_key),
            submitted: events::ReportSubmitted {
                report_id: report_id.to_string(),
                reference: reference.to_string(),
                kind: types::ReportKind::Incident.into(),
                channel: types::Channel::Declarant.into(),
                received_at: timestamp(DECLARED),
                declared_at: timestamp(DECLARED),
                found_at: timestamp(DECLARED),
                structure: Some(events::ReportedStructure {
                    name: "Centre hospitalier de test".into(),
                    kind: types::StructureKind::HealthFacility.into(),
                    routing_region: "76".into(),
                    ..Default::default()
                }),
                text: Some(events::ReportText {
                    description: "Serveurs chiffrés depuis la nuit".into(),
                    ..Default::default()
                }),
                visible_to: [
                    "cell",
                    "fssi",
                    "ars:76",
                    "subject:decl",
                    "structure:finess:010000024",
                ]
                .map(str::to_owned)
                .to_vec(),
                sealed_personal_data: key.seal(&aad, &personal_data.encode_to_vec()).into(),
                ..Default::default()
            },
        }
    }

    /// The announcement of the report.
    pub(crate) fn event(&self) -> NewEvent {
        let event = NewEvent::new(self.event_id, self.subject(), DECLARED, &self.submitted);
        match &self.data_key {
            Some(data_key) => event.with_data_key(data_key.clone()),
            None => event,
        }
    }

    /// The announcement that it was amended and says this now.
    pub(crate) fn amended(&self, revision: u64, changed_paths: &[&str]) -> NewEvent {
        let amended = events::ReportAmended {
            report: Some(self.submitted.clone()),
            revision,
            stage: types::ReportStage::Complement.into(),
            changed_paths: changed_paths.iter().map(|&path| path.to_owned()).collect(),
            ..Default::default()
        };
        self.revised(revision, &amended)
    }

    /// The announcement that its link was decided on, and that these lose sight of it.
    pub(crate) fn link_decided(
        &self,
        revision: u64,
        link: types::DeclarantLink,
        lost: &[&str],
    ) -> NewEvent {
        let mut report = self.submitted.clone();
        if let Some(structure) = &mut report.structure {
            structure.link = link.into();
        }
        let decided = events::ReportLinkDecided {
            report: Some(report),
            revision,
            no_longer_visible_to: lost.iter().map(|&slug| slug.to_owned()).collect(),
            ..Default::default()
        };
        self.revised(revision, &decided)
    }

    /// The announcement that it was attached to its structure and says this now.
    pub(crate) fn attached(&self, revision: u64, lost: &[&str]) -> NewEvent {
        let attached = events::ReportAttached {
            report: Some(self.submitted.clone()),
            revision,
            no_longer_visible_to: lost.iter().map(|&slug| slug.to_owned()).collect(),
            ..Default::default()
        };
        self.revised(revision, &attached)
    }

    fn revised(&self, revision: u64, payload: &impl proto::Payload) -> NewEvent {
        let id = Uuid::from_u128(self.event_id.as_u128() ^ u128::from(revision));
        let event = NewEvent::new(id, self.subject(), DECLARED, payload);
        match &self.data_key {
            Some(data_key) => event.with_data_key(data_key.clone()),
            None => event,
        }
    }

    /// The announcement of its withdrawal.
    pub(crate) fn withdrawal(&self, event_id: Uuid, reason: &str) -> NewEvent {
        let withdrawn = events::ReportWithdrawn {
            report_id: self.submitted.report_id.clone(),
            reference: self.submitted.reference.clone(),
            reason: reason.to_owned(),
            visible_to: self.submitted.visible_to.clone(),
            ..Default::default()
        };
        NewEvent::new(event_id, self.subject(), DECLARED, &withdrawn)
    }

    /// The announcement of a declaration of its resolution, an hour after the report.
    pub(crate) fn resolution(&self, event_id: Uuid, number: u32, how: &str) -> NewEvent {
        let key = Sealed {
            sealed: Vec::new(),
            data_key: self.data_key.clone().unwrap_or_default(),
        };
        let master = SealingKey::from_bytes(MASTER_KEY);
        let purpose = resolution_purpose(self.id, number);
        let declared_at = Some(timestamp(DECLARED + Duration::hours(1)));
        let resolved = events::ReportResolved {
            report_id: self.submitted.report_id.clone(),
            reference: self.submitted.reference.clone(),
            number,
            resolved_at: self.submitted.declared_at,
            declared_at,
            declared_by: types::Role::Declarant.into(),
            sealed_how: key.seal(&master, &purpose, how.as_bytes()).unwrap().into(),
            on_behalf: false,
        };
        NewEvent::new(event_id, self.subject(), DECLARED, &resolved)
    }

    /// The announcement that its contacts were erased.
    pub(crate) fn contacts_erased(&self) -> NewEvent {
        let erased = events::ReportContactsErased {
            report_id: self.submitted.report_id.clone(),
            reference: self.submitted.reference.clone(),
            ..Default::default()
        };
        NewEvent::new(Uuid::now_v7(), self.subject(), DECLARED, &erased)
    }

    pub(crate) fn subject(&self) -> String {
        format!("report/{}", self.id)
    }
}
