//! Delegations: those whom their token links to the structure, and its agency, get as far as
//! being told that nobody delegates to himself.

use prost_types::Timestamp;
use proto::intake::v1 as pb;
use testkit::TokenSpec;
use tests::{MONTPELLIER, ROUEN};
use tonic::Code;
use uuid::Uuid;

use super::{Asked, Expected, any_answer, request_id};
use crate::scene::{MONTPELLIER_LEGAL_ENTITY, Scene};
use crate::visibility::has;

/// What to ask about delegations.
pub(super) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "GrantDelegation" => {
            let request = pb::GrantDelegationRequest {
                request_id: request_id(),
                finess: MONTPELLIER.to_owned(),
                delegate: person.subject.clone(),
                delegate_name: "Soi-même".to_owned(),
                valid_from: None,
                valid_until: Some(Timestamp {
                    seconds: 4_000_000_000,
                    nanos: 0,
                }),
            };
            let refused = if delegates(person) {
                Code::InvalidArgument
            } else {
                Code::PermissionDenied
            };
            vec![Asked::of(
                "to oneself",
                &request,
                Expected::Refused(refused),
            )]
        }
        "EndDelegation" => {
            let nothing = Uuid::now_v7().to_string();
            let none = ("nobody", nothing);
            let all = scene.delegations.iter().chain([&none]);
            all.map(|(finess, delegation_id)| {
                let request = pb::EndDelegationRequest {
                    request_id: request_id(),
                    delegation_id: delegation_id.clone(),
                };
                // It has ended: who gets so far may end it.
                let refused = if delegates_for(person, finess) {
                    Code::FailedPrecondition
                } else {
                    Code::NotFound
                };
                let target = format!("that of {finess} by id");
                Asked::of(target, &request, Expected::Refused(refused)).named(delegation_id)
            })
            .collect()
        }
        "ListDelegations" => {
            let of = |finess: &str| pb::ListDelegationsRequest {
                finess: finess.to_owned(),
                ..Default::default()
            };
            let of_structure = if delegates(person) {
                any_answer::<pb::ListDelegationsResponse>()
            } else {
                Expected::Refused(Code::PermissionDenied)
            };
            let own = any_answer::<pb::ListDelegationsResponse>();
            vec![
                Asked::of("those of a structure", &of(MONTPELLIER), of_structure),
                Asked::of("those to oneself", &of(""), own),
            ]
        }
        _ => return None,
    })
}

/// Whether a person delegates for the hospital of Montpellier.
fn delegates(person: &TokenSpec) -> bool {
    delegates_for(person, MONTPELLIER)
}

/// Whether a person delegates for a hospital of the scene.
fn delegates_for(person: &TokenSpec, finess: &str) -> bool {
    let (keys, region) = match finess {
        MONTPELLIER => (&[MONTPELLIER, MONTPELLIER_LEGAL_ENTITY][..], "76"),
        ROUEN => (&[ROUEN][..], "28"),
        _ => return false,
    };
    let own = |finess: &&str| person.structures.contains(&format!("finess:{finess}"));
    (has(person, "declarant") && keys.iter().any(own))
        || (has(person, "regional_agent") && person.region.as_deref() == Some(region))
}
