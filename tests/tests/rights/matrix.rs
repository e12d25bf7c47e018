//! Runs every combination and collects what does not come out as it must.

use futures::{StreamExt as _, stream};
use prost::bytes::Bytes;
use testkit::{Defect, TokenSpec};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::contract::Rpc;
use crate::people;
use crate::requests::{Asked, Effect, Expected, requests};
use crate::scene::Scene;
use crate::wire::{self, Sent};

/// How many calls run at once.
const AT_ONCE: usize = 24;

/// One call, and what must come of it.
pub(crate) struct Trial {
    /// The service whose public listener is called.
    host: &'static str,
    path: String,
    /// Who calls, and about what.
    story: String,
    token: Option<String>,
    sent: Sent,
    expected: Expected,
    effect: Effect,
}

impl Trial {
    /// Whether it leaves something behind when it comes out as it must.
    pub(crate) fn stores(&self) -> bool {
        self.effect == Effect::Stored && matches!(self.expected, Expected::Answer(_))
    }
}

/// Every RPC where it is served, by everybody, about everything.
pub(crate) fn by_everybody(rpcs: &[Rpc], people: &[TokenSpec], scene: &Scene) -> Vec<Trial> {
    let mut trials = Vec::new();
    for person in people {
        let token = scene.token(person);
        for rpc in rpcs.iter().filter(|rpc| !rpc.is_internal()) {
            for host in rpc.hosts() {
                for asked in asked(rpc, scene, person) {
                    trials.push(Trial {
                        host,
                        path: rpc.path(),
                        story: format!("{} asks {}", person.subject, asked.target),
                        token: Some(token.clone()),
                        sent: asked.sent,
                        expected: admitted(rpc, person, asked.expected),
                        effect: asked.effect,
                    });
                }
            }
        }
    }
    trials
}

/// Every RPC where it is served, without a token, which only those that are open to anyone
/// answer, and with every defect of a token that would otherwise say each of the roles.
pub(crate) fn with_bad_tokens(rpcs: &[Rpc], roles: &[String], scene: &Scene) -> Vec<Trial> {
    let mut tokens = vec![("nobody".to_owned(), None)];
    for role in roles {
        let person = people::with_role(role);
        for defect in Defect::ALL {
            let token = scene.env.suite.issuer.bad_token(&person, defect);
            tokens.push((format!("{role} with {defect:?}"), Some(token)));
        }
    }
    let mut trials = Vec::new();
    for rpc in rpcs {
        let anyone = people::with_role("anyone");
        for host in rpc.hosts() {
            for (story, token) in &tokens {
                let first = asked(rpc, scene, &anyone).swap_remove(0);
                let expected = match token {
                    _ if rpc.is_internal() => Expected::Refused(Code::Unimplemented),
                    // A bad token is refused also where none is asked for.
                    None if rpc.is_open() => first.expected,
                    _ => Expected::Refused(Code::Unauthenticated),
                };
                trials.push(Trial {
                    host,
                    path: rpc.path(),
                    story: story.clone(),
                    token: token.clone(),
                    sent: first.sent,
                    expected,
                    effect: first.effect,
                });
            }
        }
    }
    trials
}

/// Every RPC on the public listeners that do not serve it, by every role: what is for
/// services is served on none of them, whatever a token says.
pub(crate) fn elsewhere(rpcs: &[Rpc], roles: &[String], scene: &Scene) -> Vec<Trial> {
    let mut trials = Vec::new();
    for role in roles {
        let person = people::with_role(role);
        let token = scene.token(&person);
        for rpc in rpcs {
            for host in dev::SERVICES {
                if !rpc.is_internal() && rpc.hosts().contains(&host) {
                    continue;
                }
                let first = asked(rpc, scene, &person).swap_remove(0);
                let nowhere = Expected::Refused(Code::Unimplemented);
                let expected = if rpc.is_internal() {
                    nowhere
                } else {
                    admitted(rpc, &person, nowhere)
                };
                trials.push(Trial {
                    host,
                    path: rpc.path(),
                    story: person.subject.clone(),
                    token: Some(token.clone()),
                    sent: first.sent,
                    expected,
                    effect: first.effect,
                });
            }
        }
    }
    trials
}

/// Makes the calls, and tells of each that did not come out as it must.
pub(crate) async fn run(trials: &[Trial], scene: &Scene) -> Vec<String> {
    let channels = dev::SERVICES.map(|host| {
        let address = scene.env.suite.addresses(host).public;
        (host, wire::channel(address))
    });
    let calls = trials.iter().map(|trial| {
        let channel = channels.iter().find(|(host, _)| *host == trial.host);
        let channel = channel.expect("every service has a channel").1.clone();
        call(trial, channel)
    });
    let outcomes = stream::iter(calls).buffer_unordered(AT_ONCE);
    outcomes
        .filter_map(async |deviation| deviation)
        .collect()
        .await
}

async fn call(trial: &Trial, channel: Channel) -> Option<String> {
    let token = trial.token.as_deref();
    let outcome = wire::call(&channel, &trial.path, &trial.sent, token).await;
    let deviation = deviation(&trial.expected, outcome)?;
    Some(format!(
        "{} at {}, {}: {deviation}",
        trial.path, trial.host, trial.story
    ))
}

/// What is wrong with an outcome.
pub(crate) fn deviation(
    expected: &Expected,
    outcome: Result<Vec<Bytes>, Status>,
) -> Option<String> {
    match (expected, outcome) {
        (Expected::Refused(code), Err(status)) if status.code() == *code => None,
        (Expected::Refused(code), Err(status)) => Some(format!("{status}, expected {code:?}")),
        (Expected::Refused(code), Ok(_)) => Some(format!("ALLOWED, expected {code:?}")),
        (Expected::Answer(check), Ok(messages)) => check(&messages).err(),
        (Expected::Answer(_), Err(status)) => Some(format!("{status}, expected an answer")),
    }
}

/// What a person hears whose role the contract may not name.
fn admitted(rpc: &Rpc, person: &TokenSpec, expected: Expected) -> Expected {
    if rpc.is_open() || person.roles.iter().any(|role| rpc.roles.contains(role)) {
        expected
    } else {
        Expected::Refused(Code::PermissionDenied)
    }
}

fn asked(rpc: &Rpc, scene: &Scene, person: &TokenSpec) -> Vec<Asked> {
    requests(rpc, scene, person)
        .filter(|asked| !asked.is_empty())
        .unwrap_or_else(|| panic!("nobody wrote a request for {}", rpc.path()))
}
