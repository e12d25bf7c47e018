//! The people of the rota, sealed and opened.

use platform::SealingKey;
use serde::{Deserialize, Serialize};
use service::Sealed;
use vocabulary::{EmailAddress, Line};

use super::{Person, Shift, people_purpose, request::RequestedShift};

/// A person as the sealed text holds it.
#[derive(Serialize, Deserialize)]
struct SealedPerson {
    name: String,
    email: String,
    subject: Option<String>,
}

/// Seals a rota under a key of its own.
pub(super) fn sealed(master_key: &SealingKey, shifts: &[RequestedShift]) -> Vec<Shift> {
    let (key, data_key) = master_key.new_data_key();
    let shifts = (1..).zip(shifts).map(|(number, shift)| {
        let people = shift.people.iter().map(|person| SealedPerson {
            name: person.name.as_str().to_owned(),
            email: person.email.expose().to_owned(),
            subject: person.subject.as_ref().map(|it| it.as_str().to_owned()),
        });
        let people: Vec<_> = people.collect();
        let text = serde_json::to_vec(&people).expect("texts have a form in JSON");
        Shift {
            number,
            starts_at: shift.starts_at,
            ends_at: shift.ends_at,
            people: Sealed {
                sealed: key.seal(&people_purpose(shift.starts_at), &text),
                data_key: data_key.clone(),
            },
        }
    });
    shifts.collect()
}

/// Opens the people of a shift; `None` when they do not open, which is logged.
pub(super) fn people(master_key: &SealingKey, shift: &Shift) -> Option<Vec<Person>> {
    let opened = shift
        .people
        .open(master_key, &people_purpose(shift.starts_at));
    if opened.is_err() {
        tracing::error!(
            shift.number,
            "a shift of the rota does not open: is the master key the one of this installation?",
        );
    }
    let people: Vec<SealedPerson> = serde_json::from_slice(&opened.ok()?).ok()?;
    let people = people.into_iter().map(|person| Person {
        name: Line::from_db(&person.name),
        email: EmailAddress::from_db(&person.email),
        subject: person.subject.as_deref().map(Line::from_db),
    });
    Some(people.collect())
}
