//! The declarant's contact data, opened for one answer at a time.

use platform::SealingKey;
use prost::Message as _;
use proto::{events::v1 as events, qualification::v1 as pb};

use crate::{
    convert,
    domain::{Report, View},
};

/// The declarant of a report, if this view shows him. What was erased is
/// absent, for everyone.
pub(super) fn declarant(
    master_key: &SealingKey,
    report: &Report,
    view: View,
) -> Option<pb::CaseContact> {
    let sealed = report.sealed.as_ref().filter(|_| view.contacts)?;
    let purpose = [b"report:".as_slice(), report.id.as_bytes()].concat();
    let opened = master_key
        .unwrap_data_key(&sealed.data_key)
        .and_then(|key| key.open(&purpose, &sealed.personal_data));
    let Ok(plain) = opened else {
        tracing::error!(
            report.id = %report.id,
            "the contacts of a report do not open: is the master key the one of this installation?",
        );
        return None;
    };
    let personal_data = events::SealedPersonalData::decode(plain.as_slice()).ok()?;
    personal_data.declarant.map(convert::contact)
}
