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
        cause::{self, Heard, News},
        contacts, feed,
    },
    domain::{
        address_book::{AddressBook, OnCallChain},
        cursor::CURSOR_LIFE,
        known::KnownReport,
        letter::{Letter, Recipient},
        matrix::{Decision, decide},
    },
    metrics::ServiceMetrics,
    store::{
        delivery_queue::{self, DeliveryAddress, NewDelivery},
        known_report,
        notification::{self, NewNotification},
    },
};

/// Applies the events of a producer by announcing them.
pub(crate) struct Announcer {
    /// Our own log, which is the feed.
    pub(crate) log: Log,
    /// Where institutions are reached.
    pub(crate) address_book: AddressBook,
    /// Who is on call.
    pub(crate) on_call: Watched<OnCallChain>,
    /// Opens the reports' own keys.
    pub(crate) master_key: SealingKey,
    /// Woken when there is something new in the feed.
    pub(crate) news: Arc<Notify>,
    /// Woken when there is something to deliver.
    pub(crate) due: Arc<Notify>,
    /// What the service tells about itself.
    pub(crate) metrics: ServiceMetrics,
}

#[async_trait]
impl Apply for Announcer {
    fn accepts(&self, event_type: &str) -> bool {
        cause::concerns(event_type)
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        let news = events
            .iter()
            .map(|event| cause::read(event).map(|news| (event, news)))
            .collect::<Result<Vec<_>, _>>()?;
        let report_ids: BTreeSet<Uuid> = news.iter().map(|(_, news)| news.report_id()).collect();
        let report_ids: Vec<Uuid> = report_ids.into_iter().collect();
        let mut known = known_report::take(conn, &report_ids).await?;

        let now = platform::now();
        let mut decisions = Vec::with_capacity(news.len());
        for (event, news) in news {
            let report = known.entry(news.report_id()).or_default();
            let heard = match news {
                News::Heard(heard) => *heard,
                News::ContactsErased(_) => {
                    (report.sealed_contacts, report.data_key) = (None, None);
                    continue;
                }
            };
            let mut decision = decide(event.id, &heard.cause, report);
            *report = decision.known.clone();
            if is_history(event, now) {
                decision.raised.clear();
                decision.letters.clear();
            }
            decisions.push((event, heard, decision));
        }
        known_report::keep(conn, &known).await?;

        let candidates: Vec<NewNotification> = decisions.iter().flat_map(candidates).collect();
        let new = notification::record(conn, &candidates, now).await?;
        let on_call = self.on_call.current();
        let mut deliveries = Vec::new();
        let mut raised = Vec::new();
        for told in &decisions {
            told.0.span().in_scope(|| {
                raised.extend(self.raised(told, &new, now));
                // An event whose notifications were raised before had its messages
                // recorded with them.
                if !raised_before(told, &new) {
                    deliveries.extend(self.deliveries(told, &on_call, now));
                }
            });
        }
        if !deliveries.is_empty() {
            delivery_queue::add(conn, &deliveries, now).await?;
        }
        self.log.append(conn, &raised).await?;
        Ok(())
    }

    fn committed(&self) {
        self.log.committed();
        self.news.notify_waiters();
        self.due.notify_waiters();
    }
}

type Told<'a> = (&'a Event, Heard, Decision);

fn candidates<'a>(
    (event, heard, decision): &'a Told<'_>,
) -> impl Iterator<Item = NewNotification> + 'a {
    decision.raised.iter().map(|&rule| NewNotification {
        notification_id: feed::notification_id(event.id, rule),
        event_id: event.id,
        rule: rule.name(),
        report_id: heard.cause.report_id(),
    })
}

fn raised_before(told: &Told<'_>, new: &BTreeSet<Uuid>) -> bool {
    let mut ids = candidates(told)
        .map(|candidate| candidate.notification_id)
        .peekable();
    ids.peek().is_some() && !ids.any(|id| new.contains(&id))
}

impl Announcer {
    fn raised(
        &self,
        (event, heard, decision): &Told<'_>,
        new: &BTreeSet<Uuid>,
        now: OffsetDateTime,
    ) -> Vec<NewEvent> {
        let rules = decision.raised.iter();
        rules
            .filter(|rule| new.contains(&feed::notification_id(event.id, **rule)))
            .map(|&rule| {
                self.metrics.raised(rule);
                let case_id = decision.known.case_id;
                feed::raised(
                    event,
                    rule,
                    heard,
                    &decision.situation,
                    case_id,
                    now,
                    traceparent(event),
                )
            })
            .collect()
    }

    fn deliveries(
        &self,
        (event, heard, decision): &Told<'_>,
        on_call: &OnCallChain,
        now: OffsetDateTime,
    ) -> Vec<NewDelivery> {
        let report_id = heard.cause.report_id();
        let mut deliveries = Vec::new();
        for (cause_id, letter) in &decision.letters {
            let addresses = self.addresses(report_id, letter, &decision.known, on_call, now);
            if addresses.is_empty() {
                self.without_address(report_id, letter.recipient);
            }
            for (place, address) in addresses.into_iter().enumerate() {
                let delivery_id = delivery_id(*cause_id, letter, place);
                let address = match letter.recipient {
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
                    rule: letter.rule.name(),
                    recipient: letter.recipient.to_string(),
                    address,
                    content: letter.content.clone(),
                    traceparent: traceparent(event),
                });
            }
        }
        deliveries
    }

    fn addresses(
        &self,
        report_id: Uuid,
        letter: &Letter,
        known: &KnownReport,
        on_call: &OnCallChain,
        now: OffsetDateTime,
    ) -> Vec<EmailAddress> {
        if letter.recipient != Recipient::Declarant {
            return self.address_book.mailboxes(letter.recipient, on_call, now);
        }
        let (Some(data_key), Some(sealed)) = (&known.data_key, &known.sealed_contacts) else {
            return Vec::new();
        };
        match contacts::address(&self.master_key, report_id, data_key, sealed) {
            Ok(address) => address.into_iter().collect(),
            Err(error) => {
                // Everybody else is told all the same.
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
    fn without_address(&self, report_id: Uuid, recipient: Recipient) {
        match recipient {
            // An installation may leave the health authority to the stream.
            Recipient::HealthAuthority => return,
            Recipient::OnCall => tracing::error!(
                report.id = %report_id,
                "nobody is on call now: complete the on-call chain and call somebody",
            ),
            _ => {}
        }
        self.metrics.without_address(recipient);
    }

    fn seal(
        &self,
        known: &KnownReport,
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
/// told of all reports; it must not write to everybody about them. What comes
/// from the log itself is told however late.
fn is_history(event: &Event, now: OffsetDateTime) -> bool {
    event.position == 0 && now - event.time > CURSOR_LIFE
}

/// The trace that goes on: through the span of this event where spans are
/// recorded, else the request's own.
fn traceparent(event: &Event) -> Option<String> {
    platform::traceparent().or_else(|| event.traceparent.clone())
}

/// The id of a message to one address: the same at every replay.
fn delivery_id(cause_id: Uuid, letter: &Letter, place: usize) -> Uuid {
    #[cfg(feature = "mutants")]
    if platform::mutant::Mutant::RandomIds.is_alive() {
        return Uuid::now_v7();
    }
    let recipient = letter.recipient.to_string();
    let place = u64::try_from(place).expect("a chain has fewer than 2^64 addresses");
    derived_id(
        "delivery",
        &[
            cause_id.as_bytes(),
            letter.rule.name().as_bytes(),
            recipient.as_bytes(),
            &place.to_be_bytes(),
        ],
    )
}
