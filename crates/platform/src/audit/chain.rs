//! The chain over audit entries: what a seal binds.

use aws_lc_rs::digest::{Context, SHA256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::SealingKey;

/// An entry as it stands in the table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) transaction_id: i64,
    pub(super) audit_entry_id: Uuid,
    pub(super) recorded_at: OffsetDateTime,
    pub(super) caller_subject: String,
    pub(super) caller_roles: Vec<String>,
    pub(super) action: String,
    pub(super) object: String,
    pub(super) outcome: String,
    /// As PostgreSQL writes it, which is always in one way.
    pub(super) detail: String,
    pub(super) trace_id: Option<String>,
}

/// A seal as it stands in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) number: i64,
    pub(super) sealed_at: OffsetDateTime,
    /// Binds the entries of transactions below this one, from where the seal before
    /// it ends.
    pub(super) until: i64,
    pub(super) entries: i64,
    pub(super) total: i64,
    pub(super) chain: Vec<u8>,
    pub(super) signature: Option<Vec<u8>>,
}

impl Seal {
    /// The seal after this one, over entries in their order.
    pub(super) fn next(
        &self,
        service: &str,
        entries: &[Entry],
        until: i64,
        sealed_at: OffsetDateTime,
        key: &SealingKey,
    ) -> Self {
        let mut next = Self {
            number: self.number + 1,
            sealed_at,
            until,
            entries: i64::try_from(entries.len()).unwrap_or(i64::MAX),
            total: 0,
            chain: Vec::new(),
            signature: None,
        };
        next.total = self.total + next.entries;
        next.chain = next.chain_after(self, service, entries);
        next.signature = Some(key.seal(&purpose(service, next.number), &next.chain));
        next
    }

    /// The chain that this seal has when it follows `before` and binds the entries.
    pub(super) fn chain_after(&self, before: &Self, service: &str, entries: &[Entry]) -> Vec<u8> {
        let mut bytes = Bytes(Context::new(&SHA256));
        bytes.put(b"vigie audit seal 1");
        bytes.put(service.as_bytes());
        bytes.put(&before.chain);
        for number in [
            before.total,
            self.number,
            self.until,
            self.entries,
            self.total,
            micros(self.sealed_at),
        ] {
            bytes.put(&number.to_be_bytes());
        }
        for entry in entries {
            bytes.put_entry(entry);
        }
        bytes.0.finish().as_ref().to_vec()
    }

    /// Whether this is what a chain begins with: it binds the number of the entries from
    /// before, which the first seal repeats.
    pub(super) fn is_beginning(&self) -> bool {
        let Self {
            number,
            until,
            entries,
            total,
            chain,
            signature,
            sealed_at: _,
        } = self;
        (*number, *until) == (0, 0) && entries == total && chain.is_empty() && signature.is_none()
    }

    /// Whether the chain of this seal was signed under one of these keys.
    pub(super) fn is_signed(&self, service: &str, key: &SealingKey) -> bool {
        let signature = self.signature.as_deref().unwrap_or_default();
        let signed = key.open(&purpose(service, self.number), signature);
        signed.is_ok_and(|signed| signed == self.chain)
    }
}

/// Puts entries in the order in which a seal binds them.
pub(super) fn in_order(entries: &mut [Entry]) {
    entries.sort_by_key(|entry| (entry.transaction_id, entry.audit_entry_id));
}

fn purpose(service: &str, seal: i64) -> Vec<u8> {
    format!("vigie audit seal:{service}:{seal}").into_bytes()
}

/// PostgreSQL keeps a moment to the microsecond.
fn micros(moment: OffsetDateTime) -> i64 {
    i64::try_from(moment.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

/// Fields one after the other, each behind its length: no two lists give the same
/// bytes.
struct Bytes(Context);

impl Bytes {
    fn put(&mut self, field: &[u8]) {
        self.0.update(&(field.len() as u64).to_be_bytes());
        self.0.update(field);
    }

    fn put_entry(&mut self, entry: &Entry) {
        let Entry {
            transaction_id,
            audit_entry_id,
            recorded_at,
            caller_subject,
            caller_roles,
            action,
            object,
            outcome,
            detail,
            trace_id,
        } = entry;
        self.put(&transaction_id.to_be_bytes());
        self.put(audit_entry_id.as_bytes());
        self.put(&micros(*recorded_at).to_be_bytes());
        self.put(caller_subject.as_bytes());
        self.put(&(caller_roles.len() as u64).to_be_bytes());
        for role in caller_roles {
            self.put(role.as_bytes());
        }
        for text in [action, object, outcome, detail] {
            self.put(text.as_bytes());
        }
        // An absent trace is no empty one.
        self.put(&[u8::from(trace_id.is_some())]);
        self.put(trace_id.as_deref().unwrap_or_default().as_bytes());
    }
}
