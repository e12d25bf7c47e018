//! Reports, drafts, the form and structures.

use proto::intake::v1::{self as pb, DeclarantCapacity, submit_reports_response::Outcome};
use proto::types::v1::OperatorStatus;
use testkit::TokenSpec;
use tests::{MONTPELLIER, ransomware};
use tonic::Code;

use super::{
    Asked, Effect, Expected, Names, answer, any_answer, duty_dossiers, exactly, of_each_thing,
    references, request_id, structure_contacts,
};
use crate::scene::{MONTPELLIER_LEGAL_ENTITY, Scene, Thing};
use crate::visibility::{has, seen_as, sees, sees_contacts, sees_operator_status};

/// What to ask of an RPC of intake.
pub(crate) fn requests(
    service: &str,
    method: &str,
    scene: &Scene,
    person: &TokenSpec,
) -> Option<Vec<Asked>> {
    match service {
        "IntakeService" => reports(method, scene, person),
        "AmendmentService" => super::amendments::requests(method, scene, person),
        "DelegationService" => super::delegations::requests(method, scene, person),
        "DraftService" => super::drafts::requests(method, scene, person),
        "DutyDossierService" => duty_dossiers::requests(method, scene, person),
        "FormService" => form(method),
        "LinkService" => super::links::requests(method, scene, person),
        "ResolutionService" => resolutions(method, scene, person),
        "StructureContactService" => structure_contacts::requests(method, person),
        "StructureService" => structures(method, scene, person),
        "TimelineService" => timelines(method, scene, person),
        _ => None,
    }
}

/// What to ask about reports.
fn reports(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "CheckReport" => vec![check(person)],
        "SubmitReport" => vec![submit(person), date_back(person), on_behalf(person)],
        "SubmitReports" => vec![submit_many(person)],
        "WithdrawReport" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.report_id,
            |report_id| pb::WithdrawReportRequest {
                request_id: request_id(),
                report_id,
                reason: "Fausse alerte".to_owned(),
                // Nobody has seen it like this: who gets so far may withdraw.
                etag: "never".to_owned(),
            },
            |thing| {
                // Every role that may call this may withdraw whatever it sees, but for an
                // analyst: the cell entered nothing of all this.
                let roles = seen_as(person, thing);
                Expected::Refused(if roles.is_empty() {
                    Code::NotFound
                } else if roles.iter().all(|role| *role == "analyst") {
                    Code::PermissionDenied
                } else {
                    Code::Aborted
                })
            },
        ),
        "GetReport" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.report_id,
            |report_id| pb::GetReportRequest { report_id },
            |thing| report(person, thing),
        ),
        "ListReports" => vec![list(scene, person, ""), list(scene, person, "76")],
        _ => return None,
    })
}

/// What to ask about the form, which everybody reads.
fn form(method: &str) -> Option<Vec<Asked>> {
    Some(vec![match method {
        "GetForm" => {
            let shown = answer(|response: pb::GetFormResponse| {
                let sections = response.form.unwrap_or_default().sections;
                let is_there = !sections.is_empty();
                is_there.then_some(()).ok_or_else(|| "no form".to_owned())
            });
            Asked::of("a form", &pb::GetFormRequest::default(), shown)
        }
        "GetVocabulary" => {
            let shown = answer(|response: pb::GetVocabularyResponse| {
                let is_there = !response.enumerations.is_empty();
                is_there.then_some(()).ok_or_else(|| "no words".to_owned())
            });
            Asked::of("the words", &pb::GetVocabularyRequest::default(), shown)
        }
        _ => return None,
    }])
}

/// What to ask about the end of incidents.
fn resolutions(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "DeclareResolved" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.report_id,
            |report_id| pb::DeclareResolvedRequest {
                request_id: request_id(),
                report_id,
                // Nobody has seen it like this: who gets so far may declare it.
                etag: "never".to_owned(),
                resolved_at: ransomware(MONTPELLIER).found_at,
                how: "Postes réinstallés".to_owned(),
            },
            |thing| {
                // Every role that may call this may speak for whatever it sees.
                Expected::Refused(if sees(person, thing) {
                    Code::Aborted
                } else {
                    Code::NotFound
                })
            },
        ),
        _ => return None,
    })
}

/// What to ask about timelines.
fn timelines(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    let of_seen = |thing: &Thing, expected| {
        if sees(person, thing) {
            expected
        } else {
            Expected::Refused(Code::NotFound)
        }
    };
    Some(match method {
        "AddTimelineEntry" => {
            let additions = of_each_thing(
                scene,
                Names::Id,
                |thing| &thing.report_id,
                |report_id| pb::AddTimelineEntryRequest {
                    request_id: request_id(),
                    report_id,
                    happened_at: ransomware(MONTPELLIER).found_at,
                    text: "Serveurs éteints".to_owned(),
                },
                |thing| of_seen(thing, any_answer::<pb::AddTimelineEntryResponse>()),
            );
            let stored = |asked| Asked {
                effect: Effect::Stored,
                ..asked
            };
            additions.into_iter().map(stored).collect()
        }
        "ListTimeline" => of_each_thing(
            scene,
            Names::IdAndReference,
            |thing| &thing.report_id,
            |report_id| pb::ListTimelineRequest {
                report_id,
                ..Default::default()
            },
            |thing| of_seen(thing, any_answer::<pb::ListTimelineResponse>()),
        ),
        _ => return None,
    })
}

/// What to ask about structures.
fn structures(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "ImportStructures" => {
            let chunk = scene.directory.as_bytes().into();
            let again = answer(|loaded: pb::ImportStructuresResponse| {
                let same = loaded.unchanged == loaded.lines;
                same.then_some(()).ok_or_else(|| format!("{loaded:?}"))
            });
            let request = pb::ImportStructuresRequest {
                chunk,
                ..Default::default()
            };
            vec![Asked::of("what is loaded already", &request, again)]
        }
        "GetStructure" => {
            let get = |finess: &str| pb::GetStructureRequest {
                finess: finess.to_owned(),
            };
            let shown = status_is_shown(person);
            let known = answer(move |response: pb::GetStructureResponse| {
                status(&response.structure.unwrap_or_default(), shown)
            });
            let nowhere = Expected::Refused(Code::NotFound);
            vec![
                Asked::of("a structure", &get(MONTPELLIER), known),
                Asked::of("no structure", &get("010000024"), nowhere),
            ]
        }
        "SearchStructures" => {
            let request = pb::SearchStructuresRequest {
                query: "montpellier".to_owned(),
                ..Default::default()
            };
            let shown = status_is_shown(person);
            let found = answer(move |response: pb::SearchStructuresResponse| {
                let [structure] = &response.structures[..] else {
                    return Err(format!("{} structures", response.structures.len()));
                };
                status(structure, shown)
            });
            vec![Asked::of("a structure", &request, found)]
        }
        _ => return None,
    })
}

fn report(person: &TokenSpec, thing: &Thing) -> Expected {
    if !sees(person, thing) {
        return Expected::Refused(Code::NotFound);
    }
    let (wanted, reference) = (sees_contacts(person, thing), thing.reference.clone());
    answer(move |response: pb::GetReportResponse| {
        let report = response.report.ok_or("no report")?;
        let contacts = report.draft.ok_or("no draft")?.declarant.is_some();
        if report.reference != reference {
            Err(format!("shows {}", report.reference))
        } else if wanted.is_some_and(|wanted| wanted != contacts) {
            Err(format!("shows contacts: {contacts}"))
        } else {
            Ok(())
        }
    })
}

fn list(scene: &Scene, person: &TokenSpec, region: &'static str) -> Asked {
    let fits = |thing: &Thing| {
        // Also an army hospital's own are counted in their region.
        sees(person, thing) && (region.is_empty() || thing.region == region)
    };
    let expected = references(scene, fits);
    let request = pb::ListReportsRequest {
        page_size: 200,
        routing_region: region.to_owned(),
        ..Default::default()
    };
    let shown = answer(move |response: pb::ListReportsResponse| {
        let shown = response.reports.into_iter().map(|report| report.reference);
        exactly(&expected, &shown.collect())
    });
    Asked::of(format!("all, in region {region:?}"), &request, shown)
}

/// A draft as this person may send one.
fn draft(person: &TokenSpec) -> pb::ReportDraft {
    let capacity = if has(person, "declarant") {
        DeclarantCapacity::Director
    } else if has(person, "regional_agent") {
        DeclarantCapacity::Agency
    } else if has(person, "importer") {
        DeclarantCapacity::Importer
    } else {
        DeclarantCapacity::Director
    };
    pb::ReportDraft {
        capacity: capacity.into(),
        ..ransomware(MONTPELLIER)
    }
}

/// An agent enters reports of the structures of the own region only.
fn is_outside_the_region(person: &TokenSpec) -> bool {
    has(person, "regional_agent")
        && !has(person, "declarant")
        && person.region.as_deref() != Some("76")
}

/// Why a person may not declare on the structure of Occitanie, if so.
fn refusal(person: &TokenSpec) -> Option<&'static str> {
    let declares = ["declarant", "regional_agent", "importer", "prober"];
    if !declares.iter().any(|role| has(person, role)) {
        // An analyst enters what others declared, and nothing else.
        return Some("ON_BEHALF_REQUIRED");
    }
    is_outside_the_region(person).then_some("REGION_NOT_YOURS")
}

fn check(person: &TokenSpec) -> Asked {
    let request = pb::CheckReportRequest {
        draft: Some(draft(person)),
        ..Default::default()
    };
    let refusal = refusal(person);
    let refused = refusal.is_some();
    let checked = answer(move |response: pb::CheckReportResponse| {
        let reasons: Vec<_> = response.violations.iter().map(|it| &it.reason).collect();
        let expected: Vec<_> = refusal.into_iter().collect();
        if reasons == expected && response.consequences.is_some() != refused {
            Ok(())
        } else {
            Err(format!("violations {reasons:?}, expected {expected:?}"))
        }
    });
    Asked::of("a structure of Occitanie", &request, checked)
}

fn submit(person: &TokenSpec) -> Asked {
    let request = pb::SubmitReportRequest {
        request_id: request_id(),
        draft: Some(draft(person)),
        ..Default::default()
    };
    let expected = if refusal(person).is_some() {
        Expected::Refused(Code::PermissionDenied)
    } else {
        any_answer::<pb::SubmitReportResponse>()
    };
    Asked {
        effect: Effect::Stored,
        ..Asked::of("a structure of Occitanie", &request, expected)
    }
}

/// The same on a stream, where it is refused by its answer.
fn submit_many(person: &TokenSpec) -> Asked {
    let report = pb::SubmitReportRequest {
        request_id: request_id(),
        draft: Some(draft(person)),
        ..Default::default()
    };
    let request = pb::SubmitReportsRequest {
        report: Some(report),
    };
    let expected = refusal(person).unwrap_or_default();
    let answered = answer(move |response: pb::SubmitReportsResponse| {
        let reason = match &response.outcome {
            Some(Outcome::Receipt(_)) => "",
            Some(Outcome::Failure(failure)) => failure.reason.as_str(),
            None => "nothing",
        };
        if reason == expected {
            Ok(())
        } else {
            Err(format!("{reason:?}, expected {expected:?}"))
        }
    });
    Asked {
        effect: Effect::Stored,
        ..Asked::of("a structure of Occitanie", &request, answered)
    }
}

/// A past date is the importer's alone.
fn date_back(person: &TokenSpec) -> Asked {
    let draft = draft(person);
    let request = pb::SubmitReportRequest {
        request_id: request_id(),
        declared_at: draft.found_at,
        draft: Some(draft),
        ..Default::default()
    };
    let expected = if has(person, "importer") {
        any_answer::<pb::SubmitReportResponse>()
    } else {
        Expected::Refused(Code::PermissionDenied)
    };
    Asked {
        effect: Effect::Stored,
        ..Asked::of("a past date", &request, expected)
    }
}

/// What came by telephone is entered by the cell, and by the agency of the region.
fn on_behalf(person: &TokenSpec) -> Asked {
    let request = pb::SubmitReportRequest {
        request_id: request_id(),
        draft: Some(pb::ReportDraft {
            capacity: DeclarantCapacity::Director.into(),
            ..draft(person)
        }),
        on_behalf: Some(pb::OnBehalf {
            medium: pb::Medium::Telephone.into(),
            received_at: None,
        }),
        ..Default::default()
    };
    let of_the_region = has(person, "regional_agent") && person.region.as_deref() == Some("76");
    let expected = if has(person, "analyst") || of_the_region {
        any_answer::<pb::SubmitReportResponse>()
    } else {
        Expected::Refused(Code::PermissionDenied)
    };
    Asked {
        effect: Effect::Stored,
        ..Asked::of("what came by telephone", &request, expected)
    }
}

fn status_is_shown(person: &TokenSpec) -> bool {
    sees_operator_status(person, &[MONTPELLIER, MONTPELLIER_LEGAL_ENTITY], "76")
}

fn status(structure: &pb::Structure, shown: bool) -> Result<(), String> {
    let expected = if shown {
        OperatorStatus::Vital
    } else {
        OperatorStatus::Unspecified
    };
    if structure.operator_status() == expected && structure.finess == MONTPELLIER {
        Ok(())
    } else {
        Err(format!("shows {structure:?}, expected {expected:?}"))
    }
}
