//! Erasure of contacts (effacement, RGPD article 17): when nobody treats a report any more,
//! and how the report's own key is destroyed. After how many days is the operator's to say:
//! `retention.contactsDays` of the chart, `vigie-intake erase-contacts --ended-days-ago`.

mod erase;
mod events;
mod store;

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseState, Channel};

pub use self::erase::{erase_contacts_ended_before, erase_contacts_of};
use crate::cases::is_ended;

/// A report whose contacts are kept, as far as it matters for how long.
#[derive(Clone, Debug)]
struct Treatment {
    /// The report.
    report_id: Uuid,
    /// Its reference for people.
    reference: String,
    /// By which way it came.
    channel: Channel,
    /// When the suite acknowledged it.
    received_at: OffsetDateTime,
    /// Where its case stands, as far as it is known here.
    state: Option<CaseState>,
    /// When the case ended, if it did and that was recorded.
    case_ended_at: Option<OffsetDateTime>,
}

/// Whether, and since when, nobody treats a report any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is treated, or nobody knows here that it is not.
    NotYet,
    /// Since this moment.
    At(OffsetDateTime),
    /// Since a moment that was not recorded.
    Unrecorded,
}

impl Treatment {
    /// What the log says the report is about.
    fn subject(&self) -> String {
        format!("report/{}", self.report_id)
    }

    /// Whether it ended before a moment, as far as that was recorded.
    fn ended_before(&self, moment: OffsetDateTime) -> bool {
        matches!(self.end(), End::At(at) if at < moment)
    }

    /// Whether it ended. Nobody treats a test.
    fn end(&self) -> End {
        if self.channel == Channel::Probe {
            return End::At(self.received_at);
        }
        match (self.state.is_some_and(is_ended), self.case_ended_at) {
            (false, _) => End::NotYet,
            (true, Some(at)) => End::At(at),
            (true, None) => End::Unrecorded,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use vocabulary::Word as _;

    use super::*;

    const RECEIVED: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);
    const ENDED: OffsetDateTime = datetime!(2026-12-01 09:00 UTC);

    fn treatment(state: Option<CaseState>, case_ended_at: Option<OffsetDateTime>) -> Treatment {
        Treatment {
            report_id: Uuid::nil(),
            reference: String::new(),
            channel: Channel::Declarant,
            received_at: RECEIVED,
            state,
            case_ended_at,
        }
    }

    #[test]
    fn a_report_is_treated_until_its_case_has_ended() {
        assert_eq!(treatment(None, None).end(), End::NotYet);
        let ended = [
            CaseState::Closed,
            CaseState::OutOfScope,
            CaseState::Duplicate,
            CaseState::Withdrawn,
        ];
        for &state in CaseState::ALL {
            let (with, without) = if ended.contains(&state) {
                (End::At(ENDED), End::Unrecorded)
            } else {
                (End::NotYet, End::NotYet)
            };
            assert_eq!(treatment(Some(state), Some(ENDED)).end(), with);
            assert_eq!(treatment(Some(state), None).end(), without);
        }
        let later = Some(CaseState::stored("reopened"));
        assert_eq!(treatment(later, Some(ENDED)).end(), End::NotYet);
    }

    #[test]
    fn nobody_treats_a_test() {
        let test = Treatment {
            channel: Channel::Probe,
            ..treatment(Some(CaseState::Submitted), None)
        };
        assert_eq!(test.end(), End::At(RECEIVED));
    }
}
