//! Delegations: those whom their token links to the structure, and its agency, get as far as
//! being told that nobody delegates to himself.

use prost_types::Timestamp;
use proto::intake::v1 as pb;
use testkit::TokenSpec;
use tests::MONTPELLIER;
use tonic::Code;
use uuid::Uuid;

use super::{Asked, Expected, any_answer, request_id};
use crate::scene::MONTPELLIER_LEGAL_ENTITY;
use crate::visibility::has;

/// What to ask about delegations.
pub(super) fn requests(method: &str, person: &TokenSpec) -> Option<Vec<Asked>> {
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
            let request = pb::EndDelegationRequest {
                request_id: request_id(),
                delegation_id: nothing.clone(),
            };
            let expected = Expected::Refused(Code::NotFound);
            vec![Asked::of("nothing by id", &request, expected).named(&nothing)]
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
    let own = |finess: &&str| person.structures.contains(&format!("finess:{finess}"));
    let directs = [MONTPELLIER, MONTPELLIER_LEGAL_ENTITY].iter().any(own);
    (has(person, "declarant") && directs)
        || (has(person, "regional_agent") && person.region.as_deref() == Some("76"))
}
