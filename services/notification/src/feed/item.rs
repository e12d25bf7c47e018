//! Notifications as they rest in the log and as they are streamed.

use std::collections::BTreeSet;

use eventlog::{ApplyError, Event};
use proto::{
    events::v1::{CaseChange, NotificationRaised, ReportSubmitted, notification_raised::Subject},
    notification::v1::{Notification, NotificationKind},
};
use service::wire::timestamp;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Impacts, Party, ReportKind, Word as _, derived_after, propose_severity};

use crate::notices::{ReportProjection, ReportSummary, Rule, Trigger, headline};

/// A notification of the feed, with who may see it.
#[derive(Clone, Debug)]
pub(crate) struct FeedItem {
    /// What is streamed.
    pub(crate) notification: Notification,
    audience: BTreeSet<String>,
}

impl FeedItem {
    /// Whether one of a caller's parties may see it.
    pub(super) fn is_seen_by(&self, parties: &BTreeSet<String>) -> bool {
        !self.audience.is_disjoint(parties)
    }
}

/// The id of what a rule raises about an event: the same at every replay.
pub(crate) fn notification_id(event_id: Uuid, rule: Rule) -> Uuid {
    #[cfg(feature = "mutants")]
    if platform::mutant::Mutant::RandomIds.is_alive() {
        // Of this process alone: nobody else finds it again.
        static SALT: std::sync::OnceLock<Uuid> = std::sync::OnceLock::new();
        let salt = SALT.get_or_init(Uuid::now_v7).as_bytes();
        return vocabulary::derived_id(
            "mutant",
            &[salt, event_id.as_bytes(), rule.name().as_bytes()],
        );
    }
    derived_after(
        event_id,
        "notification",
        &[event_id.as_bytes(), rule.name().as_bytes()],
    )
}

/// Writes what the log keeps of a notification.
pub(crate) fn raised(
    id: Uuid,
    rule: Rule,
    trigger: &Trigger,
    subject: &Subject,
    summary: &ReportSummary,
    known: &ReportProjection,
    at: OffsetDateTime,
) -> Result<NotificationRaised, ApplyError> {
    let probe = Party::Probe.to_string();
    Ok(NotificationRaised {
        notification_id: id.to_string(),
        rule: rule.name().to_owned(),
        legal_basis: rule.legal_basis().to_owned(),
        // A test is for probers, whatever its routing says.
        visible_to: trigger
            .audience()
            .slugs()
            .into_iter()
            .filter(|slug| !trigger.is_test() || *slug == probe)
            .filter(|slug| !names_a_person(slug))
            .collect(),
        test: trigger.is_test(),
        raised_at: Some(timestamp(at)),
        subject: Some(subject.clone()),
        headline: headline(rule, trigger, summary, known.back_dated)
            .map_err(|_| ApplyError::Poison("headline"))?,
        structure_name: summary.structure_name.clone().unwrap_or_default(),
        structure_kind: proto::number(summary.structure_kind),
        report_kind: proto::number(summary.report_kind),
        declared_at: summary.declared_at.map(timestamp),
        case_id: known.case_id.map(|id| id.to_string()).unwrap_or_default(),
        entered_afterwards: known.back_dated,
    })
}

/// Whether a party is known by who he is: none of these watches, and the feed keeps
/// nothing that leads to a person.
fn names_a_person(slug: &str) -> bool {
    matches!(
        slug.parse(),
        Ok(Party::Subject(_) | Party::Structure(_) | Party::Importer(_))
    )
}

/// Reads a notification of the feed.
pub(super) fn item(event: &Event) -> Result<FeedItem, ApplyError> {
    let raised: NotificationRaised = event.decode()?;
    let audience = raised.visible_to.into_iter().collect();
    let mut notification = Notification {
        notification_id: raised.notification_id,
        legal_basis: raised.legal_basis,
        raised_at: raised.raised_at,
        case_id: raised.case_id,
        structure_name: raised.structure_name,
        structure_kind: raised.structure_kind,
        report_kind: raised.report_kind,
        declared_at: raised.declared_at,
        headline: raised.headline,
        test: raised.test,
        entered_afterwards: raised.entered_afterwards,
        ..Notification::default()
    };
    let kind = match raised.subject {
        Some(Subject::ReportSubmitted(report)) => {
            tell(&mut notification, report);
            NotificationKind::ReportSubmitted
        }
        Some(Subject::ReportAmended(amended)) => {
            tell(&mut notification, amended.report.unwrap_or_default());
            NotificationKind::ReportAmended
        }
        Some(Subject::ReportWithdrawn(report)) => {
            notification.report_id = report.report_id;
            notification.reference = report.reference;
            notification.routing_region = report.routing_region;
            NotificationKind::ReportWithdrawn
        }
        Some(Subject::CaseChanged(case)) => {
            let opened = case.change() == CaseChange::Opened;
            notification.report_id = case.report_id;
            notification.reference = case.reference;
            notification.routing_region = case.routing_region;
            notification.origin = case.origin;
            notification.origin_types = case.origin_types;
            notification.impacts = case.impacts;
            notification.case_state = case.state;
            notification.severity = case.severity;
            if opened {
                NotificationKind::CaseOpened
            } else {
                NotificationKind::CaseChanged
            }
        }
        Some(Subject::CaseMessagePosted(message)) => {
            notification.report_id = message.report_id;
            notification.reference = message.reference;
            notification.routing_region = message.routing_region;
            NotificationKind::MessagePosted
        }
        Some(Subject::CaseActivityRecorded(activity)) => {
            notification.report_id = activity.report_id;
            notification.reference = activity.reference;
            notification.routing_region = activity.routing_region;
            notification.activity = activity.activity;
            notification.due_at = activity.due_at;
            NotificationKind::CaseActivity
        }
        None => NotificationKind::Unspecified,
    };
    let major = raised.rule == Rule::Major.name();
    notification.kind = if major { NotificationKind::Major } else { kind }.into();
    notification.rule = raised.rule;
    Ok(FeedItem {
        notification,
        audience,
    })
}

/// Tells what a report says.
fn tell(notification: &mut Notification, report: ReportSubmitted) {
    let kind = ReportKind::heard(report.kind);
    let impacts = report.impacts.as_ref().map(Impacts::from);
    notification.severity = kind
        .zip(impacts)
        .map(|(kind, impacts)| propose_severity(kind, &impacts).into());
    notification.report_id = report.report_id;
    notification.reference = report.reference;
    notification.routing_region = report
        .structure
        .map(|structure| structure.routing_region)
        .unwrap_or_default();
    notification.origin = report.origin;
    notification.origin_types = report.origin_types;
    notification.impacts = report.impacts;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(audience: BTreeSet<String>) -> FeedItem {
        FeedItem {
            notification: Notification::default(),
            audience,
        }
    }

    proptest! {
        #[test]
        fn a_caller_sees_exactly_what_shares_a_party_with_him(
            audience in proptest::collection::btree_set("[a-z]{1,2}", 0..6),
            caller in proptest::collection::btree_set("[a-z]{1,2}", 0..6),
        ) {
            let shared = audience.intersection(&caller).count();
            prop_assert_eq!(item(audience).is_seen_by(&caller), shared > 0);
        }
    }

    #[test]
    fn nobody_sees_what_is_for_nobody() {
        assert!(!item(BTreeSet::new()).is_seen_by(&BTreeSet::from(["cell".to_owned()])));
    }
}
