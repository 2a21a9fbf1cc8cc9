//! What is handed to the write path, and what comes back.

use time::OffsetDateTime;

use crate::domain::{CallbackId, Confirm, Fact, GatewayId, Mark, TransactionId};

/// A verified callback, as it is kept.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub callback_id: CallbackId,
    pub gateway: GatewayId,
    /// Digest of what identifies one delivery; a repeat of it is a duplicate.
    pub dedupe_key: [u8; 16],
    pub received_at: OffsetDateTime,
    /// `METHOD path?query`, as received.
    pub request_line: String,
    /// The allowed ones, as `name: value` lines.
    pub headers: String,
    pub body: Vec<u8>,
    /// Which key proved it.
    pub key_id: String,
    pub reading: Reading,
    /// What the gateway must be asked about, because this callback does not prove it.
    pub confirm: Vec<Confirm>,
    pub unregistered: Unregistered,
    pub traceparent: Option<String>,
}

/// What a verified callback says.
#[derive(Clone, Debug)]
pub enum Reading {
    Facts(Vec<Fact>),
    /// States nothing of a payment. With something to confirm it is a hint at its state, else it is not about one.
    Ignored,
    /// Authentic, but it could not be read: why.
    Unreadable(String),
}

/// What to do with facts that nobody registered a transaction for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unregistered {
    Park,
    Adopt,
}

/// A callback that could not prove itself; kept within a quota.
#[derive(Clone, Debug)]
pub struct Rejected {
    pub gateway: GatewayId,
    pub received_at: OffsetDateTime,
    pub remote_address: String,
    pub request_line: String,
    pub headers: String,
    pub body: Vec<u8>,
    pub reason: String,
}

/// What became of one recorded callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub callback_id: CallbackId,
    pub outcome: Outcome,
    pub transactions: Vec<TransactionId>,
    /// Everything this callback changed stands at or before this mark on the feed.
    pub mark: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Applied,
    Duplicate,
    Parked,
    Ignored,
    Held,
    Unreadable,
}
