//! The mailboxes of the institutions and the dated on-call chain.

use time::OffsetDateTime;
use vocabulary::EmailAddress;

use super::letter::Recipient;

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

impl AddressBook {
    /// The mailboxes of an institution at a moment; a person has none here.
    pub(crate) fn mailboxes(
        &self,
        recipient: Recipient,
        on_call: &OnCallChain,
        at: OffsetDateTime,
    ) -> Vec<EmailAddress> {
        match recipient {
            Recipient::Declarant => Vec::new(),
            Recipient::Agency(region) => {
                let mailbox = region.agency_on(at.date()).mailbox(&self.agency_domain);
                mailbox.parse().into_iter().collect()
            }
            Recipient::SecurityOfficer => self.security_officer.clone(),
            Recipient::Cell => self.cell.clone(),
            Recipient::HealthAuthority => self.health_authority.clone(),
            Recipient::OnCall => on_call.on_duty(at),
        }
    }
}

/// Who is on call, and when (tableau d'astreinte).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnCallChain(Vec<Duty>);

/// A turn of duty: from a moment on, up to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Duty {
    /// Its first moment.
    pub(crate) from: OffsetDateTime,
    /// The moment when it is over.
    pub(crate) to: OffsetDateTime,
    /// Who is reached.
    pub(crate) addresses: Vec<EmailAddress>,
}

impl OnCallChain {
    /// Takes the turns of duty.
    pub(crate) fn new(duties: Vec<Duty>) -> Self {
        Self(duties)
    }

    /// Who is on duty at a moment, in the order of the file, each once.
    pub(crate) fn on_duty(&self, at: OffsetDateTime) -> Vec<EmailAddress> {
        let mut addresses = Vec::new();
        for duty in self.0.iter().filter(|duty| duty.from <= at && at < duty.to) {
            for address in &duty.addresses {
                if !addresses.contains(address) {
                    addresses.push(address.clone());
                }
            }
        }
        addresses
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::{Duty, OnCallChain};

    #[test]
    fn a_turn_of_duty_begins_with_its_first_moment_and_ends_before_its_last() {
        let duty = |from, to, address: &str| Duty {
            from,
            to,
            addresses: vec![address.parse().unwrap()],
        };
        let change = datetime!(2026-11-23 08:00 UTC);
        let chain = OnCallChain::new(vec![
            duty(datetime!(2026-11-16 08:00 UTC), change, "first@example.org"),
            duty(
                change,
                datetime!(2026-11-30 08:00 UTC),
                "second@example.org",
            ),
        ]);
        let on_duty = |at| -> Vec<String> {
            chain
                .on_duty(at)
                .iter()
                .map(|address| address.expose().to_owned())
                .collect()
        };
        assert_eq!(
            on_duty(change - time::Duration::SECOND),
            ["first@example.org"]
        );
        assert_eq!(on_duty(change), ["second@example.org"]);
        assert!(on_duty(datetime!(2026-11-30 08:00 UTC)).is_empty());
    }
}
