//! Whom to reach at a structure, kept before anything happens.

use std::collections::BTreeSet;

use eventlog::Event;
use platform::SealingKey;
use proto::{
    eventlog::v1::{
        SnapshotRequest, event_log_service_client::EventLogServiceClient, snapshot_response::Part,
    },
    events::v1::StructureContactsChanged,
    intake::v1::{
        Contact, SetStructureContactsRequest, StructureContact, StructureContactRole,
        StructureContacts,
    },
    types::v1::Role,
};
use service::{Sealed, functional_mailbox_purpose};
use servicetest::MASTER_KEY;
use testkit::TokenSpec;
use tonic::{Code, Status};
use uuid::Uuid;
use vocabulary::StructureKey;

use crate::tests::{
    drafts::{CORSICAN, FLEYRIAT},
    env::{TestEnv, User, hex, nothing_is_stored, reason, violations},
};

const TYPE: &str = "vigie.structure.contacts_changed.v1";
const MAILBOX: &str = "ssi@ch-exemple.fr";

fn person(role: StructureContactRole, family_name: &str) -> StructureContact {
    StructureContact {
        role: role.into(),
        contact: Some(Contact {
            family_name: family_name.to_owned(),
            email: format!("{}@ch-exemple.fr", family_name.to_lowercase()),
            ..Contact::default()
        }),
    }
}

fn put(etag: &str, contacts: Vec<StructureContact>, mailbox: &str) -> SetStructureContactsRequest {
    SetStructureContactsRequest {
        request_id: Uuid::new_v4().to_string(),
        finess: FLEYRIAT.to_owned(),
        etag: etag.to_owned(),
        contacts,
        functional_mailbox: mailbox.to_owned(),
    }
}

fn two() -> Vec<StructureContact> {
    vec![
        person(StructureContactRole::Director, "Martin"),
        person(StructureContactRole::InformationSecurityOfficer, "Leroux"),
    ]
}

fn names(set: &StructureContacts) -> Vec<&str> {
    let contacts = set.contacts.iter();
    contacts
        .map(|it| it.contact.as_ref().unwrap().family_name.as_str())
        .collect()
}

/// What was announced of the contacts of structures, oldest first.
async fn told(env: &TestEnv) -> Vec<Event> {
    let mut told = env.events().await;
    told.retain(|event| event.event_type == TYPE);
    told
}

/// The mailbox of an announcement, with the key that came with it.
fn opened(event: &Event) -> String {
    let payload: StructureContactsChanged = event.decode().unwrap();
    let key: StructureKey = payload.structure_key.parse().unwrap();
    let sealed = Sealed {
        sealed: payload.sealed_functional_mailbox.to_vec(),
        data_key: event.data_key.clone().unwrap(),
    };
    let master = SealingKey::from_bytes(MASTER_KEY);
    let mailbox = sealed.open(&master, &functional_mailbox_purpose(&key));
    String::from_utf8(mailbox.unwrap()).unwrap()
}

async fn refused(who: &User, request: SetStructureContactsRequest, expected: (Code, &str)) {
    let status = who.set_contacts(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), expected);
}

#[tokio::test]
async fn a_structure_and_its_agency_keep_its_contacts_and_the_cell_and_the_fssi_read_them() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let none = alice.contacts(FLEYRIAT).await.unwrap();
    assert_eq!((none.etag.as_str(), none.updated_at), ("0", None));
    assert!(none.contacts.is_empty() && none.functional_mailbox.is_empty());

    let set = alice.set_contacts(put("0", two(), MAILBOX)).await.unwrap();
    assert_eq!(set.structure_key, "finess:010000024");
    assert_eq!(
        (set.etag.as_str(), set.updated_as()),
        ("1", Role::Declarant)
    );
    assert_eq!(
        (set.contacts.clone(), set.functional_mailbox.as_str()),
        (two(), MAILBOX)
    );
    assert_eq!(alice.contacts(FLEYRIAT).await.unwrap(), set);

    // The agency sees the same and goes on from there.
    let agent = env.agent("84");
    assert_eq!(agent.contacts(FLEYRIAT).await.unwrap(), set);
    let with_it = [two(), vec![person(StructureContactRole::It, "Diallo")]].concat();
    let set = agent
        .set_contacts(put("1", with_it, MAILBOX))
        .await
        .unwrap();
    assert_eq!(set.updated_as(), Role::RegionalAgent);
    for (who, author) in [
        (env.linked("bob"), ""),
        (env.agent("84"), ""),
        (env.with_role("analyst"), "agent-84"),
        (env.with_role("security_officer"), "agent-84"),
    ] {
        let seen = who.contacts(FLEYRIAT).await.unwrap();
        assert_eq!(names(&seen), ["Martin", "Leroux", "Diallo"]);
        assert_eq!(
            (seen.etag.as_str(), seen.updated_by.as_str()),
            ("2", author)
        );
    }
    let of_entity = TokenSpec::of("carol").role("declarant");
    let of_entity = env.as_user(&of_entity.structure("finess:010780054"));
    let seen = of_entity.contacts("01 000 002 4").await.unwrap();
    assert_eq!(names(&seen), ["Martin", "Leroux", "Diallo"]);
}

#[tokio::test]
async fn who_left_is_erased_and_the_key_of_the_former_set_with_it() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    alice.set_contacts(put("0", two(), MAILBOX)).await.unwrap();
    let former: (Vec<u8>, Vec<u8>) =
        sqlx::query_as("select sealed_persons, wrapped_key from structure_contacts")
            .fetch_one(&env.pool)
            .await
            .unwrap();
    let only = vec![person(StructureContactRole::Director, "Martin")];
    alice.set_contacts(put("1", only, "")).await.unwrap();
    let seen = alice.contacts(FLEYRIAT).await.unwrap();
    assert_eq!(
        (names(&seen), seen.functional_mailbox.as_str()),
        (vec!["Martin"], "")
    );
    let kept = env
        .count("select count(*) from structure_contacts where sealed_mailbox is null")
        .await;
    assert_eq!(kept, 1);
    let same: i64 = sqlx::query_scalar(
        "select (select count(*) from structure_contacts
                 where sealed_persons = $1 or wrapped_key = $2)
              + (select count(*) from event where data_key = $2)",
    )
    .bind(former.0)
    .bind(former.1)
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(same, 0);

    // Nobody is left: nothing rests of the set but that it was emptied, and by whom.
    alice.set_contacts(put("2", Vec::new(), "")).await.unwrap();
    let emptied = env
        .count(
            "select count(*) from structure_contacts
             where sealed_persons is null and sealed_mailbox is null and wrapped_key is null",
        )
        .await;
    assert_eq!(emptied, 1);
    let seen = alice.contacts(FLEYRIAT).await.unwrap();
    assert_eq!((names(&seen).len(), seen.etag.as_str()), (0, "3"));
}

#[tokio::test]
async fn a_change_is_announced_with_the_mailbox_sealed_and_without_a_person() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let request = put("0", two(), MAILBOX);
    let set = alice.set_contacts(request.clone()).await.unwrap();
    assert_eq!(alice.set_contacts(request.clone()).await.unwrap(), set);
    let reused = SetStructureContactsRequest {
        contacts: Vec::new(),
        ..request
    };
    let expected = (Code::AlreadyExists, "REQUEST_ID_REUSED");
    refused(&alice, reused, expected).await;

    let announced = told(&env).await;
    assert_eq!(announced.len(), 1, "once, however often it is sent");
    assert_eq!(announced[0].subject, "structure_contacts/finess:010000024");
    assert_eq!(opened(&announced[0]), MAILBOX);
    for clear in ["Martin", "Leroux", MAILBOX] {
        let found: i64 = sqlx::query_scalar(
            "select (select count(*) from event t where t::text like '%' || $1 || '%')
                  + (select count(*) from structure_contacts t
                     where t::text like '%' || $1 || '%' or t::text like '%' || $2 || '%')
                  + (select count(*) from event t where t::text like '%' || $2 || '%')
                  + (select count(*) from idempotency_key t where t::text like '%' || $2 || '%')
                  + (select count(*) from audit_entry t where t::text like '%' || $1 || '%')",
        )
        .bind(clear)
        .bind(hex(clear))
        .fetch_one(&env.pool)
        .await
        .unwrap();
        assert_eq!(found, 0, "{clear}");
    }

    // The next change takes the key of the one before.
    let other = "securite@ch-exemple.fr";
    alice.set_contacts(put("1", two(), other)).await.unwrap();
    alice.set_contacts(put("2", two(), "")).await.unwrap();
    let announced = told(&env).await;
    let payloads: Vec<StructureContactsChanged> = announced
        .iter()
        .map(|event| event.decode().unwrap())
        .collect();
    let revisions: Vec<u64> = payloads.iter().map(|it| it.revision).collect();
    assert_eq!(revisions, [1, 2, 3]);
    assert!(announced.iter().all(|event| event.data_key.is_none()));
    assert!(payloads[2].sealed_functional_mailbox.is_empty());
}

#[tokio::test]
async fn a_consumer_that_starts_later_learns_of_every_set_as_it_stands() {
    let env = TestEnv::with_directory().await;
    let other = "finess_et,name,region_code,department\n2A0000014,CH D'AJACCIO,94,2A\n";
    env.importer().import(other.as_bytes()).await.unwrap();
    let alice = env.linked("alice");
    alice.set_contacts(put("0", two(), "")).await.unwrap();
    alice.set_contacts(put("1", two(), MAILBOX)).await.unwrap();
    let corsican = |etag, mailbox| SetStructureContactsRequest {
        finess: CORSICAN.to_owned(),
        ..put(etag, Vec::new(), mailbox)
    };
    let agent = env.agent("94");
    agent.set_contacts(corsican("0", MAILBOX)).await.unwrap();
    agent.set_contacts(corsican("1", "")).await.unwrap();

    let mut client = EventLogServiceClient::new(env.service.as_service("notification"));
    let parts = client.snapshot(SnapshotRequest::default()).await;
    let mut parts = parts.unwrap().into_inner();
    let mut ids = BTreeSet::new();
    while let Some(part) = parts.message().await.unwrap() {
        if let Some(Part::Events(batch)) = part.part {
            let events = batch.events.into_iter();
            let of_contacts = events.filter(|event| event.r#type == TYPE);
            ids.extend(of_contacts.map(|event| event.id));
        }
    }
    // Also that the second was emptied: who knew it before must hear of it.
    let announced = told(&env).await.into_iter();
    let latest: BTreeSet<String> = announced
        .filter(|event| event.decode::<StructureContactsChanged>().unwrap().revision == 2)
        .map(|event| event.id.to_string())
        .collect();
    assert_eq!(latest.len(), 2);
    assert_eq!(ids, latest);
}

#[tokio::test]
async fn of_two_who_change_the_same_set_one_is_told_to_read_it_again() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    for etag in ["0", "1"] {
        let puts = (0..4).map(|_| alice.set_contacts(put(etag, two(), MAILBOX)));
        let outcomes = futures::future::join_all(puts).await;
        let (done, late): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((done.len(), late.len()), (1, 3), "{etag}");
        for status in late.into_iter().map(Result::unwrap_err) {
            assert_eq!(
                (status.code(), reason(&status).as_str()),
                (Code::Aborted, "ETAG_MISMATCH")
            );
        }
    }
    assert_eq!(alice.contacts(FLEYRIAT).await.unwrap().etag, "2");
    assert_eq!(told(&env).await.len(), 2);
}

#[tokio::test]
async fn contacts_do_not_exist_for_those_to_whom_the_structure_does_not_belong() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    alice.set_contacts(put("0", two(), MAILBOX)).await.unwrap();
    // An analyst who also declares changes as a declarant, to whom it does not belong.
    let both = TokenSpec::of("carol").role("analyst").role("declarant");
    let strangers = [env.declarant("mallory"), env.agent("76")];
    for stranger in strangers.iter().chain([&env.as_user(&both)]) {
        let status = stranger.set_contacts(put("1", Vec::new(), "")).await;
        assert_eq!(status.unwrap_err().code(), Code::NotFound);
    }
    for stranger in &strangers {
        let status = stranger.contacts(FLEYRIAT).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
    for role in [
        "health_authority",
        "importer",
        "prober",
        "operator",
        "integration",
    ] {
        let status = env.with_role(role).contacts(FLEYRIAT).await.unwrap_err();
        assert_eq!(reason(&status), "ROLE_MISSING", "{role}");
    }
    for role in ["analyst", "security_officer"] {
        let expected = (Code::PermissionDenied, "ROLE_MISSING");
        refused(&env.with_role(role), put("1", Vec::new(), ""), expected).await;
        let unknown = env.with_role(role).contacts(CORSICAN).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
    }
    assert_eq!(names(&alice.contacts(FLEYRIAT).await.unwrap()).len(), 2);
    let object = "structure_contacts/finess:010000024".to_owned();
    let not_visible = env.trail_of("structure_contacts.set").await;
    assert_eq!(not_visible[0], (object.clone(), "done".to_owned()));
    assert_eq!(
        not_visible[1..4],
        vec![(object, "not_visible".to_owned()); 3]
    );
}

#[tokio::test]
async fn contacts_that_do_not_open_are_not_said_to_be_none_and_may_be_put_anew() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    alice.set_contacts(put("0", two(), MAILBOX)).await.unwrap();
    sqlx::query("update structure_contacts set sealed_persons = ''")
        .execute(&env.pool)
        .await
        .unwrap();
    let seen = alice.contacts(FLEYRIAT).await.unwrap();
    assert!(seen.unreadable && seen.contacts.is_empty() && seen.functional_mailbox.is_empty());
    assert_eq!(seen.etag, "1");
    alice.set_contacts(put("1", two(), MAILBOX)).await.unwrap();
    let seen = alice.contacts(FLEYRIAT).await.unwrap();
    assert_eq!((seen.unreadable, seen.contacts), (false, two()));
}

#[tokio::test]
async fn a_malformed_set_is_refused_with_every_field_and_changes_nothing() {
    use StructureContactRole::{Director, InformationSecurityOfficer, It};

    let env = TestEnv::start().await;
    let alice = env.linked("alice");
    let of = |status: &Status| {
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        violations(status)
    };
    let unreachable = StructureContact {
        role: It.into(),
        contact: Some(Contact {
            family_name: "Petit".to_owned(),
            ..Contact::default()
        }),
    };
    let unnamed = StructureContact {
        role: 77,
        contact: None,
    };
    let officers = ["A", "B", "C", "D"].map(|name| person(InformationSecurityOfficer, name));
    for (contacts, expected) in [
        (
            vec![person(Director, "A"), person(Director, "B")],
            vec![("contacts[1].role", "TOO_MANY")],
        ),
        (officers.to_vec(), vec![("contacts[3].role", "TOO_MANY")]),
        (
            vec![person(It, "A"), unreachable.clone(), person(It, "A")],
            vec![
                ("contacts[1].contact.email", "REQUIRED"),
                ("contacts[2]", "DUPLICATE"),
            ],
        ),
        (
            vec![unnamed],
            vec![
                ("contacts[0].contact", "REQUIRED"),
                ("contacts[0].role", "UNKNOWN_VALUE"),
            ],
        ),
        (vec![person(It, "A"); 8], vec![("contacts", "TOO_MANY")]),
    ] {
        let status = alice
            .set_contacts(put("0", contacts, ""))
            .await
            .unwrap_err();
        let expected = expected.into_iter();
        let expected: Vec<_> = expected
            .map(|(field, reason)| (field.to_owned(), reason.to_owned()))
            .collect();
        assert_eq!(of(&status), expected);
    }
    let empty = SetStructureContactsRequest {
        functional_mailbox: "ssi".to_owned(),
        ..SetStructureContactsRequest::default()
    };
    let fields = of(&alice.set_contacts(empty).await.unwrap_err());
    let fields: Vec<_> = fields.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        ["etag", "finess", "functional_mailbox", "request_id"]
    );
    nothing_is_stored(&env).await;
    assert_eq!(
        env.count("select count(*) from structure_contacts").await,
        0
    );
}
