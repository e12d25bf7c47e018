//! `StructureContactService`: the contacts of a structure are put and shown.

use eventlog::erase_data_keys;
use futures::FutureExt as _;
use platform::{Caller, Error, Result, SealError, SealingKey, Violations, now};
use prost::Message as _;
use proto::intake::v1::{
    self as pb, GetStructureContactsRequest, GetStructureContactsResponse,
    SetStructureContactsRequest, SetStructureContactsResponse,
    structure_contact_service_server::StructureContactService,
};
use serde_json::json;
use service::{
    Call, Commands, Done, Fields, Sealed, audit_read, functional_mailbox_purpose, request_hash,
    revision_base, wire, wire::timestamp,
};
use sqlx::PgConnection;
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;
use vocabulary::{EmailAddress, Finess, Word as _, is_empty_text};

use super::{
    ContactSet, StoredContacts, StructureContact, Update,
    decide::{self, Flaw, MOST, Refusal, is_national},
    events, key, persons_purpose, store, subject,
};
use crate::{
    reports::{contact_to_wire, read_contact},
    structures,
};

/// Answers `StructureContactService`.
#[derive(Clone, Debug)]
pub(crate) struct StructureContactRpc {
    /// Runs the changes.
    pub(crate) commands: Commands,
    /// Wraps the keys under which contacts are sealed.
    pub(crate) master_key: SealingKey,
}

/// A set as it was sent.
struct Put {
    finess: Finess,
    etag: String,
    set: ContactSet,
}

#[async_trait]
impl StructureContactService for StructureContactRpc {
    async fn set_structure_contacts(
        &self,
        request: Request<SetStructureContactsRequest>,
    ) -> Result<Response<SetStructureContactsResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, put) = read(request.into_inner())?;
        let set = set_to_wire(&put.set);
        let content = json!([put.finess, put.etag]).to_string().into_bytes();
        let content = [content, set.encode_to_vec()].concat();
        let call = Call {
            caller,
            method: "SetStructureContacts",
            action: "structure_contacts.set",
            object: subject(put.finess),
            request_id,
            hash: request_hash(&self.master_key.mac(&content)),
            at: now(),
        };
        let kept: pb::StructureContacts = self
            .commands
            .run(call, (self.clone(), put), |conn, call, (rpc, put)| {
                rpc.put(conn, call, put).boxed()
            })
            .await?;
        // The same request has the same contacts, which are not kept with it.
        Ok(Response::new(SetStructureContactsResponse {
            contacts: Some(pb::StructureContacts {
                contacts: set.contacts,
                functional_mailbox: set.functional_mailbox,
                ..kept
            }),
        }))
    }

    async fn get_structure_contacts(
        &self,
        request: Request<GetStructureContactsRequest>,
    ) -> Result<Response<GetStructureContactsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut violations = Violations::default();
        let finess: Option<Finess> = Fields::new("", &mut violations)
            .required_identifier("finess", &request.get_ref().finess);
        let finess = finess.ok_or(Error::from(violations))?;
        let mut transaction = self.commands.pool.begin().await.map_err(Error::from)?;
        let structure = structures::sites(&mut transaction, &[finess]).await?;
        let is_seen = structure.get(&finess).is_some_and(|structure| {
            decide::reads(structure, &caller.roles, caller.region, &caller.structures)
        });
        let found = if is_seen {
            store::find(&mut transaction, finess).await?
        } else {
            None
        };
        audit_read(
            &mut transaction,
            caller,
            "structure_contacts.get",
            &subject(finess),
            is_seen,
        )
        .await?;
        transaction.commit().await.map_err(Error::from)?;
        if !is_seen {
            return Err(Error::NotFound("structure").into());
        }
        let contacts = match &found {
            None => pb::StructureContacts {
                structure_key: key(finess).to_string(),
                etag: "0".to_owned(),
                ..pb::StructureContacts::default()
            },
            Some(stored) => {
                let mut shown = self.shown(stored);
                if !is_national(&caller.roles) {
                    shown.updated_by.clear();
                }
                shown
            }
        };
        Ok(Response::new(GetStructureContactsResponse {
            contacts: Some(contacts),
        }))
    }
}

impl StructureContactRpc {
    async fn put(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        put: &Put,
    ) -> Result<Done<pb::StructureContacts>> {
        let Caller {
            roles,
            region,
            structures,
            subject: author,
            ..
        } = &call.caller;
        let site = structures::sites(conn, &[put.finess]).await?;
        let site = site.get(&put.finess);
        let role = site.and_then(|site| decide::keeping_role(site, roles, *region, structures));
        let role = role.ok_or(Error::NotFound("structure"))?;
        let former = store::find(conn, put.finess).await?;
        let revision = decide::put(former.map_or(0, |it| it.revision), &put.etag)?;
        let update = Update {
            at: call.at,
            role,
            author: author.clone(),
        };
        let stored = self.seal(put, revision, update).map_err(Error::internal)?;
        if !store::put(conn, &stored).await? {
            return Err(Refusal::EtagMismatch.into());
        }
        // The former set is gone with its key, wherever it was announced.
        erase_data_keys(conn, &[subject(put.finess)]).await?;
        let base = revision_base(&self.commands.log, conn).await?;
        Ok(Done {
            answer: pb::StructureContacts {
                updated_by: String::new(),
                ..shown(&stored)
            },
            events: vec![events::changed(&stored, base)],
            detail: json!({
                "revision": revision,
                "persons": put.set.persons.len(),
                "mailbox": put.set.functional_mailbox.is_some(),
            }),
        })
    }

    /// Seals a set under a key of its own, which nothing of a former set has.
    fn seal(&self, put: &Put, revision: u64, update: Update) -> Result<StoredContacts, SealError> {
        let Put { finess, set, .. } = put;
        let mut stored = StoredContacts {
            finess: *finess,
            sealed_persons: None,
            sealed_mailbox: None,
            wrapped_key: None,
            revision,
            update,
        };
        if set.persons.is_empty() && set.functional_mailbox.is_none() {
            return Ok(stored);
        }
        let persons = pb::StructureContacts {
            contacts: set_to_wire(set).contacts,
            ..pb::StructureContacts::default()
        };
        let purpose = persons_purpose(*finess);
        let sealed = Sealed::new(&self.master_key, &purpose, &persons.encode_to_vec());
        if let Some(mailbox) = &set.functional_mailbox {
            let purpose = functional_mailbox_purpose(&key(*finess));
            let mailbox = mailbox.expose().as_bytes();
            stored.sealed_mailbox = Some(sealed.seal(&self.master_key, &purpose, mailbox)?);
        }
        stored.sealed_persons = Some(sealed.sealed);
        stored.wrapped_key = Some(sealed.data_key);
        Ok(stored)
    }

    /// A set with its persons and its mailbox, as far as they open.
    fn shown(&self, stored: &StoredContacts) -> pb::StructureContacts {
        let opened = self.open(stored);
        if opened.is_err() {
            tracing::error!(
                structure.finess = %stored.finess,
                "the contacts of a structure do not open: is the master key the one of this installation?",
            );
        }
        let unreadable = opened.is_err();
        let set = opened.unwrap_or_default();
        pb::StructureContacts {
            contacts: set.contacts,
            functional_mailbox: set.functional_mailbox,
            unreadable,
            ..shown(stored)
        }
    }

    /// Opens a set: its persons and its mailbox alone.
    fn open(&self, stored: &StoredContacts) -> Result<pb::StructureContacts, SealError> {
        let mut set = pb::StructureContacts::default();
        let Some(data_key) = &stored.wrapped_key else {
            return Ok(set);
        };
        let open = |sealed: &[u8], purpose: &[u8]| {
            let sealed = Sealed {
                sealed: sealed.to_owned(),
                data_key: data_key.clone(),
            };
            sealed.open(&self.master_key, purpose)
        };
        if let Some(sealed) = &stored.sealed_persons {
            let persons = open(sealed, &persons_purpose(stored.finess))?;
            let persons = pb::StructureContacts::decode(persons.as_slice());
            set.contacts = persons.map_err(|_| SealError)?.contacts;
        }
        if let Some(sealed) = &stored.sealed_mailbox {
            let purpose = functional_mailbox_purpose(&key(stored.finess));
            let mailbox = String::from_utf8(open(sealed, &purpose)?);
            set.functional_mailbox = mailbox.map_err(|_| SealError)?;
        }
        Ok(set)
    }
}

fn read(wire: SetStructureContactsRequest) -> Result<(Uuid, Put)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &wire.request_id);
    let finess = fields.required_identifier("finess", &wire.finess);
    if is_empty_text(&wire.etag) {
        fields.missing("etag");
    }
    let functional_mailbox = fields.identifier("functional_mailbox", &wire.functional_mailbox);
    let persons = persons(&mut fields, wire.contacts);
    match (request_id, finess, violations.is_empty()) {
        (Some(request_id), Some(finess), true) => Ok((
            request_id,
            Put {
                finess,
                etag: wire.etag.trim().to_owned(),
                set: ContactSet {
                    persons,
                    functional_mailbox,
                },
            },
        )),
        _ => Err(violations.into()),
    }
}

fn persons(fields: &mut Fields<'_>, wire: Vec<pb::StructureContact>) -> Vec<StructureContact> {
    if wire.len() > MOST {
        fields.refuse("contacts", "TOO_MANY", format!("au plus {MOST} personnes"));
        return Vec::new();
    }
    // What cannot be read is told already; the others keep their places.
    let mut places = Vec::new();
    let mut persons = Vec::new();
    for (place, person) in wire.into_iter().enumerate() {
        let mut fields = fields.within(&format!("contacts[{place}]"));
        let role = fields.required_word("role", person.role);
        let contact = match person.contact {
            None => {
                fields.missing("contact");
                None
            }
            Some(contact) => read_contact(&mut fields.within("contact"), contact),
        };
        if let (Some(role), Some(contact)) = (role, contact) {
            places.push(place);
            persons.push(StructureContact { role, contact });
        }
    }
    for (index, flaw) in decide::flaws(&persons) {
        let place = places[index];
        let (field, reason, why) = match flaw {
            Flaw::TooMany => (
                format!("contacts[{place}].role"),
                "TOO_MANY",
                "au plus un directeur, et trois personnes pour chacun des autres rôles",
            ),
            Flaw::Duplicate => (
                format!("contacts[{place}]"),
                "DUPLICATE",
                "cette personne a déjà ce rôle",
            ),
        };
        fields.refuse(&field, reason, why);
    }
    persons
}

/// The persons and the mailbox of a set, for the wire.
fn set_to_wire(set: &ContactSet) -> pb::StructureContacts {
    let persons = set.persons.iter().map(|person| pb::StructureContact {
        role: person.role.number(),
        contact: Some(contact_to_wire(&person.contact)),
    });
    let mailbox = set.functional_mailbox.as_ref().map(EmailAddress::expose);
    pb::StructureContacts {
        contacts: persons.collect(),
        functional_mailbox: wire::text(mailbox.as_ref()),
        ..pb::StructureContacts::default()
    }
}

/// Shows a set without its persons and its mailbox.
fn shown(stored: &StoredContacts) -> pb::StructureContacts {
    let Update { at, role, author } = &stored.update;
    pb::StructureContacts {
        structure_key: key(stored.finess).to_string(),
        updated_at: Some(timestamp(*at)),
        updated_as: role.number(),
        updated_by: author.clone(),
        etag: stored.revision.to_string(),
        ..pb::StructureContacts::default()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::EtagMismatch => Self::aborted(
                "ETAG_MISMATCH",
                "ces contacts ont changé depuis que vous les avez lus",
            ),
        }
    }
}
