//! What to ask of each RPC, and what whoever may call it must hear.

mod accompaniment;
mod amendments;
mod care;
mod delegations;
mod drafts;
mod duty_dossiers;
mod escalation;
mod eventlog;
mod information;
mod intake;
mod links;
mod measures;
mod messages;
mod notification;
mod qualification;
mod statistics;
mod structure_contacts;
mod workbench;

use std::collections::BTreeSet;

use prost::Message;
use prost::bytes::Bytes;
use testkit::TokenSpec;
use tonic::Code;
use uuid::Uuid;
use vocabulary::ReferenceCipher;

use crate::contract::Rpc;
use crate::scene::{Scene, Thing};
use crate::wire::Sent;

/// One thing to ask.
pub(crate) struct Asked {
    /// What it is about.
    pub(crate) target: String,
    /// The name of the thing as it is written in the request, where it names one.
    pub(crate) name: Option<String>,
    /// What is sent.
    pub(crate) sent: Sent,
    /// What a caller whose role is admitted hears.
    pub(crate) expected: Expected,
    /// Whether an answer leaves something behind.
    pub(crate) effect: Effect,
}

/// What a caller must hear.
pub(crate) enum Expected {
    /// A refusal.
    Refused(Code),
    /// An answer that this finds nothing wrong with.
    Answer(Check),
}

/// Finds what is wrong with the messages of an answer.
pub(crate) type Check = Box<dyn Fn(&[Bytes]) -> Result<(), String>>;

/// What an answer leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing but a line in the audit trail.
    None,
    /// Something new that others see.
    Stored,
}

/// What to ask of an RPC; nothing when nobody wrote a request for it.
pub(crate) fn requests(rpc: &Rpc, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    let name = rpc.name();
    let (service, method) = name.split_once('/')?;
    // Whoever has several roles acts in those that the contract names for the call.
    let named = person.roles.iter().filter(|role| rpc.roles.contains(*role));
    let person = &TokenSpec {
        roles: named.cloned().collect(),
        ..person.clone()
    };
    let package = rpc.service.trim_start_matches("vigie.").split('.').next()?;
    match package {
        "intake" => intake::requests(service, method, scene, person),
        "qualification" => qualification::requests(service, method, scene, person),
        "notification" => notification::requests(service, method, scene, person),
        "statistics" => statistics::requests(method, scene, person),
        "eventlog" => eventlog::requests(service, method),
        _ => None,
    }
}

impl Asked {
    fn of(target: impl Into<String>, message: &impl Message, expected: Expected) -> Self {
        Self {
            target: target.into(),
            name: None,
            sent: Sent {
                messages: vec![message.encode_to_vec().into()],
                until: |_| false,
            },
            expected,
            effect: Effect::None,
        }
    }

    fn named(self, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..self
        }
    }
}

/// Which names of a thing an RPC takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Id,
    IdAndReference,
}

/// The same request about everything there is, and about something that is not.
fn of_each_thing<M: Message>(
    scene: &Scene,
    names: Names,
    id: impl Fn(&Thing) -> &str,
    request: impl Fn(String) -> M,
    expected: impl Fn(&Thing) -> Expected,
) -> Vec<Asked> {
    let mut all = Vec::new();
    let mut ask = |target: String, name: &str, expected: Expected| {
        all.push(Asked::of(target, &request(name.to_owned()), expected).named(name));
    };
    let nowhere = || Expected::Refused(Code::NotFound);
    for thing in &scene.things {
        ask(format!("{} by id", thing.label), id(thing), expected(thing));
    }
    ask(
        "nothing by id".to_owned(),
        &Uuid::now_v7().to_string(),
        nowhere(),
    );
    if names == Names::IdAndReference {
        for thing in &scene.things {
            let target = format!("{} by reference", thing.label);
            ask(target, &thing.reference, expected(thing));
        }
        let unknown = ReferenceCipher::new([7; 32]).reference(2020, 1);
        ask(
            "nothing by reference".to_owned(),
            &unknown.to_string(),
            nowhere(),
        );
    }
    all
}

/// The same request about the one thing of its kind there is, which belongs to the first
/// thing of the scene, and about what is none.
fn of_one_thing<M: Message>(
    scene: &Scene,
    id: &str,
    expected: impl Fn() -> Expected,
    request: impl Fn(String) -> M,
) -> Vec<Asked> {
    let ask = |target: &str, id: &str, expected| {
        Asked::of(target, &request(id.to_owned()), expected).named(id)
    };
    let nowhere = || Expected::Refused(Code::NotFound);
    vec![
        ask("the one by id", id, expected()),
        ask("a case by id", &scene.things[0].case_id, nowhere()),
        ask("nothing by id", &Uuid::now_v7().to_string(), nowhere()),
    ]
}

/// An answer of this type that this finds nothing wrong with.
fn answer<M: Message + Default>(check: impl Fn(M) -> Result<(), String> + 'static) -> Expected {
    Expected::Answer(Box::new(move |messages| {
        let [message] = messages else {
            return Err(format!("{} messages", messages.len()));
        };
        check(M::decode(message.clone()).map_err(|error| error.to_string())?)
    }))
}

/// An answer of this type, whatever it says.
fn any_answer<M: Message + Default>() -> Expected {
    answer(|_: M| Ok(()))
}

/// The references of what fits.
fn references(scene: &Scene, fits: impl Fn(&Thing) -> bool) -> BTreeSet<String> {
    let fitting = scene.things.iter().filter(|thing| fits(thing));
    fitting.map(|thing| thing.reference.clone()).collect()
}

/// Finds what is shown beyond or below what is expected.
fn exactly(expected: &BTreeSet<String>, shown: &BTreeSet<String>) -> Result<(), String> {
    if expected == shown {
        Ok(())
    } else {
        Err(format!("shows {shown:?}, expected {expected:?}"))
    }
}

fn request_id() -> String {
    Uuid::now_v7().to_string()
}
