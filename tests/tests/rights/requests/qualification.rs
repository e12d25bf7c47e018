//! Cases.

use proto::qualification::v1 as pb;
use proto::types::v1 as types;
use testkit::TokenSpec;
use tonic::Code;

use super::{
    Asked, Expected, Names, accompaniment, answer, any_answer, care, exactly, information,
    measures, messages, of_each_thing, references, request_id, workbench,
};
use crate::scene::{ANALYST, Scene, Thing};
use crate::visibility::{sees, sees_assignee, sees_contacts};

/// An etag that no case ever had: who gets so far may change the case.
const NEVER: &str = "never";

/// What to ask of the features of qualification.
pub(crate) fn requests(
    service: &str,
    method: &str,
    scene: &Scene,
    person: &TokenSpec,
) -> Option<Vec<Asked>> {
    match service {
        "QualificationService" => cases(method, scene, person),
        "MessageService" => messages::requests(method, scene, person),
        "WorkbenchService" => workbench::requests(method),
        "EscalationService" => super::escalation::requests(method, scene, person),
        "MeasureService" => measures::requests(method, scene, person),
        "FeedbackService" => feedback(method, scene, person),
        "InformationRequestService" => information::requests(method, scene, person),
        "CauseService" => causes(method, scene, person),
        "AccompanimentService" => accompaniment::requests(method, scene, person),
        "CareService" => care::requests(method, scene, person),
        _ => None,
    }
}

/// What to ask about cases.
fn cases(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "ListCases" => vec![
            list("all", pb::ListCasesRequest::default(), scene, person),
            list("searched", searching(), scene, person),
            list("by kind", of_all_kinds(), scene, person),
        ],
        "GetCase" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.case_id,
            |case_id| pb::GetCaseRequest { case_id },
            |thing| case(scene, person, thing),
        ),
        "ListCaseHistory" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.case_id,
            |case_id| pb::ListCaseHistoryRequest {
                case_id,
                ..Default::default()
            },
            |thing| history(scene, person, thing),
        ),
        _ => return changes(method, scene, person),
    })
}

/// What to ask about the commands on a case: everybody admitted gets as far as the etag on
/// what they see.
fn changes(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    let changed = |thing: &Thing| of_seen(person, thing, Expected::Refused(Code::Aborted));
    Some(match method {
        "ClaimCase" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::ClaimCaseRequest {
                request_id: request_id(),
                case_id,
                etag: NEVER.to_owned(),
            },
            changed,
        ),
        "QualifyCase" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::QualifyCaseRequest {
                request_id: request_id(),
                case_id,
                etag: NEVER.to_owned(),
                scope: pb::Scope::In.into(),
                triage: Some(pb::Triage {
                    origin: types::Origin::Malicious.into(),
                    origin_types: vec![types::OriginType::Ransomware.into()],
                    impacts: Some(types::Impacts::default()),
                    severity: Some(types::Severity::default()),
                    fired_rules: Vec::new(),
                }),
                note: String::new(),
            },
            changed,
        ),
        "HandOverCase" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::HandOverCaseRequest {
                request_id: request_id(),
                case_id,
                etag: NEVER.to_owned(),
                assignee: "colleague".to_owned(),
                note: String::new(),
            },
            changed,
        ),
        "MarkCaseDuplicate" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::MarkCaseDuplicateRequest {
                request_id: request_id(),
                case_id,
                etag: NEVER.to_owned(),
                duplicate_of: request_id(),
                note: String::new(),
            },
            changed,
        ),
        "ReopenCase" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::ReopenCaseRequest {
                request_id: request_id(),
                case_id,
                etag: NEVER.to_owned(),
                note: "Des données sont apparues en ligne".to_owned(),
            },
            changed,
        ),
        "CloseCase" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::CloseCaseRequest {
                request_id: request_id(),
                case_id,
                etag: NEVER.to_owned(),
                lessons_learned: String::new(),
            },
            changed,
        ),
        _ => return None,
    })
}

fn case(scene: &Scene, person: &TokenSpec, thing: &Thing) -> Expected {
    if !sees(person, thing) {
        return Expected::Refused(Code::NotFound);
    }
    let contacts = sees_contacts(person, thing);
    let claimed = thing.label == scene.things[0].label;
    let assignee = sees_assignee(person) && claimed;
    let reference = thing.reference.clone();
    answer(move |response: pb::GetCaseResponse| {
        let case = response.case.ok_or("no case")?;
        let shown = case.assignee == ANALYST;
        let named = case.history.iter().any(|it| it.actor.contains(ANALYST));
        if case.reference != reference {
            Err(format!("shows {}", case.reference))
        } else if contacts.is_some_and(|wanted| wanted != case.declarant.is_some()) {
            Err(format!("shows contacts: {}", case.declarant.is_some()))
        } else if shown != assignee || (named && !assignee) {
            Err(format!(
                "shows the assignee: {shown}, in the history: {named}"
            ))
        } else {
            Ok(())
        }
    })
}

fn history(scene: &Scene, person: &TokenSpec, thing: &Thing) -> Expected {
    if !sees(person, thing) {
        return Expected::Refused(Code::NotFound);
    }
    let claimed = thing.label == scene.things[0].label;
    let expected = sees_assignee(person) && claimed;
    answer(move |response: pb::ListCaseHistoryResponse| {
        let entries = &response.entries;
        let shown = entries.iter().any(|it| it.actor.contains(ANALYST));
        match entries.last() {
            Some(first) if first.action == "opened" && shown == expected => Ok(()),
            _ => Err(format!("shows the analyst: {shown}, of {entries:?}")),
        }
    })
}

/// What to ask about cases of one cause: an analyst gets as far as the etag on what is seen.
fn causes(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    let refused = |thing: &Thing| of_seen(person, thing, Expected::Refused(Code::Aborted));
    Some(match method {
        "AttachCase" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::AttachCaseRequest {
                request_id: request_id(),
                case_id,
                etag: NEVER.to_owned(),
                parent_case_id: request_id(),
                note: String::new(),
            },
            refused,
        ),
        "DetachCase" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::DetachCaseRequest {
                request_id: request_id(),
                case_id,
                etag: NEVER.to_owned(),
                note: String::new(),
            },
            refused,
        ),
        "AttachCases" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |parent_case_id| pb::AttachCasesRequest {
                request_id: request_id(),
                parent_case_id,
                case_ids: vec![request_id()],
                note: String::new(),
            },
            |thing| {
                let none = answer(|response: pb::AttachCasesResponse| {
                    let reasons: Vec<_> = response.results.iter().map(|it| &it.reason).collect();
                    if reasons == ["NOT_FOUND"] {
                        Ok(())
                    } else {
                        Err(format!("{reasons:?}"))
                    }
                });
                of_seen(person, thing, none)
            },
        ),
        "ListAttachedCases" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.case_id,
            |case_id| pb::ListAttachedCasesRequest {
                case_id,
                ..Default::default()
            },
            |thing| of_seen(person, thing, any_answer::<pb::ListAttachedCasesResponse>()),
        ),
        _ => return None,
    })
}

/// What to ask about feedback: no incident of the scene is over.
fn feedback(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "GiveFeedback" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::GiveFeedbackRequest {
                request_id: request_id(),
                case_id,
                lessons: "Sauvegarder hors ligne".to_owned(),
                ..Default::default()
            },
            |thing| of_seen(person, thing, Expected::Refused(Code::FailedPrecondition)),
        ),
        "ListFeedback" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.case_id,
            |case_id| pb::ListFeedbackRequest { case_id },
            |thing| of_seen(person, thing, any_answer::<pb::ListFeedbackResponse>()),
        ),
        _ => return None,
    })
}

pub(super) fn of_seen(person: &TokenSpec, thing: &Thing, expected: Expected) -> Expected {
    if sees(person, thing) {
        expected
    } else {
        Expected::Refused(Code::NotFound)
    }
}

/// A search that finds every thing, by what all references begin with.
fn searching() -> pb::ListCasesRequest {
    pb::ListCasesRequest {
        query: "SIG".to_owned(),
        ..Default::default()
    }
}

/// The filter by tags, which lets every thing through.
fn of_all_kinds() -> pb::ListCasesRequest {
    let kinds = vocabulary::ReportKind::ALL.iter();
    pb::ListCasesRequest {
        kinds: kinds.map(|kind| vocabulary::Word::number(*kind)).collect(),
        ..Default::default()
    }
}

fn list(target: &str, request: pb::ListCasesRequest, scene: &Scene, person: &TokenSpec) -> Asked {
    let expected = references(scene, |thing| sees(person, thing));
    let hidden = references(scene, |thing| sees_contacts(person, thing) == Some(false));
    let names = sees_assignee(person);
    let request = pb::ListCasesRequest {
        page_size: 200,
        ..request
    };
    let shown = answer(move |response: pb::ListCasesResponse| {
        for case in &response.cases {
            if case.declarant.is_some() && hidden.contains(&case.reference) {
                return Err(format!("shows the contacts of {}", case.reference));
            }
            if !case.assignee.is_empty() && !names {
                return Err(format!("shows the assignee of {}", case.reference));
            }
        }
        let shown = response.cases.into_iter().map(|case| case.reference);
        exactly(&expected, &shown.collect())
    });
    Asked::of(target, &request, shown)
}
