//! Accompaniment (accompagnement) of a structure: asked for, offered, answered, given, ended.

mod decide;
mod events;
mod request;
mod response;
mod rpc;
mod store;
mod transitions;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{AccompanimentGiver, AccompanimentState, Line, Region, Role, Text, fold};

pub(crate) use self::rpc::AccompanimentRpc;

/// The name of a support body or of a provider.
type GiverName = Line<1, 200>;

/// What the sides say of it.
type Words = Text<1, 4_000>;

/// Accompaniment, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Accompaniment {
    /// Derived from who opened it and the request.
    id: Uuid,
    case_id: Uuid,
    /// Its place among that of the case, from 1.
    number: u64,
    /// Counts the changes, from 1.
    revision: u64,
    state: AccompanimentState,
    /// Who accompanies; `None` before an offer.
    giver: Option<AccompanimentGiver>,
    /// The region of the agency that accompanies.
    giver_region: Option<Region>,
    asked_at: Option<OffsetDateTime>,
    offered_at: Option<OffsetDateTime>,
    answered_at: Option<OffsetDateTime>,
    begun_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
    /// Who changed it last, and when.
    actor: Person,
    changed_at: OffsetDateTime,
    /// `None` once the personal data of the report are erased.
    texts: Option<Texts>,
}

impl Accompaniment {
    /// Whether it is to be answered, begun or ended yet.
    fn is_open(&self) -> bool {
        use AccompanimentState::{Accepted, Asked, Given, Offered};
        matches!(self.state, Asked | Offered | Accepted | Given)
    }

    /// Whether this very giver gives it.
    fn is_by(&self, giver: &Giver) -> bool {
        let name = self.texts.as_ref().map_or("", |texts| &texts.giver_name);
        self.giver == Some(giver.kind)
            && self.giver_region == giver.region
            && fold(name) == fold(giver.name_or_empty())
    }
}

/// The texts of accompaniment, which rest sealed; empty where nothing was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Texts {
    giver_name: String,
    need: String,
    offer: String,
    answer: String,
    outcome: String,
}

/// Who accompanies, in person.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Giver {
    kind: AccompanimentGiver,
    /// Of an agency.
    region: Option<Region>,
    /// Of a support body or a provider.
    name: Option<GiverName>,
}

impl Giver {
    fn name_or_empty(&self) -> &str {
        self.name.as_ref().map_or("", GiverName::as_str)
    }
}

/// Somebody who acts, in a role.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Person {
    role: Role,
    subject: String,
}

/// Binds the sealed texts to their accompaniment.
fn purpose(id: Uuid) -> Vec<u8> {
    [b"accompaniment:".as_slice(), id.as_bytes()].concat()
}
