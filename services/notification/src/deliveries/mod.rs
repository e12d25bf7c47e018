//! Deliveries: notices on their way to a mailbox, each a job of a channel.
//!
//! `addressing` makes the jobs of a notice; `mail`, `digest` and `call` are the channels. Channels
//! know nothing of rules, and rules nothing of mail servers.
//!
//! After which waits a message is tried again, and after how many refusals it is given up, is
//! decided for all jobs in `jobs/retry.rs` of the kit, by the numbers of `NOTIFICATION_*`.

mod addressing;
mod call;
mod digest;
mod digest_day;
mod mail;
mod mailer;
mod message;
mod rpc;
mod smtp;
mod store;

use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) use self::{
    addressing::{AddressBook, Addressing, Told},
    call::{CallChannel, CallEvents},
    digest::{DigestChannel, add_to_digests},
    mail::MailChannel,
    mailer::Mailer,
    message::Sender,
    rpc::DeliveryRpc,
    smtp::{Encryption, SmtpServer},
};

/// A delivery without its address and contents, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Delivery {
    /// Derived from the event, the rule and the recipient.
    id: Uuid,
    /// The report it is about; none of a digest.
    report_id: Option<Uuid>,
    /// The rule that asks for it.
    rule: String,
    /// Who it goes to.
    recipient: String,
    state: DeliveryState,
    /// Attempts made.
    attempts: u32,
    created_at: OffsetDateTime,
    /// When it is due; absent when done.
    due_at: Option<OffsetDateTime>,
    /// When the receiver's server took it.
    sent_at: Option<OffsetDateTime>,
    /// The class of the last error.
    last_error: Option<String>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeliveryState {
    /// To be done, now or later (en attente).
    Pending,
    /// The receiver's server took it (remis).
    Sent,
    /// Given up (abandonné).
    Dead,
}

impl DeliveryState {
    /// The slug by which queries know it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }
}

/// Which deliveries are asked for.
#[derive(Clone, Copy, Debug, Default)]
struct DeliveryFilter {
    /// Only this state.
    state: Option<DeliveryState>,
    /// Only those of this report.
    report_id: Option<Uuid>,
}
