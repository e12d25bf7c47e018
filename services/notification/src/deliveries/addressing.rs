//! From notices to jobs: the channel of each addressee, and where it is reached.

use platform::{SealingKey, Watched};
use proto::events::v1::Contact;
use serde_json::json;
use service::{Sealed, jobs::NewJob};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{EmailAddress, derived_after, derived_id};

use super::{
    digest::{self, DigestEntry},
    digest_day::DigestDay,
    mail::{self, MailPayload},
};
use crate::{
    metrics::ServiceMetrics,
    notices::{Channel, Notice, Recipient, ReportProjection, ReportSummary, Rule, Template},
    on_call::OnCallChain,
};

/// Where the institutions are reached.
#[derive(Clone, Debug)]
pub(crate) struct AddressBook {
    /// The mailboxes of the FSSI.
    pub(crate) security_officer: Vec<EmailAddress>,
    /// The mailboxes of the cell.
    pub(crate) cell: Vec<EmailAddress>,
    /// The mailboxes of the health authority; none: it is told by the stream.
    pub(crate) health_authority: Vec<EmailAddress>,
    /// The domain of the agencies' mailboxes `ssi-<region>@<domain>`.
    pub(crate) agency_domain: String,
}

/// Addresses notices.
pub(crate) struct Addressing {
    /// Where institutions are reached.
    pub(crate) address_book: AddressBook,
    /// Who is on call.
    pub(crate) on_call: Watched<OnCallChain>,
    /// Opens the reports' own keys.
    pub(crate) master_key: SealingKey,
    /// What the service tells about itself.
    pub(crate) metrics: ServiceMetrics,
}

/// What an event leads people to be told.
pub(crate) struct Told<'a> {
    /// The report.
    pub(crate) report_id: Uuid,
    /// When the event was.
    pub(crate) entered_at: OffsetDateTime,
    /// The report as it stands for those who are told.
    pub(crate) summary: &'a ReportSummary,
    /// What is known of the report.
    pub(crate) known: &'a ReportProjection,
    /// The trace of the request that led to it.
    pub(crate) traceparent: Option<String>,
    /// The present moment.
    pub(crate) now: OffsetDateTime,
}

impl Addressing {
    /// The jobs of a notice: one for each address of its addressee.
    pub(crate) fn jobs(&self, notice: &Notice, told: &Told<'_>) -> Vec<NewJob> {
        match notice.channel {
            Channel::Feed => Vec::new(),
            Channel::Mail(recipient, template) => self.mails(notice, recipient, template, told),
            Channel::Digest(recipient) => self.digests(notice.rule, recipient, told),
        }
    }

    /// What a digest lists of a notice.
    pub(crate) fn digest_entry(notice: &Notice, told: &Told<'_>) -> Option<DigestEntry> {
        let Channel::Digest(recipient) = notice.channel else {
            return None;
        };
        let day = DigestDay::of(told.entered_at, told.now);
        Some(DigestEntry {
            digest_id: day.digest_id(recipient),
            report_id: told.report_id,
            reference: told.summary.reference.clone(),
        })
    }

    fn mails(
        &self,
        notice: &Notice,
        recipient: Recipient,
        template: Template,
        told: &Told<'_>,
    ) -> Vec<NewJob> {
        let addresses = match recipient {
            Recipient::Declarant => self.declarant(told).into_iter().collect(),
            _ => self.mailboxes(recipient, told.now),
        };
        if addresses.is_empty() {
            self.no_address(told.report_id, recipient);
        }
        let of_person = (recipient == Recipient::Declarant).then(|| sealed(told.known));
        let jobs = addresses.iter().enumerate().filter_map(|(place, address)| {
            let job_id = job_id(notice, recipient, place);
            let summary = ReportSummary {
                due_at: notice.due_at,
                ..told.summary.clone()
            };
            let payload = MailPayload::new(notice.rule, recipient, summary);
            let payload = match &of_person {
                None => payload.for_mailbox(address),
                Some(sealed) => {
                    payload.for_person(sealed.as_ref()?, &self.master_key, job_id, address)?
                }
            };
            Some(NewJob {
                job_id,
                kind: mail::kind(template),
                subject: format!("report/{}", told.report_id),
                urgent: notice.rule.is_urgent(),
                // As at every replay.
                due_at: told.entered_at,
                traceparent: told.traceparent.clone(),
                payload: json!(payload),
            })
        });
        jobs.collect()
    }

    /// The digest of the day to each mailbox: one job, whatever it will list.
    fn digests(&self, rule: Rule, recipient: Recipient, told: &Told<'_>) -> Vec<NewJob> {
        let day = DigestDay::of(told.entered_at, told.now);
        let digest_id = day.digest_id(recipient);
        let mailboxes = self.mailboxes(recipient, told.now);
        if mailboxes.is_empty() {
            self.no_address(told.report_id, recipient);
        }
        let jobs = mailboxes.iter().map(|mailbox| NewJob {
            job_id: derived_id(
                "delivery",
                &[digest_id.as_bytes(), mailbox.expose().as_bytes()],
            ),
            kind: digest::KIND.to_owned(),
            subject: digest::subject(digest_id),
            urgent: rule.is_urgent(),
            due_at: day.due_at(),
            traceparent: None,
            payload: json!({
                "rule": rule.name(),
                "recipient": recipient.to_string(),
                "mailbox": mailbox.expose(),
            }),
        });
        jobs.collect()
    }

    /// The mailboxes of an institution at a moment.
    fn mailboxes(&self, recipient: Recipient, at: OffsetDateTime) -> Vec<EmailAddress> {
        let book = &self.address_book;
        match recipient {
            Recipient::Declarant | Recipient::Later(_) => Vec::new(),
            Recipient::Agency(region) => {
                let mailbox = region.agency_on(at.date()).mailbox(&book.agency_domain);
                mailbox.parse().into_iter().collect()
            }
            Recipient::SecurityOfficer => book.security_officer.clone(),
            Recipient::Cell => book.cell.clone(),
            Recipient::HealthAuthority => book.health_authority.clone(),
            Recipient::OnCall => self.on_call.current().on_duty(at),
        }
    }

    /// The address that the people of a report are written to: the other contact's where
    /// one was given, because the declarant's own mailbox may be compromised, and none
    /// where that contact has only a telephone.
    fn declarant(&self, told: &Told<'_>) -> Option<EmailAddress> {
        // Contacts that do not open are logged; everybody else is written to all the same.
        let contacts = sealed(told.known)?.contacts(&self.master_key, told.report_id)?;
        let alternate = contacts.alternate.filter(|it| *it != Contact::default());
        let text = alternate.or(contacts.declarant)?.email;
        (!text.is_empty()).then(|| EmailAddress::from_db(&text))
    }

    /// Tells of a message that nobody can be sent.
    fn no_address(&self, report_id: Uuid, recipient: Recipient) {
        match recipient {
            // An installation may leave the health authority to the stream.
            Recipient::HealthAuthority => return,
            Recipient::OnCall => tracing::error!(
                report.id = %report_id,
                "nobody is on call now: complete the on-call chain and call somebody",
            ),
            _ => {}
        }
        self.metrics.no_address(recipient);
    }
}

/// The contacts of a report, until they are erased.
fn sealed(known: &ReportProjection) -> Option<Sealed> {
    Some(Sealed {
        sealed: known.sealed_contacts.clone()?,
        data_key: known.data_key.clone()?,
    })
}

/// The id of a message to one address: the same at every replay.
fn job_id(notice: &Notice, recipient: Recipient, place: usize) -> Uuid {
    #[cfg(feature = "mutants")]
    if platform::mutant::Mutant::RandomIds.is_alive() {
        return Uuid::now_v7();
    }
    let recipient = recipient.to_string();
    let place = u64::try_from(place).expect("a chain has fewer than 2^64 addresses");
    derived_after(
        notice.cause,
        "delivery",
        &[
            notice.cause.as_bytes(),
            notice.rule.name().as_bytes(),
            recipient.as_bytes(),
            &place.to_be_bytes(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proto::events::v1::SealedPersonalData;

    use super::*;

    fn contact(email: &str) -> Contact {
        Contact {
            email: email.to_owned(),
            ..Contact::default()
        }
    }

    fn written_to(contacts: &SealedPersonalData) -> Option<String> {
        let addressing = Addressing {
            address_book: AddressBook {
                security_officer: Vec::new(),
                cell: Vec::new(),
                health_authority: Vec::new(),
                agency_domain: String::new(),
            },
            on_call: Watched::from(OnCallChain::default()),
            master_key: SealingKey::from_bytes([3; 32]),
            metrics: ServiceMetrics::default(),
        };
        let report_id = Uuid::from_u128(5);
        let sealed = Sealed::contacts_of(&addressing.master_key, report_id, contacts);
        let known = ReportProjection {
            sealed_contacts: Some(sealed.sealed),
            data_key: Some(sealed.data_key),
            ..ReportProjection::default()
        };
        let address = addressing.declarant(&Told {
            report_id,
            entered_at: OffsetDateTime::UNIX_EPOCH,
            summary: &ReportSummary::default(),
            known: &known,
            traceparent: None,
            now: OffsetDateTime::UNIX_EPOCH,
        });
        address.map(|address| address.expose().to_owned())
    }

    #[test]
    fn the_other_contact_is_written_to_instead_of_the_declarant_or_nobody() {
        let mut contacts = SealedPersonalData {
            declarant: Some(contact("d.martin@ch.example.org")),
            alternate: Some(contact("martin@other.example.org")),
        };
        let other = Some("martin@other.example.org".to_owned());
        assert_eq!(written_to(&contacts), other);
        contacts.alternate = Some(Contact {
            phone: "06 12 34 56 78".to_owned(),
            ..Contact::default()
        });
        assert_eq!(written_to(&contacts), None);
        contacts.alternate = Some(Contact::default());
        let declarant = Some("d.martin@ch.example.org".to_owned());
        assert_eq!(written_to(&contacts), declarant);
    }

    #[test]
    fn an_address_that_an_earlier_release_took_is_written_to_and_a_phone_number_is_not() {
        for (email, written) in [
            ("direction@chu.local", Some("direction@chu.local")),
            ("", None),
        ] {
            let contacts = SealedPersonalData {
                declarant: Some(contact(email)),
                alternate: None,
            };
            assert_eq!(written_to(&contacts).as_deref(), written);
        }
    }
}
