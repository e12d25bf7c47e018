//! Events of intake and qualification, applied: what they lead to is decided,
//! remembered and announced in the transaction that moves the offset.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use eventlog::{Apply, ApplyError, Event, Log, NewEvent};
use platform::{SealingKey, Watched};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio::sync::Notify;
use uuid::Uuid;
use vocabulary::{EmailAddress, derived_id};

use crate::{
    convert::{
        contacts, feed,
        incoming::{self, IncomingEvent, ParsedEvent},
    },
    domain::{
        address_book::{AddressBook, OnCallChain},
        cursor::CURSOR_LIFE,
        digest::DigestDay,
        mail_draft::{MailDraft, Recipient},
        projection::ReportProjection,
        rules::{Decision, decide},
    },
    metrics::ServiceMetrics,
    store::{
        delivery_queue::{self, DeliveryAddress, NewDelivery},
        digest::{self, DigestMail, NewDigests},
        notification::{self, NewNotification},
        report_projection,
    },
};

/// Applies the events of a producer by announcing them.
pub(crate) struct NotificationConsumer {
    /// Our own log, which is the feed.
    pub(crate) log: Log,
    /// Where institutions are reached.
    pub(crate) address_book: AddressBook,
    /// Who is on call.
    pub(crate) on_call: Watched<OnCallChain>,
    /// Opens the reports' own keys.
    pub(crate) master_key: SealingKey,
    /// Woken when there is something new in the feed.
    pub(crate) raised_wake: Arc<Notify>,
    /// Woken when there is something to deliver.
    pub(crate) due: Arc<Notify>,
    /// What the service tells about itself.
    pub(crate) metrics: ServiceMetrics,
}

#[async_trait]
impl Apply for NotificationConsumer {
    fn accepts(&self, event_type: &str) -> bool {
        incoming::concerns(event_type)
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        let incoming = events
            .iter()
            .map(|event| incoming::parse(event).map(|incoming| (event, incoming)))
            .collect::<Result<Vec<_>, _>>()?;
        let report_ids: BTreeSet<Uuid> = incoming
            .iter()
            .map(|(_, incoming)| incoming.report_id())
            .collect();
        let report_ids: Vec<Uuid> = report_ids.into_iter().collect();
        let mut known = report_projection::take(conn, &report_ids).await?;

        let now = platform::now();
        let mut decisions = Vec::with_capacity(incoming.len());
        for (event, incoming) in incoming {
            let report = known.entry(incoming.report_id()).or_default();
            let parsed = match incoming {
                IncomingEvent::Parsed(parsed) => *parsed,
                IncomingEvent::ContactsErased(_) => {
                    (report.sealed_contacts, report.data_key) = (None, None);
                    continue;
                }
            };
            let mut decision = decide(event.id, &parsed.trigger, report);
            *report = decision.known.clone();
            if is_history(event, now) {
                decision.raised.clear();
                decision.drafts.clear();
                decision.digested.clear();
            }
            decisions.push((event, parsed, decision));
        }
        report_projection::keep(conn, &known).await?;

        let candidates: Vec<NewNotification> = decisions.iter().flat_map(candidates).collect();
        let new = notification::record(conn, &candidates, now).await?;
        let on_call = self.on_call.current();
        let mut deliveries = Vec::new();
        let mut digests = NewDigests::default();
        let mut raised = Vec::new();
        for decided in &decisions {
            decided.0.span().in_scope(|| {
                raised.extend(self.raised(decided, &new, now)?);
                // An event whose notifications were raised before had its messages
                // recorded with them.
                if !raised_before(decided, &new) {
                    deliveries.extend(self.deliveries(decided, &on_call, now));
                    self.add_to_digests(&mut digests, decided, &on_call, now);
                }
                Ok::<_, ApplyError>(())
            })?;
        }
        if !deliveries.is_empty() {
            delivery_queue::add(conn, &deliveries, now).await?;
        }
        if !digests.entries.is_empty() {
            digest::add(conn, &digests, now).await?;
        }
        self.log.append(conn, &raised).await?;
        Ok(())
    }

    fn committed(&self) {
        self.log.committed();
        self.raised_wake.notify_waiters();
        self.due.notify_waiters();
    }
}

type Decided<'a> = (&'a Event, ParsedEvent, Decision);

fn candidates<'a>(
    (event, parsed, decision): &'a Decided<'_>,
) -> impl Iterator<Item = NewNotification> + 'a {
    decision.raised.iter().map(|&rule| NewNotification {
        notification_id: feed::notification_id(event.id, rule),
        event_id: event.id,
        rule: rule.name(),
        report_id: parsed.trigger.report_id(),
    })
}

fn raised_before(decided: &Decided<'_>, new: &BTreeSet<Uuid>) -> bool {
    let mut ids = candidates(decided)
        .map(|candidate| candidate.notification_id)
        .peekable();
    ids.peek().is_some() && !ids.any(|id| new.contains(&id))
}

impl NotificationConsumer {
    fn raised(
        &self,
        (event, parsed, decision): &Decided<'_>,
        new: &BTreeSet<Uuid>,
        now: OffsetDateTime,
    ) -> Result<Vec<NewEvent>, ApplyError> {
        let rules = decision.raised.iter();
        rules
            .filter(|rule| new.contains(&feed::notification_id(event.id, **rule)))
            .map(|&rule| {
                self.metrics.raised(rule);
                feed::raised(
                    event,
                    rule,
                    parsed,
                    &decision.summary,
                    &decision.known,
                    now,
                    traceparent(event),
                )
            })
            .collect()
    }

    fn deliveries(
        &self,
        (event, parsed, decision): &Decided<'_>,
        on_call: &OnCallChain,
        now: OffsetDateTime,
    ) -> Vec<NewDelivery> {
        let report_id = parsed.trigger.report_id();
        let mut deliveries = Vec::new();
        for (cause_id, draft) in &decision.drafts {
            let addresses = self.addresses(report_id, draft, &decision.known, on_call, now);
            if addresses.is_empty() {
                self.no_address(report_id, draft.recipient);
            }
            for (place, address) in addresses.into_iter().enumerate() {
                let delivery_id = delivery_id(*cause_id, draft, place);
                let address = match draft.recipient {
                    Recipient::Declarant => match self.seal(&decision.known, delivery_id, &address)
                    {
                        Some(sealed) => DeliveryAddress::Sealed(sealed),
                        None => continue,
                    },
                    _ => DeliveryAddress::Mailbox(address),
                };
                deliveries.push(NewDelivery {
                    delivery_id,
                    report_id,
                    rule: draft.rule,
                    recipient: draft.recipient.to_string(),
                    address,
                    content: draft.content.clone(),
                    traceparent: traceparent(event),
                });
            }
        }
        deliveries
    }

    /// Adds a report to the digests of the day that tell of it.
    fn add_to_digests(
        &self,
        digests: &mut NewDigests,
        (event, parsed, decision): &Decided<'_>,
        on_call: &OnCallChain,
        now: OffsetDateTime,
    ) {
        let day = DigestDay::of(event.time, now);
        for &recipient in &decision.digested {
            let mailboxes = self.address_book.mailboxes(recipient, on_call, now);
            if mailboxes.is_empty() {
                self.metrics.no_address(recipient);
                continue;
            }
            let digest_id = day.digest_id(recipient);
            let entry = (digest_id, parsed.trigger.report_id());
            let reference = decision.summary.reference.clone();
            digests.entries.insert(entry, reference);
            for mailbox in mailboxes {
                let address = mailbox.expose().as_bytes();
                let delivery_id = derived_id("delivery", &[digest_id.as_bytes(), address]);
                let mail = DigestMail {
                    digest_id,
                    recipient: recipient.to_string(),
                    mailbox,
                    due_at: day.due_at(),
                };
                digests.mails.insert(delivery_id, mail);
            }
        }
    }

    fn addresses(
        &self,
        report_id: Uuid,
        draft: &MailDraft,
        known: &ReportProjection,
        on_call: &OnCallChain,
        now: OffsetDateTime,
    ) -> Vec<EmailAddress> {
        if draft.recipient != Recipient::Declarant {
            return self.address_book.mailboxes(draft.recipient, on_call, now);
        }
        let (Some(data_key), Some(sealed)) = (&known.data_key, &known.sealed_contacts) else {
            return Vec::new();
        };
        match contacts::address(&self.master_key, report_id, data_key, sealed) {
            Ok(address) => address.into_iter().collect(),
            Err(error) => {
                // Everybody else is written to all the same.
                tracing::error!(
                    report.id = %report_id,
                    error.message = %error,
                    "the contacts of a report cannot be opened; its declarant is not written to",
                );
                Vec::new()
            }
        }
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

    fn seal(
        &self,
        known: &ReportProjection,
        delivery_id: Uuid,
        address: &EmailAddress,
    ) -> Option<Vec<u8>> {
        let key = self
            .master_key
            .unwrap_data_key(known.data_key.as_deref()?)
            .ok()?;
        Some(key.seal(
            &contacts::address_aad(delivery_id),
            address.expose().as_bytes(),
        ))
    }
}

/// Whether an event only tells how things stood: one of a snapshot, older than
/// what the feed keeps. A service that starts anew, years after the others, is
/// handed all reports; it must not write to everybody about them. What comes
/// from the log itself is applied however late.
fn is_history(event: &Event, now: OffsetDateTime) -> bool {
    event.position == 0 && now - event.time > CURSOR_LIFE
}

/// The trace that goes on: through the span of this event where spans are
/// recorded, else the request's own.
fn traceparent(event: &Event) -> Option<String> {
    platform::traceparent().or_else(|| event.traceparent.clone())
}

/// The id of a message to one address: the same at every replay.
fn delivery_id(cause_id: Uuid, draft: &MailDraft, place: usize) -> Uuid {
    #[cfg(feature = "mutants")]
    if platform::mutant::Mutant::RandomIds.is_alive() {
        return Uuid::now_v7();
    }
    let recipient = draft.recipient.to_string();
    let place = u64::try_from(place).expect("a chain has fewer than 2^64 addresses");
    derived_id(
        "delivery",
        &[
            cause_id.as_bytes(),
            draft.rule.name().as_bytes(),
            recipient.as_bytes(),
            &place.to_be_bytes(),
        ],
    )
}
