//! Escalations, the rota and decisions as a caller may see them.

use platform::SealingKey;
use proto::qualification::v1 as pb;
use service::{Sealed, View, wire::timestamp};
use vocabulary::Word as _;

use super::{
    Acknowledger, Call, Cause, Decision, Escalation, Person, Shift, State, decision_purpose,
    name_purpose,
};

/// Shows an escalation with its calls, of those of several; names for those who see people.
pub(super) fn escalation(
    escalation: &Escalation,
    calls: &[Call],
    view: View,
    master_key: &SealingKey,
) -> pb::Escalation {
    let own = calls.iter().filter(|it| it.escalation_id == escalation.id);
    let calls: Vec<_> = own
        .map(|call| pb::EscalationCall {
            step: call.step.cast_unsigned(),
            called_at: Some(timestamp(call.called_at)),
            name: Some(call)
                .filter(|_| view.people)
                .and_then(|call| name(call, master_key))
                .unwrap_or_default(),
        })
        .collect();
    let (role, acknowledged_by) = match &escalation.acknowledged_by {
        Some(Acknowledger::Person { role, subject }) => {
            (role.number(), Some(subject.clone()).filter(|_| view.people))
        }
        Some(Acknowledger::Link(step)) => {
            let called = calls.iter().find(|it| it.step == step.cast_unsigned());
            (0, called.map(|call| call.name.clone()))
        }
        None => (0, None),
    };
    pb::Escalation {
        escalation_id: escalation.id.to_string(),
        case_id: escalation.case_id.to_string(),
        number: escalation.number,
        cause: match escalation.cause {
            Cause::Major => pb::EscalationCause::Major,
            Cause::Report => pb::EscalationCause::Report,
            Cause::Later => pb::EscalationCause::Unspecified,
        }
        .into(),
        state: match escalation.state {
            State::Running => pb::EscalationState::Running,
            State::Acknowledged => pb::EscalationState::Acknowledged,
            State::Lapsed => pb::EscalationState::Lapsed,
            State::CaseEnded => pb::EscalationState::CaseEnded,
            State::Later => pb::EscalationState::Unspecified,
        }
        .into(),
        begun_at: Some(timestamp(escalation.begun_at)),
        lapses_at: Some(timestamp(escalation.lapses_at)),
        calls,
        ended_at: escalation.ended_at.map(timestamp),
        acknowledged_by_role: role,
        acknowledged_by: acknowledged_by.unwrap_or_default(),
    }
}

/// Who was called; `None` once the key is erased, and when the name does not open, which is
/// logged.
fn name(call: &Call, master_key: &SealingKey) -> Option<String> {
    let sealed = Sealed {
        sealed: call.sealed_name.clone(),
        data_key: call.data_key.clone()?,
    };
    let opened = sealed.open(master_key, &name_purpose(call.id()));
    if opened.is_err() {
        tracing::error!(
            escalation.id = %call.escalation_id,
            "the name of a call does not open: is the master key the one of this installation?",
        );
    }
    String::from_utf8(opened.ok()?).ok()
}

/// Shows a shift with its people.
pub(super) fn shift(shift: &Shift, people: Vec<Person>) -> pb::RotaShift {
    let people = people.into_iter().map(|person| pb::RotaPerson {
        name: person.name.into_string(),
        email: person.email.expose().to_owned(),
        subject: person
            .subject
            .map(vocabulary::Line::into_string)
            .unwrap_or_default(),
    });
    pb::RotaShift {
        starts_at: Some(timestamp(shift.starts_at)),
        ends_at: Some(timestamp(shift.ends_at)),
        people: people.collect(),
    }
}

/// Shows a decision, its text unless the key of the report is erased.
pub(super) fn decision(
    decision: &Decision,
    key: Option<&Sealed>,
    view: View,
    master_key: &SealingKey,
) -> pb::Decision {
    let text = key.and_then(|key| text(decision, key, master_key));
    let recorded_by = Some(decision.recorded_by.clone()).filter(|_| view.people);
    pb::Decision {
        decision_id: decision.id.to_string(),
        case_id: decision.case_id.to_string(),
        number: decision.number,
        recorded_at: Some(timestamp(decision.recorded_at)),
        recorded_by: recorded_by.unwrap_or_default(),
        erased: text.is_none(),
        text: text.unwrap_or_default(),
    }
}

fn text(decision: &Decision, key: &Sealed, master_key: &SealingKey) -> Option<String> {
    let sealed = Sealed {
        sealed: decision.sealed_text.clone(),
        data_key: key.data_key.clone(),
    };
    let opened = sealed.open(master_key, &decision_purpose(decision.id));
    if opened.is_err() {
        tracing::error!(
            decision.id = %decision.id,
            "a decision does not open: is the master key the one of this installation?",
        );
    }
    String::from_utf8(opened.ok()?).ok()
}
