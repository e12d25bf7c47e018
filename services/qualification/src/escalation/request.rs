//! Requests about the rota and decisions, strictly read: every violation is told at once.

use platform::{Result, Violations};
use proto::qualification::v1 as pb;
use serde_json::{Value, json};
use service::Fields;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{EmailAddress, Line};

use super::{DecisionText, Person, decide};

/// How many shifts a rota has at the most.
const MOST_SHIFTS: usize = 1_000;
/// How many people a shift has at the most.
const MOST_PEOPLE: usize = 20;

/// A shift as it was asked for.
pub(super) struct RequestedShift {
    pub(super) starts_at: OffsetDateTime,
    pub(super) ends_at: OffsetDateTime,
    pub(super) people: Vec<Person>,
}

/// Reads a rota, the earliest shift first.
pub(super) fn rota(request: pb::PutRotaRequest) -> Result<(Uuid, Vec<RequestedShift>)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    if request.shifts.len() > MOST_SHIFTS {
        fields.refuse("shifts", "TOO_MANY", "Au plus 1 000 tours.");
        return Err(violations.into());
    }
    let shifts = request.shifts.into_iter().enumerate();
    let mut shifts: Vec<_> = shifts
        .filter_map(|(index, it)| shift(&mut fields.within(&format!("shifts[{index}]")), it))
        .collect();
    let spans: Vec<_> = shifts.iter().map(|it| (it.starts_at, it.ends_at)).collect();
    if violations.is_empty() {
        let mut fields = Fields::new("", &mut violations);
        for index in decide::overlapping(&spans) {
            let why = "Ce tour commence avant la fin d'un autre.";
            fields.refuse(&format!("shifts[{index}].starts_at"), "CONFLICT", why);
        }
    }
    shifts.sort_by_key(|shift| shift.starts_at);
    match request_id {
        Some(request_id) if violations.is_empty() => Ok((request_id, shifts)),
        _ => Err(violations.into()),
    }
}

/// Reads a shift; `None` with a violation that says why not.
fn shift(fields: &mut Fields<'_>, shift: pb::RotaShift) -> Option<RequestedShift> {
    if shift.starts_at.is_none() {
        fields.missing("starts_at");
    }
    if shift.ends_at.is_none() {
        fields.missing("ends_at");
    }
    let starts_at = fields.moment("starts_at", shift.starts_at.as_ref());
    let ends_at = fields.moment("ends_at", shift.ends_at.as_ref());
    let span = starts_at.zip(ends_at);
    if span.is_some_and(|(starts_at, ends_at)| ends_at <= starts_at) {
        let why = "Un tour se termine après avoir commencé.";
        fields.refuse("ends_at", "OUT_OF_RANGE", why);
    }
    if shift.people.is_empty() {
        fields.refuse("people", "REQUIRED", "Il faut quelqu'un à appeler.");
    }
    if shift.people.len() > MOST_PEOPLE {
        fields.refuse("people", "TOO_MANY", "Au plus 20 personnes.");
        return None;
    }
    let people = shift.people.into_iter().enumerate();
    let people: Vec<_> = people
        .filter_map(|(index, it)| person(&mut fields.within(&format!("people[{index}]")), it))
        .collect();
    let (starts_at, ends_at) = span?;
    Some(RequestedShift {
        starts_at,
        ends_at,
        people,
    })
}

fn person(fields: &mut Fields<'_>, person: pb::RotaPerson) -> Option<Person> {
    let name: Option<Line<1, 200>> = fields.required_text("name", person.name);
    let email: Option<EmailAddress> = fields.required_identifier("email", &person.email);
    let subject = fields.text("subject", person.subject);
    Some(Person {
        name: name?,
        email: email?,
        subject,
    })
}

/// A decision as it was asked to be recorded.
pub(super) struct Record {
    pub(super) case_id: Uuid,
    pub(super) text: DecisionText,
}

/// Reads a request to record a decision.
pub(super) fn record(request: pb::RecordDecisionRequest) -> Result<(Uuid, Record)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let case_id = fields.uuid("case_id", &request.case_id);
    let text = fields.required_text("text", request.text);
    match (request_id, case_id, text) {
        (Some(request_id), Some(case_id), Some(text)) => Ok((request_id, Record { case_id, text })),
        _ => Err(violations.into()),
    }
}

/// What a rota asks for, however it was spelt.
pub(super) fn content(shifts: &[RequestedShift]) -> Value {
    let shifts = shifts.iter().map(|shift| {
        let people = shift.people.iter().map(|person| {
            let subject = person.subject.as_ref().map(Line::as_str);
            json!([person.name.as_str(), person.email.expose(), subject])
        });
        let span = [shift.starts_at, shift.ends_at];
        let span = span.map(|at| at.unix_timestamp_nanos().to_string());
        json!([span, people.collect::<Vec<_>>()])
    });
    shifts.collect()
}

#[cfg(test)]
mod tests {
    use servicetest::violations;
    use tonic::Status;

    use super::*;

    fn at(seconds: i64) -> prost_types::Timestamp {
        prost_types::Timestamp { seconds, nanos: 0 }
    }

    fn shift(starts: i64, ends: i64) -> pb::RotaShift {
        pb::RotaShift {
            starts_at: Some(at(starts)),
            ends_at: Some(at(ends)),
            people: vec![pb::RotaPerson {
                name: "Camille Roux".to_owned(),
                email: "camille@example.org".to_owned(),
                subject: String::new(),
            }],
        }
    }

    fn read(shifts: Vec<pb::RotaShift>) -> Result<Vec<RequestedShift>> {
        let request_id = Uuid::from_u128(7).to_string();
        rota(pb::PutRotaRequest { request_id, shifts }).map(|(_, shifts)| shifts)
    }

    fn refused(shifts: Vec<pb::RotaShift>) -> Vec<(String, String)> {
        let error = read(shifts).err().expect("it is refused");
        violations(&Status::from(error))
    }

    fn violation(field: &str, reason: &str) -> (String, String) {
        (field.to_owned(), reason.to_owned())
    }

    #[test]
    fn shifts_are_read_in_their_order_and_may_touch() {
        let shifts = read(vec![shift(200, 300), shift(100, 200)]).unwrap();
        let starts: Vec<_> = shifts
            .iter()
            .map(|it| it.starts_at.unix_timestamp())
            .collect();
        assert_eq!(starts, [100, 200]);
        assert!(read(Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn every_violation_is_told_with_its_field() {
        let nobody = pb::RotaShift {
            people: Vec::new(),
            ..shift(0, 100)
        };
        let backwards = shift(300, 200);
        let endless = pb::RotaShift {
            ends_at: None,
            ..shift(400, 500)
        };
        let mut strange = shift(600, 700);
        strange.people.push(pb::RotaPerson {
            email: "nobody".to_owned(),
            ..Default::default()
        });
        assert_eq!(
            refused(vec![nobody, backwards, endless, strange]),
            [
                violation("shifts[0].people", "REQUIRED"),
                violation("shifts[1].ends_at", "OUT_OF_RANGE"),
                violation("shifts[2].ends_at", "REQUIRED"),
                violation("shifts[3].people[1].name", "REQUIRED"),
                violation("shifts[3].people[1].email", "BAD_FORMAT"),
            ]
        );
    }

    #[test]
    fn the_later_of_two_shifts_that_overlap_is_named() {
        let shifts = vec![shift(500, 600), shift(0, 100), shift(99, 200)];
        assert_eq!(
            refused(shifts),
            [violation("shifts[2].starts_at", "CONFLICT")]
        );
    }

    #[test]
    fn a_rota_has_a_thousand_shifts_at_the_most() {
        let shifts =
            |count| -> Vec<_> { (0..count).map(|it| shift(it * 10, it * 10 + 10)).collect() };
        assert_eq!(read(shifts(1_000)).unwrap().len(), 1_000);
        assert_eq!(refused(shifts(1_001)), [violation("shifts", "TOO_MANY")]);
    }
}
