//! What a callback says once it is verified and parsed, gateway-neutral.

use super::{Fact, Money, OperationId, PaymentId, TransactionId};

/// One event of a callback; a batch holds many.
///
/// The texts are as the gateway sent them, for people. Only [`Notification::facts`] drive state, and they are
/// made from proven values alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    pub event_id: Option<String>,
    pub event_type: Option<String>,
    pub event_time: Option<Sent>,
    pub gateway_payment_id: Option<String>,
    pub merchant_reference: Option<String>,
    pub amount: Option<Money>,
    /// The event's own word: `paid`, `refund_relative`, `ignore`, … as the kind's description says.
    pub status: String,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    pub refund_id: Option<String>,
    pub dispute_id: Option<String>,
    pub livemode: Option<bool>,
    pub facts: Vec<Fact>,
    /// The message alone does not prove what it says: what to ask the gateway about.
    pub confirm: Option<Confirm>,
    /// Why it states no facts, although it should. Says what and where, never what stood there.
    pub unreadable: Option<String>,
}

/// What the gateway must be asked about before a notification may count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confirm {
    /// By the gateway's name for it.
    Payment(PaymentId),
    /// By the merchant's name for it, where the gateway's is not told.
    Reference(TransactionId),
    Refund(OperationId),
    Dispute(OperationId),
}

impl Confirm {
    /// The number the store keeps. Never reused.
    #[must_use]
    pub fn code(&self) -> i16 {
        match self {
            Self::Payment(_) => 1,
            Self::Reference(_) => 2,
            Self::Refund(_) => 3,
            Self::Dispute(_) => 4,
        }
    }

    /// The name of what is asked about, in the gateway's words or in ours.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Payment(id) => id.as_str(),
            Self::Reference(id) => id.as_str(),
            Self::Refund(id) | Self::Dispute(id) => id.as_str(),
        }
    }

    /// From [`Confirm::code`] and [`Confirm::name`].
    #[must_use]
    pub fn from_code(code: i16, name: &str) -> Option<Self> {
        match code {
            1 => name.parse().ok().map(Self::Payment),
            2 => name.parse().ok().map(Self::Reference),
            3 => name.parse().ok().map(Self::Refund),
            4 => name.parse().ok().map(Self::Dispute),
            _ => None,
        }
    }
}

/// A value with the form in which it stood in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Number(String),
    Text(String),
}
