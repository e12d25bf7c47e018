//! The exchanges on a case, and the notes internal to one organisation.

use proto::qualification::v1 as pb;
use testkit::TokenSpec;
use tonic::Code;

use super::{
    Asked, Effect, Expected, Names, any_answer, of_each_thing, qualification::of_seen, request_id,
};
use crate::scene::{Scene, Thing};
use crate::visibility::{seen_as, sees};

/// What to ask about messages: everybody admitted may write to the structure on what they see,
/// and those of an organisation among themselves.
pub(crate) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    Some(match method {
        "PostMessage" => {
            let posted = any_answer::<pb::PostMessageResponse>;
            let mut posts = posts(scene, pb::Audience::Structure, |thing| {
                of_seen(person, thing, posted())
            });
            posts.extend(posts_of_notes(scene, person));
            let stored = |asked| Asked {
                effect: Effect::Stored,
                ..asked
            };
            posts.into_iter().map(stored).collect()
        }
        "ListMessages" => {
            let listed = any_answer::<pb::ListMessagesResponse>;
            let mut lists = lists(scene, false, |thing| of_seen(person, thing, listed()));
            lists.extend(lists_of_notes(scene, person));
            lists
        }
        // A message that nobody posted cannot be told from one on a hidden case.
        "MarkMessagesRead" => of_each_thing(
            scene,
            Names::Id,
            |thing| &thing.case_id,
            |case_id| pb::MarkMessagesReadRequest {
                request_id: request_id(),
                case_id,
                message_id: request_id(),
            },
            |_| Expected::Refused(Code::NotFound),
        ),
        _ => return None,
    })
}

fn posts(
    scene: &Scene,
    audience: pb::Audience,
    expected: impl Fn(&Thing) -> Expected,
) -> Vec<Asked> {
    of_each_thing(
        scene,
        Names::Id,
        |thing| &thing.case_id,
        |case_id| pb::PostMessageRequest {
            request_id: request_id(),
            case_id,
            audience: audience.into(),
            text: "Où en êtes-vous ?".to_owned(),
        },
        expected,
    )
}

fn posts_of_notes(scene: &Scene, person: &TokenSpec) -> Vec<Asked> {
    posts(scene, pb::Audience::Internal, |thing| {
        notes(person, thing, any_answer::<pb::PostMessageResponse>())
    })
}

fn lists(scene: &Scene, internal: bool, expected: impl Fn(&Thing) -> Expected) -> Vec<Asked> {
    of_each_thing(
        scene,
        Names::IdAndReference,
        |thing| &thing.case_id,
        |case_id| pb::ListMessagesRequest {
            case_id,
            internal,
            ..Default::default()
        },
        expected,
    )
}

fn lists_of_notes(scene: &Scene, person: &TokenSpec) -> Vec<Asked> {
    let all = lists(scene, true, |thing| {
        notes(person, thing, any_answer::<pb::ListMessagesResponse>())
    });
    // Another way of asking: it leaves another row.
    let named = all.into_iter().map(|asked| Asked {
        target: format!("{} of notes", asked.target),
        ..asked
    });
    named.collect()
}

/// Who sees a case for an organisation has notes on it; who sees it as a declarant has none.
fn notes(person: &TokenSpec, thing: &Thing, expected: Expected) -> Expected {
    let organised = ["analyst", "security_officer", "regional_agent"];
    let roles = seen_as(person, thing);
    if roles.iter().any(|role| organised.contains(role)) {
        expected
    } else if sees(person, thing) {
        Expected::Refused(Code::PermissionDenied)
    } else {
        Expected::Refused(Code::NotFound)
    }
}
