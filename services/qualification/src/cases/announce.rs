//! What cases announce.

use async_trait::async_trait;
use eventlog::{Log, NewEvent, Snapshot, SnapshotPage};
use platform::{Error, Result};
use proto::events::v1 as events;
use service::{revision_base, wire::timestamp};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseActivity, Party, Role, Word as _, derived_after, derived_at};

use super::{Action, Audience, Case, Change, history, store};

/// Announces a change of a case: its whole public state, without contacts or the names
/// of those who act. The announced revision outranks that of every change before it, in
/// whatever history of the log.
pub(super) fn changed(case: &Case, change: &Change, base: u64) -> NewEvent {
    let triage = case.triage();
    let resolution = case.resolution.as_ref();
    let payload = events::CaseChanged {
        case_id: case.id.to_string(),
        report_id: case.report.id.to_string(),
        revision: base + change.revision,
        change: change_of(change.action).into(),
        changed_at: Some(timestamp(change.at)),
        state: change.state.number(),
        severity: Some(triage.severity.into()),
        qualified: case.confirmed.is_some(),
        origin: proto::number(triage.origin),
        origin_types: proto::numbers(&triage.origin_types),
        impacts: Some((&triage.impacts).into()),
        note: change.note.clone(),
        visible_to: case.visible_to.slugs(),
        routing_region: case.report.routing_region.clone(),
        reference: case.report.reference.clone(),
        test: case.report.test,
        care_recorded: case.care_recorded.is_some(),
        duplicate_of: case
            .duplicate_of
            .map(|of| of.to_string())
            .unwrap_or_default(),
        resolved_at: resolution.map(|it| timestamp(it.resolved_at)),
        resolution_number: resolution.map(|it| it.number).unwrap_or_default(),
        resolved_on_behalf: resolution.is_some_and(|it| it.on_behalf),
        parent_case_id: case.parent.map(|it| it.to_string()).unwrap_or_default(),
    };
    let subject = format!("case/{}", change.case_id);
    let event = NewEvent::new(event_id(change), subject, change.at, &payload);
    if change.action == Action::Opened {
        // A case that was just opened says what the declaration said.
        return event.not_for("statistics");
    }
    event
}

/// The same change always announces itself under the same id. What an event caused
/// derives from that event: applied again after a restore, it announces nothing new.
/// What a person did derives from its moment too, because after a restore another change
/// takes the revision of the lost one.
fn event_id(change: &Change) -> Uuid {
    let case_id = change.case_id.as_bytes();
    if let Some(cause) = change.cause {
        return derived_after(cause, "case_changed", &[case_id, cause.as_bytes()]);
    }
    let revision = change.revision.to_be_bytes();
    let at = change.at.unix_timestamp_nanos().to_be_bytes();
    derived_at(
        change.at,
        change.case_id,
        "case_changed",
        &[case_id, &revision, &at],
    )
}

fn change_of(action: Action) -> events::CaseChange {
    match action {
        Action::Opened => events::CaseChange::Opened,
        Action::Claimed => events::CaseChange::Claimed,
        Action::Qualified => events::CaseChange::Qualified,
        Action::OutOfScope => events::CaseChange::OutOfScope,
        Action::Closed => events::CaseChange::Closed,
        Action::HandedOver => events::CaseChange::HandedOver,
        Action::Asked => events::CaseChange::Asked,
        Action::Answered => events::CaseChange::Answered,
        Action::TreatmentBegun => events::CaseChange::TreatmentBegun,
        Action::Resolved => events::CaseChange::Resolved,
        Action::Duplicate => events::CaseChange::Duplicate,
        Action::Attached => events::CaseChange::Attached,
        Action::Detached => events::CaseChange::Detached,
        Action::Reopened => events::CaseChange::Reopened,
        Action::Amended => events::CaseChange::Amended,
        Action::PilotTaken => events::CaseChange::PilotTaken,
        Action::LinkDecided => events::CaseChange::LinkDecided,
        Action::ReportAttached => events::CaseChange::ReportAttached,
        Action::CareRecorded => events::CaseChange::CareRecorded,
        Action::Withdrawn => events::CaseChange::Withdrawn,
        Action::Noted => events::CaseChange::Noted,
        Action::Later(_) => events::CaseChange::Unspecified,
    }
}

/// Something that happened on a case beside its state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activity {
    /// What happened.
    pub(crate) kind: CaseActivity,
    /// The id of what it is about: a request, a measure.
    pub(crate) id: Uuid,
    /// The role in which somebody did it.
    pub(crate) actor: Role,
    /// Who may know of it.
    pub(crate) audience: Audience,
    /// When.
    pub(crate) at: OffsetDateTime,
    /// Until when something is expected.
    pub(crate) due_at: Option<OffsetDateTime>,
}

/// Announces an activity to those who may know of it: never what was said. The same
/// activity always announces itself under the same id.
pub(crate) fn activity(case: &Case, activity: &Activity) -> NewEvent {
    let mut visible_to = activity.audience.readers(&case.visible_to);
    let is_about_care = matches!(
        activity.kind,
        CaseActivity::CareRecorded | CaseActivity::CareEnded
    );
    // It reads what the agencies record of care, and of the rest knows the case alone.
    let authority = Party::HealthAuthority;
    if is_about_care && case.visible_to.contains(&authority) {
        visible_to.push(authority.to_string());
    }
    let payload = events::CaseActivityRecorded {
        activity_id: activity.id.to_string(),
        case_id: case.id.to_string(),
        report_id: case.report.id.to_string(),
        reference: case.report.reference.clone(),
        at: Some(timestamp(activity.at)),
        activity: activity.kind.number(),
        actor_role: activity.actor.number(),
        to_structure: activity.audience == Audience::Structure,
        visible_to,
        routing_region: case.report.routing_region.clone(),
        test: case.report.test,
        due_at: activity.due_at.map(timestamp),
    };
    let kind = activity.kind.number().to_be_bytes();
    let at = activity.at.unix_timestamp_nanos().to_be_bytes();
    let parts: [&[u8]; 3] = [activity.id.as_bytes(), &kind, &at];
    let id = derived_at(activity.at, case.id, "activity", &parts);
    // Activities wait for no change of the case, nor it for them.
    let subject = format!("activity/{}", activity.id);
    NewEvent::new(id, subject, activity.at, &payload)
}

/// The present state of all cases: the latest change of each. Consumers let the greatest
/// revision win.
#[derive(Debug)]
pub(crate) struct AllCases {
    /// The log that the changes were announced in.
    pub(crate) log: Log,
}

#[async_trait]
impl Snapshot for AllCases {
    async fn page(
        &self,
        conn: &mut PgConnection,
        after: Option<String>,
        limit: u16,
    ) -> Result<SnapshotPage> {
        let after = after.map(|cursor| Uuid::try_parse(&cursor)).transpose();
        let after = after.map_err(Error::internal)?;
        let mut cases = store::cases_after(conn, after, i64::from(limit)).await?;
        cases.sort_by_key(|case| case.id);
        let base = revision_base(&self.log, conn).await?;
        let case_ids: Vec<_> = cases.iter().map(|case| case.id).collect();
        let latest = history::latest(conn, &case_ids).await?;
        let events = cases.iter().filter_map(|case| {
            // No trace: the request that asks for the snapshot caused none of it.
            Some(changed(case, latest.get(&case.id)?, base).with_traceparent(None))
        });
        let full = cases.len() == usize::from(limit);
        Ok(SnapshotPage {
            events: events.collect(),
            next: case_ids.last().filter(|_| full).map(Uuid::to_string),
        })
    }
}
