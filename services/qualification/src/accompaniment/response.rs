//! Accompaniment as a caller may see it.

use proto::qualification::v1 as pb;
use service::{View, wire::timestamp};
use vocabulary::{Region, Word as _};

use super::{Accompaniment, Texts};

/// Shows accompaniment.
pub(super) fn shown(accompaniment: &Accompaniment, view: View) -> pb::Accompaniment {
    let actor = &accompaniment.actor;
    let region = accompaniment.giver_region.map(Region::code);
    let shown = pb::Accompaniment {
        accompaniment_id: accompaniment.id.to_string(),
        case_id: accompaniment.case_id.to_string(),
        number: accompaniment.number,
        state: accompaniment.state.number(),
        giver: proto::number(accompaniment.giver),
        giver_region: region.unwrap_or_default().to_owned(),
        asked_at: accompaniment.asked_at.map(timestamp),
        offered_at: accompaniment.offered_at.map(timestamp),
        answered_at: accompaniment.answered_at.map(timestamp),
        begun_at: accompaniment.begun_at.map(timestamp),
        ended_at: accompaniment.ended_at.map(timestamp),
        actor_role: actor.role.number(),
        actor: Some(actor.subject.clone())
            .filter(|_| view.people)
            .unwrap_or_default(),
        etag: etag(accompaniment),
        ..Default::default()
    };
    with_texts(shown, accompaniment.texts.clone())
}

/// Shows accompaniment with these texts, but for those of steps that it had not taken yet;
/// erased without any.
pub(super) fn with_texts(shown: pb::Accompaniment, texts: Option<Texts>) -> pb::Accompaniment {
    let erased = texts.is_none();
    let texts = texts.unwrap_or_default();
    let of_step = |text: String, taken_at: Option<&prost_types::Timestamp>| {
        taken_at.map(|_| text).unwrap_or_default()
    };
    pb::Accompaniment {
        giver_name: of_step(texts.giver_name, shown.offered_at.as_ref()),
        need: texts.need,
        offer: of_step(texts.offer, shown.offered_at.as_ref()),
        answer: of_step(texts.answer, shown.answered_at.as_ref()),
        outcome: of_step(texts.outcome, shown.ended_at.as_ref()),
        erased,
        ..shown
    }
}

/// Changes with every change of the accompaniment. Names its moment too: after a restore
/// another change takes the revision of a lost one.
pub(super) fn etag(accompaniment: &Accompaniment) -> String {
    let at = accompaniment.changed_at.unix_timestamp_nanos() / 1_000;
    format!("{}-{at}", accompaniment.revision)
}
