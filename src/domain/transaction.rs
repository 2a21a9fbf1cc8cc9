//! The transaction and its projection: registration and facts in, state out.

use time::OffsetDateTime;

use super::{Fact, Failure, Holds, Money, PaymentId, Registration};

mod operation;
mod project;
#[cfg(test)]
mod tests;

/// The payment whose status we own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub registration: Registration,
    pub state: State,
    /// 1 at creation, then one more with each change of state.
    pub version: u64,
    pub create_time: OffsetDateTime,
    pub update_time: OffsetDateTime,
}

/// All that facts decide. Sums are minor units of the registered currency, never negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub status: Status,
    /// The registered payment, else the one with the money.
    pub payment: Option<PaymentId>,
    /// What must be captured: as registered, or as the gateway says while nobody registered it.
    pub expected: Option<Money>,
    pub authorized: i64,
    pub captured: i64,
    pub refunded: i64,
    pub lost: i64,
    pub dispute: Dispute,
    pub holds: Holds,
    /// Why the last attempt failed; only while the status is [`Status::Failed`].
    pub failure: Option<Failure>,
}

/// The state of a transaction with these facts, whatever their order, repetition or grouping.
#[must_use]
pub fn project<'a>(registration: &Registration, facts: impl IntoIterator<Item = &'a Fact>) -> State {
    project::project(registration, facts)
}

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal, $word:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($variant),* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The number the store and the wire keep. Never reused.
            #[must_use]
            pub fn code(self) -> i16 {
                match self { $(Self::$variant => $code),* }
            }

            #[must_use]
            pub fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

coded! {
    Status {
        Created = 1, "CREATED";
        Pending = 2, "PENDING";
        Authorized = 3, "AUTHORIZED";
        PartiallyCaptured = 4, "PARTIALLY_CAPTURED";
        Paid = 5, "PAID";
        PartiallyRefunded = 6, "PARTIALLY_REFUNDED";
        Refunded = 7, "REFUNDED";
        Reversed = 8, "REVERSED";
        Failed = 9, "FAILED";
        Cancelled = 10, "CANCELLED";
        Expired = 11, "EXPIRED";
    }
}

coded! {
    /// All disputes of a transaction in one word: an open one first, then a lost one, then a won one.
    Dispute {
        None = 1, "none";
        Open = 2, "open";
        Won = 3, "won";
        Lost = 4, "lost";
    }
}
