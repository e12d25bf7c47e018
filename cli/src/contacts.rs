//! `vigie structure contacts`: whom to reach at a structure.

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};
use proto::intake::v1::{
    self as pb, structure_contact_service_client::StructureContactServiceClient,
};
use tonic::Status;
use uuid::Uuid;
use vocabulary::StructureContactRole;

use crate::args::{Service, free_text};
use crate::client::{Authenticated, Client};
use crate::draft::parse;
use crate::exit::Failure;
use crate::report::word;
use crate::{json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum ContactsCommand {
    /// List the contacts of a structure
    List {
        /// FINESS of the site
        finess: String,
    },
    /// Add a person
    Add {
        /// FINESS of the site
        finess: String,
        #[command(flatten)]
        person: Box<PersonOptions>,
        /// In the place of all who have the role, and of a set that cannot be read
        #[arg(long)]
        replace: bool,
    },
    /// Remove those who have a role, or one of them; who is removed is erased
    Remove {
        /// FINESS of the site
        finess: String,
        /// director, it or information_security_officer
        #[arg(long)]
        role: String,
        /// Only who has this family name
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        family_name: Option<String>,
    },
    /// Put the functional mailbox (boîte aux lettres fonctionnelle), or erase it
    Mailbox {
        /// FINESS of the site
        finess: String,
        /// Its address
        #[arg(required_unless_present = "none", value_parser = NonEmptyStringValueParser::new())]
        address: Option<String>,
        /// Erase it
        #[arg(long, conflicts_with = "address")]
        none: bool,
    },
}

/// A person to reach.
#[derive(Args, Debug)]
pub(crate) struct PersonOptions {
    /// director, it or information_security_officer
    #[arg(long)]
    role: String,
    /// Family name
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    family_name: String,
    /// Given name
    #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
    given_name: String,
    /// Position
    #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
    position: String,
    /// Mail address; this or a telephone number
    #[arg(long, default_value = "")]
    email: String,
    /// Telephone
    #[arg(long, default_value = "")]
    phone: String,
}

pub(crate) async fn run(command: ContactsCommand, client: &Client) -> Result<(), Failure> {
    let channel = client.channel_to(Service::Intake).await?;
    let mut service = StructureContactServiceClient::new(channel);
    let set = match command {
        ContactsCommand::List { finess } => fetch(&finess, &mut service).await?,
        ContactsCommand::Add {
            finess,
            person,
            replace,
        } => {
            let person = person.read()?;
            let mut set = fetch(&finess, &mut service).await?;
            if set.unreadable && !replace {
                return Err(unreadable(client));
            }
            set.contacts
                .retain(|it| !(replace && it.role == person.role));
            // Typed again after an answer that was lost, it is there already.
            if !set.contacts.contains(&person) {
                set.contacts.push(person);
            }
            put(finess, set, &mut service).await?
        }
        ContactsCommand::Remove {
            finess,
            role,
            family_name,
        } => {
            let role = parse::<StructureContactRole>("--role", &role)?;
            let mut set = fetch(&finess, &mut service).await?;
            if set.unreadable {
                return Err(unreadable(client));
            }
            let before = set.contacts.len();
            set.contacts.retain(|it| {
                let named = it.contact.as_ref().map(|it| it.family_name.as_str());
                let is_meant = family_name.is_none() || named == family_name.as_deref();
                !(it.role == role && is_meant)
            });
            if set.contacts.len() == before {
                return Err(Status::not_found("no such contact").into());
            }
            put(finess, set, &mut service).await?
        }
        ContactsCommand::Mailbox {
            finess, address, ..
        } => {
            let mut set = fetch(&finess, &mut service).await?;
            if set.unreadable {
                return Err(unreadable(client));
            }
            set.functional_mailbox = address.unwrap_or_default();
            put(finess, set, &mut service).await?
        }
    };
    if client.json {
        say!("{}", json::to_json(&set)?);
    } else {
        print(&set, client);
    }
    Ok(())
}

impl PersonOptions {
    fn read(self) -> Result<pb::StructureContact, Failure> {
        Ok(pb::StructureContact {
            role: parse::<StructureContactRole>("--role", &self.role)?,
            contact: Some(pb::Contact {
                family_name: self.family_name,
                given_name: self.given_name,
                position: self.position,
                email: self.email,
                phone: self.phone,
            }),
        })
    }
}

async fn fetch(
    finess: &str,
    service: &mut StructureContactServiceClient<Authenticated>,
) -> Result<pb::StructureContacts, Failure> {
    let request = pb::GetStructureContactsRequest {
        finess: finess.to_owned(),
    };
    let answer = service.get_structure_contacts(request).await?;
    Ok(answer.into_inner().contacts.unwrap_or_default())
}

/// Why a set that cannot be read is not changed: what it holds would be erased unseen.
fn unreadable(client: &Client) -> Failure {
    let why = client.language.pick(
        "ces contacts ne s'ouvrent pas ; `add --replace` les remplace",
        "these contacts do not open; `add --replace` takes their place",
    );
    Failure::Local(anyhow::anyhow!(why))
}

/// Puts a set in the place of the one that was read.
async fn put(
    finess: String,
    set: pb::StructureContacts,
    service: &mut StructureContactServiceClient<Authenticated>,
) -> Result<pb::StructureContacts, Failure> {
    let request = pb::SetStructureContactsRequest {
        request_id: Uuid::now_v7().to_string(),
        finess,
        etag: set.etag,
        contacts: set.contacts,
        functional_mailbox: set.functional_mailbox,
    };
    let answer = service.set_structure_contacts(request).await?;
    Ok(answer.into_inner().contacts.unwrap_or_default())
}

fn print(set: &pb::StructureContacts, client: &Client) {
    let language = client.language;
    let role = word::<vocabulary::Role>(set.updated_as, language);
    if set.unreadable {
        let closed = [
            "Ces contacts ne s'ouvrent pas.",
            "These contacts do not open.",
        ];
        say!("{}", language.pick(closed[0], closed[1]));
    }
    table::print_facts(&[
        ("Structure", set.structure_key.clone()),
        (
            language.pick("Boîte fonctionnelle", "Functional mailbox"),
            set.functional_mailbox.clone(),
        ),
        (
            language.pick("Mis à jour le", "Updated"),
            client.zone.show(set.updated_at),
        ),
        (
            language.pick("Mis à jour par", "Updated by"),
            format!("{role} {}", set.updated_by).trim_end().to_owned(),
        ),
    ]);
    let headings = [
        language.pick("rôle", "role"),
        language.pick("nom", "name"),
        language.pick("fonction", "position"),
        language.pick("courriel", "mail"),
        language.pick("téléphone", "telephone"),
    ];
    table::print(
        headings,
        set.contacts.iter().map(|person| {
            let contact = person.contact.clone().unwrap_or_default();
            [
                word::<StructureContactRole>(person.role, language),
                format!("{} {}", contact.given_name, contact.family_name)
                    .trim()
                    .to_owned(),
                contact.position,
                contact.email,
                contact.phone,
            ]
        }),
    );
}
