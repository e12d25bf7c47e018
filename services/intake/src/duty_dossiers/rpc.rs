//! `DutyDossierService`: the dossier of a duty is made and shown.

use platform::{Error, Result, SealingKey, Violations, now};
use proto::intake::v1::{
    self as pb, GetDutyDossierRequest, GetDutyDossierResponse,
    duty_dossier_service_server::DutyDossierService,
};
use service::{Commands, Fields, audit_read, wire::timestamp};
use tonic::{Request, Response, Status, async_trait};
use vocabulary::{ParallelDuty, is_empty_text};

use super::{
    Dossier, Field, Source,
    decide::{self, Refusal},
};
use crate::{
    delegations,
    form::Language,
    reports::{self, Report, open_contacts, report_name},
};

/// Answers `DutyDossierService`.
#[derive(Clone, Debug)]
pub(crate) struct DutyDossierRpc {
    /// Where reports rest and reads leave their entries.
    pub(crate) commands: Commands,
    /// Opens the keys under which contacts are sealed.
    pub(crate) master_key: SealingKey,
}

#[async_trait]
impl DutyDossierService for DutyDossierRpc {
    async fn get_duty_dossier(
        &self,
        request: Request<GetDutyDossierRequest>,
    ) -> Result<Response<GetDutyDossierResponse>, Status> {
        let caller = &delegations::acting(&self.commands.pool, &request).await?;
        let asked = request.get_ref();
        let name = report_name(&asked.report_id)?;
        let duty = duty(&asked.duty)?;
        let own = caller.parties();
        let mut transaction = self.commands.pool.begin().await.map_err(Error::from)?;
        let found = reports::find(&mut transaction, &name, &own).await?;
        let object = found
            .as_ref()
            .map_or_else(|| name.subject(), Report::subject);
        let is_found = found.is_some();
        audit_read(
            &mut transaction,
            caller,
            "duty_dossier.get",
            &object,
            is_found,
        )
        .await?;
        transaction.commit().await.map_err(Error::from)?;
        let report = found.ok_or(Error::NotFound("report"))?;
        let sees = report
            .seen_by(&own)
            .any(|party| party.sees_contacts(&caller.roles));
        let sealed = report.contacts.as_ref().filter(|_| sees);
        let contacts = sealed.and_then(|it| open_contacts(&self.master_key, report.id, it));
        let report = decide::known_to(report, &own, &caller.roles);
        let language = Language::of(&asked.locale);
        let dossier = decide::dossier(&report, contacts.as_ref(), duty, language, now())
            .map_err(Error::from)?;
        Ok(Response::new(GetDutyDossierResponse {
            dossier: Some(shown(&report, dossier)),
        }))
    }
}

fn duty(code: &str) -> Result<ParallelDuty> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let code = if is_empty_text(code) { "" } else { code.trim() };
    if code.is_empty() {
        fields.missing("duty");
    }
    let duty = fields.formed("duty", code, |code| {
        let unknown = ("UNKNOWN_VALUE", "Cette valeur n'est pas connue.");
        code.parse().map_err(|_| unknown)
    });
    duty.ok_or(violations.into())
}

fn shown(report: &Report, dossier: Dossier) -> pb::DutyDossier {
    pb::DutyDossier {
        report_id: report.id.to_string(),
        reference: report.reference.to_string(),
        revision: report.declared_revision(),
        duty: dossier.duty.to_string(),
        locale: dossier.language.tag().to_owned(),
        title: dossier.title().to_owned(),
        legal_basis: dossier.duty.legal_basis().to_owned(),
        due_at: dossier.due_at.map(timestamp),
        overdue: dossier.overdue,
        done: dossier.done,
        text: dossier.text(report),
        fields: dossier.fields.into_iter().map(field).collect(),
    }
}

fn field(field: Field) -> pb::DutyDossierField {
    let sources = field.sources.iter().copied().map(Source::path);
    pb::DutyDossierField {
        name: field.name.to_owned(),
        label: field.label.to_owned(),
        to_be_completed: field.value.is_none(),
        value: field.value.unwrap_or_default(),
        legal_basis: field.legal_basis.to_owned(),
        sources: sources.map(str::to_owned).collect(),
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Withdrawn => {
                Self::failed_precondition("WITHDRAWN", "ce signalement a été retiré")
            }
            Refusal::NotSetOff => Self::failed_precondition(
                "DUTY_NOT_SET_OFF",
                "ce signalement, dans son état, n'entraîne pas cette obligation",
            ),
        }
    }
}
