//! Facts: what the world said, one normalised and immutable statement at a time.
//!
//! A transaction's state is a function of its set of facts, so a fact holds everything the projection needs
//! and nothing that depends on when or how often it arrived.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{Hold, Money, OperationId, PaymentId, TransactionId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub key: FactKey,
    pub correlation: Correlation,
    pub details: Details,
}

/// What makes two statements the same fact. The store keeps each key of a gateway once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactKey {
    pub phase: Phase,
    pub operation: OperationId,
    /// 1 for everything but the later rounds of a dispute.
    pub round: u16,
    pub amount: Option<Money>,
    pub tally: Tally,
    /// Why this statement must not count, although it is authentic: it came in the wrong mode, for another
    /// account, or without proof of what it says. It raises that hold and does nothing else.
    pub held: Option<Hold>,
}

/// How the amounts of one operation add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tally {
    /// The amount of this operation alone: operations are summed.
    Single,
    /// The total so far (Stripe's `amount_refunded`): the largest one stands.
    Cumulative,
}

/// Which transaction a fact is about, in the gateway's words and in ours. At least one is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Correlation {
    pub payment: Option<PaymentId>,
    pub reference: Option<TransactionId>,
}

/// What may differ between two reports of one fact. [`Details::merge`] makes them one, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// When it happened by the gateway's clock, if the gateway's proof covers that time.
    pub occurred_at: Option<OffsetDateTime>,
    pub failure: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// When it failed, by the gateway's clock; first, so that the latest failure is the largest.
    pub at: Option<OffsetDateTime>,
    pub code: String,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    Attempt,
    Capture,
    Refund,
    Dispute,
    Expiry,
    Cancel,
}

macro_rules! phases {
    ($($phase:ident = $code:literal, $kind:ident, $rank:literal, $word:literal;)*) => {
        /// How far an operation got. Of one operation the higher [`Phase::rank`] wins, whatever arrived first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Phase { $($phase),* }

        impl Phase {
            pub const ALL: &[Self] = &[$(Self::$phase),*];

            #[must_use]
            pub fn kind(self) -> FactKind {
                match self { $(Self::$phase => FactKind::$kind),* }
            }

            #[must_use]
            pub fn rank(self) -> u8 {
                match self { $(Self::$phase => $rank),* }
            }

            /// The number the store keeps. Never reused.
            #[must_use]
            pub fn code(self) -> i16 {
                match self { $(Self::$phase => $code),* }
            }

            #[must_use]
            pub fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$phase),)* _ => None }
            }

            /// `kind.phase`, as descriptions of gateways and `inspect` write it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$phase => $word),* }
            }
        }
    };
}

phases! {
    ActionRequired = 11, Attempt, 1, "attempt.action_required";
    Processing = 12, Attempt, 1, "attempt.processing";
    AwaitingFunds = 13, Attempt, 1, "attempt.awaiting_funds";
    AttemptFailed = 14, Attempt, 2, "attempt.failed";
    Abandoned = 15, Attempt, 2, "attempt.abandoned";
    Authorized = 16, Attempt, 3, "attempt.authorized";
    Voided = 17, Attempt, 4, "attempt.voided";
    AuthExpired = 18, Attempt, 4, "attempt.auth_expired";
    CapturePending = 21, Capture, 1, "capture.pending";
    CaptureFailed = 22, Capture, 2, "capture.failed";
    Captured = 23, Capture, 3, "capture.succeeded";
    Returned = 24, Capture, 4, "capture.returned";
    RefundPending = 31, Refund, 1, "refund.pending";
    Refunded = 32, Refund, 2, "refund.succeeded";
    RefundFailed = 33, Refund, 3, "refund.failed";
    RefundReversed = 34, Refund, 3, "refund.reversed";
    DisputeOpened = 41, Dispute, 1, "dispute.opened";
    DisputeUnderReview = 42, Dispute, 2, "dispute.under_review";
    DisputeWon = 43, Dispute, 3, "dispute.won";
    DisputeLost = 44, Dispute, 3, "dispute.lost";
    Expired = 51, Expiry, 1, "expiry.expired";
    Cancelled = 61, Cancel, 1, "cancel.cancelled";
}

// === impl Details ===

impl Details {
    /// Joins two reports of one fact: the earliest time, the latest failure.
    /// Commutative, associative and idempotent, so the order of arrival leaves no trace.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let earlier = |a: &Option<OffsetDateTime>, b: &Option<OffsetDateTime>| match (a, b) {
            (Some(a), Some(b)) => Some(*a.min(b)),
            (a, b) => a.or(*b),
        };
        Self {
            occurred_at: earlier(&self.occurred_at, &other.occurred_at),
            failure: self.failure.clone().max(other.failure.clone()),
        }
    }
}

/// Unites facts by key. What projects equally must compare equally, so this is the canonical form.
#[must_use]
pub fn union(facts: impl IntoIterator<Item = Fact>) -> Vec<Fact> {
    let mut united: BTreeMap<FactKey, Fact> = BTreeMap::new();
    for fact in facts {
        united
            .entry(fact.key.clone())
            .and_modify(|known| {
                known.details = known.details.merge(&fact.details);
                known.correlation = known.correlation.join(&fact.correlation);
            })
            .or_insert(fact);
    }
    united.into_values().collect()
}

impl Correlation {
    /// Two reports of one fact may each know only one of the names.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        fn smaller<T: Ord + Clone>(a: &Option<T>, b: &Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a.min(b).clone()),
                (a, b) => a.clone().or_else(|| b.clone()),
            }
        }
        Self {
            payment: smaller(&self.payment, &other.payment),
            reference: smaller(&self.reference, &other.reference),
        }
    }
}

impl Phase {
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|phase| phase.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_are_one_to_one() {
        for &phase in Phase::ALL {
            assert_eq!(Phase::from_code(phase.code()), Some(phase));
            assert_eq!(Phase::from_word(phase.word()), Some(phase));
        }
    }
}
