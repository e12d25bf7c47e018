//! Messages as a caller may see them.

use std::collections::BTreeMap;

use proto::qualification::v1 as pb;
use service::{View, wire::timestamp};
use time::OffsetDateTime;
use vocabulary::Word as _;

use super::{Addressee, Audience, Message, side::Side};

/// Shows a message without its text.
pub(super) fn shown(number: u64, message: &Message, view: View) -> pb::Message {
    let audience = match message.to {
        Addressee::Exchange(Audience::Structure) => pb::Audience::Structure,
        Addressee::Exchange(Audience::Agencies) => pb::Audience::Agencies,
        Addressee::Internal => pb::Audience::Internal,
    };
    let colleague = message.to == Addressee::Internal;
    let author = Some(message.author.clone()).filter(|_| view.people || colleague);
    pb::Message {
        message_id: message.id.to_string(),
        case_id: message.case_id.to_string(),
        number,
        audience: audience.into(),
        author_role: message.author_role.number(),
        author: author.unwrap_or_default(),
        posted_at: Some(timestamp(message.posted_at)),
        text: String::new(),
        erased: false,
        read_by: Vec::new(),
    }
}

/// Shows who read a message: those who may, but the side that wrote it. Which agencies follow
/// a case is for those who read what the agencies say.
pub(super) fn read_by(
    message: &Message,
    read_at: &BTreeMap<Side, OffsetDateTime>,
    view: View,
) -> Vec<pb::ReadMark> {
    let Addressee::Exchange(audience) = message.to else {
        return Vec::new();
    };
    let readers = read_at
        .iter()
        .filter(|(side, _)| side.reads(audience) && message.author_side != Some(**side));
    let mut marks: BTreeMap<(pb::ReaderSide, &str), OffsetDateTime> = BTreeMap::new();
    for (side, at) in readers {
        let key = match side {
            Side::Structure => (pb::ReaderSide::Structure, ""),
            Side::Cell => (pb::ReaderSide::Cell, ""),
            Side::SecurityOfficer => (pb::ReaderSide::SecurityOfficer, ""),
            Side::Agency(region) if view.agencies => (pb::ReaderSide::Agency, region.code()),
            Side::Agency(_) => (pb::ReaderSide::Agency, ""),
        };
        let first = marks.entry(key).or_insert(*at);
        *first = (*first).min(*at);
    }
    let mark = |((side, region), at): ((pb::ReaderSide, &str), OffsetDateTime)| pb::ReadMark {
        side: side.into(),
        region: region.to_owned(),
        read_at: Some(timestamp(at)),
    };
    marks.into_iter().map(mark).collect()
}
