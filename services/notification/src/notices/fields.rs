//! The fields that each template may show, copied one by one: what is not listed
//! is not told.

use minijinja::{Value, context};
use time::OffsetDateTime;
use vocabulary::{
    CareImpact, CaseActivity, OriginType, PatientEndangerment, ReportKind, RoutingRegion,
    StructureKind, Tlp, Word, display_line, parallel_duties,
};

use super::{
    Branding, Called, Content, Language, ReportSummary, Rule, Template,
    trigger::{Actor, Change, Trigger},
};

/// The number of references that a digest lists; of more it says how many.
const LISTED: usize = 500;

/// The columns of the name of a structure, which has at most as many characters.
const MAX_NAME_WIDTH: usize = 200;

/// The fields of a mail.
pub(super) fn of_mail(content: &Content, branding: &Branding, now: OffsetDateTime) -> Value {
    let (template, summary) = match content {
        Content::Report(template, summary) => (template, summary),
        Content::Digest(references) => {
            return context! {
                count => references.len(),
                references => references.iter().take(LISTED).cloned().collect::<Vec<String>>(),
                others => references.len().saturating_sub(LISTED),
            };
        }
        Content::Call(summary, called) => return call(summary, called, branding),
    };
    let language = branding.language;
    match template {
        Template::Receipt => context! {
            reference => summary.reference.as_str(),
            report_kind => summary.report_kind.map(ReportKind::as_str),
            received_at => summary.received_at.map(moment),
            agency => agency(summary, branding, now),
            emergency_phone => branding.emergency_phone.as_str(),
            duties => duties(summary, language, now),
        },
        Template::Closing => context! {
            reference => summary.reference.as_str(),
            emergency_phone => branding.emergency_phone.as_str(),
        },
        Template::ToStructure(_) | Template::AmendedOnBehalf | Template::ResolvedOnBehalf => {
            let reminds = matches!(
                template,
                Template::ToStructure(activity)
                    if activity.is_of_deadline() || *activity == CaseActivity::CnilDue
            );
            context! {
                activity => template.name(),
                due_at => summary.due_at.map(moment),
                reminds,
                overdue => summary.due_at.is_some_and(|due_at| due_at <= now),
                reference => summary.reference.as_str(),
                emergency_phone => branding.emergency_phone.as_str(),
            }
        }
        Template::Withdrawal | Template::Resolution => of_place(summary, language),
        Template::OfStructure(activity) => context! {
            activity => activity.as_str(),
            ..of_place(summary, language)
        },
        Template::Submission | Template::HealthImpact => announcement(summary, language),
        Template::SubmissionOutOfHours | Template::Major => context! {
            emergency_phone => branding.emergency_phone.as_str(),
            ..announcement(summary, language)
        },
    }
}

/// The fields of a headline.
pub(super) fn of_headline(
    rule: Rule,
    trigger: &Trigger,
    summary: &ReportSummary,
    back_dated: bool,
) -> Value {
    let (event, change, activity) = match trigger {
        Trigger::Submitted(_) => ("submitted", None, None),
        Trigger::Amended(amendment) if amendment.attachment.is_some() => ("attached", None, None),
        Trigger::Amended(_) => ("amended", None, None),
        Trigger::Withdrawn(_) => ("withdrawn", None, None),
        Trigger::CaseChanged(update) => ("case_changed", slug(update.change), None),
        Trigger::Activity(activity) => ("activity", None, Some(activity)),
    };
    let kind = activity.and_then(|it| it.kind);
    let impacts = &summary.impacts;
    context! {
        event,
        change,
        activity => kind.map(CaseActivity::as_str),
        activity_label => kind.map(CaseActivity::french),
        actor => activity.and_then(|it| it.actor).and_then(actor_slug),
        major => rule == Rule::Major,
        test => trigger.is_test(),
        entered_afterwards => back_dated,
        reference => summary.reference.as_str(),
        report_kind => summary.report_kind.map(ReportKind::as_str),
        place => place(summary, Language::Fr),
        origins => origins(summary, Language::Fr),
        severities => severities(summary),
        endangerment => impacts.patient_endangerment.map(PatientEndangerment::as_str),
        care => impacts.care.map(CareImpact::as_str),
    }
}

/// The fields of the call of somebody on call.
fn call(summary: &ReportSummary, called: &Called, branding: &Branding) -> Value {
    let language = branding.language;
    context! {
        name => display_line(&called.name, MAX_NAME_WIDTH),
        answer_before => moment(called.answer_before),
        link => called.link.as_deref(),
        token => called.token.as_str(),
        report_kind => summary.report_kind.map(|kind| label(kind, language)),
        severities => severities(summary),
        ..of_place(summary, language)
    }
}

/// The fields of a short mail to an institution.
fn of_place(summary: &ReportSummary, language: Language) -> Value {
    context! {
        reference => summary.reference.as_str(),
        place => place(summary, language),
        tlp => label(summary.tlp(), language),
    }
}

/// The fields that all announcements to institutions share.
fn announcement(summary: &ReportSummary, language: Language) -> Value {
    let impacts = &summary.impacts;
    context! {
        reference => summary.reference.as_str(),
        report_kind => summary.report_kind.map(|kind| label(kind, language)),
        place => place(summary, language),
        declared_at => summary.declared_at.map(moment),
        origins => origins(summary, language),
        data => labels(&impacts.data, language),
        data_natures => labels(&impacts.data_natures, language),
        persons_affected => impacts.persons_affected,
        care => impacts.care.map(|word| label(word, language)),
        care_duration_hours => impacts.care_duration_hours,
        endangerment => impacts.patient_endangerment.map(|word| label(word, language)),
        reach => impacts.reach.map(|word| label(word, language)),
        may_affect_others => impacts.may_affect_others,
        severities => severities(summary),
        tlp => label::<Tlp>(summary.tlp(), language),
    }
}

/// A structure by its name, its kind and where its reports are routed.
fn place(summary: &ReportSummary, language: Language) -> Value {
    let (routing, region) = match summary.region {
        Some(RoutingRegion::Region(region)) => (Some("region"), Some(region.name())),
        Some(RoutingRegion::National) => (Some("national"), None),
        Some(RoutingRegion::Synthetic) => (Some("synthetic"), None),
        None => (None, None),
    };
    context! {
        name => summary
            .structure_name
            .as_deref()
            .map(|name| display_line(name, MAX_NAME_WIDTH)),
        kind => summary.structure_kind.map(|kind: StructureKind| label(kind, language)),
        routing,
        region,
    }
}

/// The origin of an incident, with the types that are known.
fn origins(summary: &ReportSummary, language: Language) -> Value {
    let known = summary
        .origin_types
        .iter()
        .filter(|origin_type| **origin_type != OriginType::Unknown);
    context! {
        origin => summary.origin.map(|origin| label(origin, language)),
        types => labels(known, language),
    }
}

/// The judgements of law that hold.
fn severities(summary: &ReportSummary) -> Value {
    context! {
        major => summary.severity.major,
        serious => summary.severity.serious,
        significant => summary.severity.significant,
    }
}

/// The agency of the declarant; none for a report that stays in the own chain of the
/// armed forces.
fn agency(summary: &ReportSummary, branding: &Branding, now: OffsetDateTime) -> Option<Value> {
    let Some(RoutingRegion::Region(region)) = summary.region else {
        return None;
    };
    if summary.stays_with_the_armed_forces() {
        return None;
    }
    let agency = region.agency_on(now.date());
    Some(context! {
        name => agency.name,
        mailbox => agency.mailbox(&branding.agency_domain),
    })
}

/// The parallel duties of the declarant, each with its deadline. The deadline of the
/// CNIL counts from the awareness of the breach (RGPD, art. 33(1)).
fn duties(summary: &ReportSummary, language: Language, now: OffsetDateTime) -> Vec<Value> {
    let duties = parallel_duties(
        summary.report_kind,
        &summary.impacts,
        summary.operator_status,
        summary.origin,
        summary.origin_types.iter().copied(),
    );
    let fields = duties.into_iter().map(|duty| {
        let deadline = summary
            .found_at
            .and_then(|found_at| duty.deadline(found_at));
        context! {
            text => match language {
                Language::Fr => duty.french(),
                Language::En => duty.english(),
            },
            legal_basis => duty.legal_basis(),
            overdue => summary.found_at.is_some_and(|found_at| duty.is_overdue(found_at, now)),
            deadline => deadline.map(moment),
        }
    });
    fields.collect()
}

/// A moment in the time of Paris. In the hour that comes twice in October it says
/// which of the two is meant.
fn moment(at: OffsetDateTime) -> Value {
    let paris = jiff::Timestamp::from_second(at.unix_timestamp())
        .and_then(|at| at.in_tz("Europe/Paris"))
        .expect("the calendar of time lies within that of jiff, which brings its time zones");
    let doubled = paris
        .time_zone()
        .to_ambiguous_zoned(paris.datetime())
        .is_ambiguous();
    let summer = paris
        .time_zone()
        .to_offset_info(paris.timestamp())
        .dst()
        .is_dst();
    context! {
        date => paris.strftime("%d/%m/%Y").to_string(),
        hour => paris.strftime("%H").to_string(),
        minute => paris.strftime("%M").to_string(),
        doubled => doubled.then_some(if summer { "summer" } else { "winter" }),
    }
}

fn label<W: Word>(word: W, language: Language) -> &'static str {
    match language {
        Language::Fr => word.french(),
        Language::En => word.english(),
    }
}

fn labels<'a, W: Word>(
    words: impl IntoIterator<Item = &'a W>,
    language: Language,
) -> Vec<&'static str> {
    words
        .into_iter()
        .map(|word| label(*word, language))
        .collect()
}

fn slug(change: Change) -> Option<&'static str> {
    match change {
        Change::Opened => Some("opened"),
        Change::Claimed => Some("claimed"),
        Change::Qualified => Some("qualified"),
        Change::OutOfScope => Some("out_of_scope"),
        Change::Closed => Some("closed"),
        Change::Asked => Some("asked"),
        Change::Answered => Some("answered"),
        Change::TreatmentBegun => Some("treatment_begun"),
        Change::Resolved => Some("resolved"),
        Change::Duplicate => Some("duplicate"),
        Change::Attached => Some("attached"),
        Change::Detached => Some("detached"),
        Change::Reopened => Some("reopened"),
        Change::HandedOver => Some("handed_over"),
        Change::Amended => Some("amended"),
        Change::PilotTaken => Some("pilot_taken"),
        Change::LinkDecided => Some("link_decided"),
        Change::ReportAttached => Some("report_attached"),
        Change::CareRecorded => Some("care_recorded"),
        Change::Withdrawn => Some("withdrawn"),
        Change::Noted | Change::Other => None,
    }
}

const fn actor_slug(actor: Actor) -> Option<&'static str> {
    match actor {
        Actor::Structure => Some("structure"),
        Actor::Cell => Some("cell"),
        Actor::Agency => Some("agency"),
        Actor::SecurityOfficer => Some("security_officer"),
        Actor::Suite => None,
    }
}
