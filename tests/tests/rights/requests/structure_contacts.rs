//! Contacts of structures.

use prost::Message;
use proto::intake::v1 as pb;
use testkit::TokenSpec;
use tests::{MONTPELLIER, ROUEN};
use tonic::Code;

use super::{Asked, Expected, any_answer, request_id};
use crate::scene::{ARMY_HOSPITAL, MONTPELLIER_LEGAL_ENTITY};
use crate::visibility::has;

/// The structures of the directory, each with its numbers and its region.
const STRUCTURES: [(&[&str], &str); 3] = [
    (&[MONTPELLIER, MONTPELLIER_LEGAL_ENTITY], "76"),
    (&[ROUEN], "28"),
    (&[ARMY_HOSPITAL], "76"),
];
/// Sites that the directory does not know.
const UNKNOWN: [&str; 2] = ["010000024", "2A0000014"];

/// What to ask about the contacts of structures.
pub(super) fn requests(method: &str, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "SetStructureContacts" => of_each_structure(
            |finess| pb::SetStructureContactsRequest {
                request_id: request_id(),
                finess,
                // Nobody has seen them like this: who gets so far may change them.
                etag: "never".to_owned(),
                ..Default::default()
            },
            |numbers, region| {
                Expected::Refused(if keeps(person, numbers, region) {
                    Code::Aborted
                } else {
                    Code::NotFound
                })
            },
        ),
        "GetStructureContacts" => of_each_structure(
            |finess| pb::GetStructureContactsRequest { finess },
            |numbers, region| {
                let national = ["analyst", "security_officer"];
                if national.iter().any(|role| has(person, role)) || keeps(person, numbers, region) {
                    any_answer::<pb::GetStructureContactsResponse>()
                } else {
                    Expected::Refused(Code::NotFound)
                }
            },
        ),
        _ => return None,
    })
}

/// Declarants keep the contacts of their own structures, agents those of their region.
fn keeps(person: &TokenSpec, numbers: &[&str], region: &str) -> bool {
    let own = |finess: &&str| person.structures.contains(&format!("finess:{finess}"));
    (has(person, "declarant") && numbers.iter().any(own))
        || (has(person, "regional_agent") && person.region.as_deref() == Some(region))
}

fn of_each_structure<M: Message>(
    request: impl Fn(String) -> M,
    expected: impl Fn(&[&str], &str) -> Expected,
) -> Vec<Asked> {
    let ask = |target: &str, finess: &str, expected| {
        let asked = Asked::of(target, &request(finess.to_owned()), expected);
        asked.named(finess)
    };
    let known = STRUCTURES.iter().map(|(numbers, region)| {
        let expected = expected(numbers, region);
        ask("a structure by finess", numbers[0], expected)
    });
    let unknown = UNKNOWN.iter().map(|finess| {
        let nowhere = Expected::Refused(Code::NotFound);
        ask("nothing by finess", finess, nowhere)
    });
    known.chain(unknown).collect()
}
