//! What becomes of accompaniment.

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{AccompanimentGiver, AccompanimentState, Region, Role};

use super::{
    Accompaniment, Giver, Person, Texts, Words,
    transitions::{Trigger, next_state},
};

/// What is done about accompaniment that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The structure accepts it.
    Accept(Option<Words>),
    /// The structure declines it.
    Decline(Option<Words>),
    /// It begins.
    Begin,
    /// It ends, with its outcome.
    End(Words),
}

impl Step {
    /// The column of the table.
    pub(super) const fn trigger(&self) -> Trigger {
        match self {
            Self::Accept(_) => Trigger::Accept,
            Self::Decline(_) => Trigger::Decline,
            Self::Begin => Trigger::Begin,
            Self::End(_) => Trigger::End,
        }
    }
}

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not stand where that is done.
    WrongState(AccompanimentState),
    /// The same request waits, or the same giver has offered or gives accompaniment.
    AlreadyOpen,
    /// An agent acts for the own agency, and never for the cell.
    GiverNotYours,
    /// It is not known which agency is meant: the report has no region.
    NoAgency,
}

/// The new accompaniment that a structure asks for, unless an earlier request waits.
pub(super) fn ask(
    open: &[Accompaniment],
    id: Uuid,
    case_id: Uuid,
    need: &Words,
    by: Person,
    now: OffsetDateTime,
) -> Result<Accompaniment, Refusal> {
    if waiting(open).is_some() {
        return Err(Refusal::AlreadyOpen);
    }
    Ok(Accompaniment {
        asked_at: Some(now),
        texts: Some(Texts {
            need: need.as_str().to_owned(),
            ..Texts::default()
        }),
        ..opened(id, case_id, AccompanimentState::Asked, by, now)
    })
}

/// The accompaniment that is offered: the one that the structure asked for and that waits,
/// or a new one.
pub(super) fn offer(
    open: &[Accompaniment],
    id: Uuid,
    case_id: Uuid,
    giver: &Giver,
    offer: &Words,
    by: Person,
    now: OffsetDateTime,
) -> Result<Accompaniment, Refusal> {
    if open.iter().any(|it| it.is_by(giver)) {
        return Err(Refusal::AlreadyOpen);
    }
    let known = match waiting(open) {
        Some(asked) => advanced(asked, Trigger::Offer, by, now)?,
        None => opened(id, case_id, AccompanimentState::Offered, by, now),
    };
    let texts = Texts {
        giver_name: giver.name_or_empty().to_owned(),
        offer: offer.as_str().to_owned(),
        ..known.texts.clone().unwrap_or_default()
    };
    Ok(Accompaniment {
        giver: Some(giver.kind),
        giver_region: giver.region,
        offered_at: Some(known.changed_at),
        texts: Some(texts),
        ..known
    })
}

/// The region of the agency that accompanies: an agent's own, and for the cell the one
/// where the report is routed. An agent never offers what the cell gives.
pub(super) fn agency(
    kind: AccompanimentGiver,
    role: Role,
    own: Option<Region>,
    routed: Option<Region>,
) -> Result<Option<Region>, Refusal> {
    match kind {
        AccompanimentGiver::Cell if role != Role::Analyst => Err(Refusal::GiverNotYours),
        AccompanimentGiver::Agency => {
            let region = if role == Role::Analyst { routed } else { own };
            region.map(Some).ok_or(Refusal::NoAgency)
        }
        _ => Ok(None),
    }
}

/// Takes a step, or refuses it and leaves the accompaniment as it is. The words of those
/// whose texts are erased are not kept.
pub(super) fn take(
    known: &Accompaniment,
    step: &Step,
    own: Option<Region>,
    by: Person,
    now: OffsetDateTime,
) -> Result<Accompaniment, Refusal> {
    let leads = matches!(step, Step::Begin | Step::End(_));
    if leads && by.role == Role::RegionalAgent && !may_lead(known, own) {
        return Err(Refusal::GiverNotYours);
    }
    let mut next = advanced(known, step.trigger(), by, now)?;
    let at = Some(next.changed_at);
    let mut texts = next.texts.take();
    match step {
        Step::Accept(answer) | Step::Decline(answer) => {
            next.answered_at = at;
            let answer = answer.as_ref().map(|words| words.as_str().to_owned());
            if let Some(texts) = &mut texts {
                texts.answer = answer.unwrap_or_default();
            }
        }
        Step::Begin => next.begun_at = at,
        Step::End(outcome) => {
            next.ended_at = at;
            if let Some(texts) = &mut texts {
                outcome.as_str().clone_into(&mut texts.outcome);
            }
        }
    }
    Ok(Accompaniment { texts, ..next })
}

/// Whether an agent of a region leads it: what is asked for and nobody offered yet, and
/// what neither the cell gives nor another agency.
fn may_lead(known: &Accompaniment, own: Option<Region>) -> bool {
    match known.giver {
        Some(AccompanimentGiver::Cell) => false,
        Some(AccompanimentGiver::Agency) => known.giver_region == own,
        _ => true,
    }
}

/// The request of the structure that waits for an offer.
fn waiting(open: &[Accompaniment]) -> Option<&Accompaniment> {
    open.iter().find(|it| it.state == AccompanimentState::Asked)
}

fn opened(
    id: Uuid,
    case_id: Uuid,
    state: AccompanimentState,
    actor: Person,
    now: OffsetDateTime,
) -> Accompaniment {
    Accompaniment {
        id,
        case_id,
        number: 0,
        revision: 1,
        state,
        giver: None,
        giver_region: None,
        asked_at: None,
        offered_at: None,
        answered_at: None,
        begun_at: None,
        ended_at: None,
        actor,
        changed_at: now,
        texts: None,
    }
}

fn advanced(
    known: &Accompaniment,
    trigger: Trigger,
    actor: Person,
    now: OffsetDateTime,
) -> Result<Accompaniment, Refusal> {
    let state = next_state(known.state, trigger, actor.role);
    Ok(Accompaniment {
        state: state.ok_or(Refusal::WrongState(known.state))?,
        revision: known.revision + 1,
        actor,
        // The moment of a command that waited its turn may lie behind that of the
        // change it waited for.
        changed_at: now.max(known.changed_at),
        ..known.clone()
    })
}

#[cfg(test)]
mod tests;
