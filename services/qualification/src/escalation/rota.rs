//! The rota: put whole, its people sealed and opened.

use platform::{Result, SealingKey};
use proto::qualification::v1::PutRotaResponse;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Call, Done, Sealed};
use sqlx::PgConnection;
use vocabulary::{EmailAddress, Line};

use super::{Person, Shift, people_purpose, request::RequestedShift, store};

/// A person as the sealed text holds it.
#[derive(Serialize, Deserialize)]
struct SealedPerson {
    name: String,
    email: String,
    subject: Option<String>,
}

/// Puts a rota in the place of the one there is, but for what is over of it.
pub(super) async fn put(
    conn: &mut PgConnection,
    call: &Call,
    master_key: &SealingKey,
    shifts: &[RequestedShift],
) -> Result<Done<PutRotaResponse>> {
    let mut shifts = sealed(master_key, shifts);
    shifts.retain(|shift| shift.ends_at > call.at);
    store::put_rota(conn, &shifts).await?;
    let count = u32::try_from(shifts.len()).expect("a rota has at most 1,000 shifts");
    Ok(Done {
        answer: PutRotaResponse { shifts: count },
        events: Vec::new(),
        detail: json!({ "shifts": count }),
    })
}

/// Seals a rota under a key of its own.
fn sealed(master_key: &SealingKey, shifts: &[RequestedShift]) -> Vec<Shift> {
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
