//! What escalations announce.

use eventlog::NewEvent;
use platform::{Error, Result, SealingKey};
pub(super) use proto::events::v1::CalledPerson;
use proto::events::v1::EscalationCalled;
use service::{Sealed, wire::timestamp};
use time::OffsetDateTime;
use vocabulary::derived_at;

use super::{Call, Escalation};
use crate::cases::Case;

/// Announces that somebody is called, to the service that writes the mail. The person
/// travels sealed under this key, that of the rota.
pub(super) fn called(
    (master_key, key): (&SealingKey, &Sealed),
    case: &Case,
    escalation: &Escalation,
    call: &Call,
    person: &CalledPerson,
    answer_before: OffsetDateTime,
) -> Result<NewEvent> {
    let call_id = call.id();
    let sealed_person = key.seal_called(master_key, call_id, person);
    let payload = EscalationCalled {
        call_id: call_id.to_string(),
        escalation_id: escalation.id.to_string(),
        case_id: case.id.to_string(),
        report_id: case.report.id.to_string(),
        reference: case.report.reference.clone(),
        step: call.step.cast_unsigned(),
        called_at: Some(timestamp(call.called_at)),
        answer_before: Some(timestamp(answer_before)),
        lapses_at: Some(timestamp(escalation.lapses_at)),
        sealed_person: sealed_person.map_err(Error::internal)?.into(),
    };
    let parts: [&[u8]; 1] = [call_id.as_bytes()];
    let id = derived_at(call.called_at, case.id, "escalation_called", &parts);
    let subject = format!("escalation/{}", escalation.id);
    let event = NewEvent::new(id, subject, call.called_at, &payload);
    Ok(event.with_data_key(key.data_key.clone()))
}
