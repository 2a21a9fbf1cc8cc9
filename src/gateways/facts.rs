//! Facts: from what an event means to the statements that decide a transaction's state.

use serde::Deserialize;

use super::{events::Word, text::Texts};
use crate::domain::{FactKind, Phase, Tally};

/// One fact that an event states.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactRule {
    #[serde(deserialize_with = "phase")]
    pub(crate) phase: Phase,
    /// The operation's own name. Else the refund's or dispute's id, else the payment's.
    pub(crate) operation: Option<Texts>,
    pub(crate) amount: Option<Texts>,
    #[serde(default, deserialize_with = "some_tally")]
    pub(crate) tally: Option<Tally>,
    /// 2 for a second chargeback.
    pub(crate) round: Option<u16>,
}

/// How the amounts of each kind of operation add up: `single` (each adds) or `cumulative` (the largest stands).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tallies {
    #[serde(deserialize_with = "tally")]
    attempt: Tally,
    #[serde(deserialize_with = "tally")]
    capture: Tally,
    #[serde(deserialize_with = "tally")]
    refund: Tally,
}

impl FactRule {
    /// What a status word states by itself.
    pub(crate) fn of(word: Word) -> Vec<Self> {
        let plain = |&phase| Self { phase, operation: None, amount: None, tally: None, round: None };
        word.phases().iter().map(plain).collect()
    }
}

impl Tallies {
    pub(crate) fn of(self, phase: Phase) -> Tally {
        match phase.kind() {
            FactKind::Attempt => self.attempt,
            FactKind::Capture => self.capture,
            FactKind::Refund => self.refund,
            FactKind::Dispute | FactKind::Expiry | FactKind::Cancel => Tally::Single,
        }
    }
}

impl Default for Tallies {
    fn default() -> Self {
        Self { attempt: Tally::Single, capture: Tally::Single, refund: Tally::Single }
    }
}

/// Whether an amount is part of what this phase says.
pub(crate) fn moves_money(phase: Phase) -> bool {
    match phase {
        Phase::Authorized | Phase::Captured | Phase::Returned | Phase::Refunded => true,
        // What failed may stand in a total that was reported before.
        Phase::RefundFailed | Phase::RefundReversed => true,
        Phase::DisputeOpened | Phase::DisputeUnderReview | Phase::DisputeWon | Phase::DisputeLost => true,
        Phase::ActionRequired | Phase::Processing | Phase::AwaitingFunds | Phase::AttemptFailed => false,
        Phase::Abandoned | Phase::Voided | Phase::AuthExpired | Phase::CapturePending => false,
        Phase::CaptureFailed | Phase::RefundPending => false,
        Phase::Expired | Phase::Cancelled => false,
    }
}

/// Whether money leaves the merchant. Some gateways write it with a minus then; anywhere else a minus is a
/// statement of its own, and nobody may read it as money that came in.
pub(crate) fn takes_money(phase: Phase) -> bool {
    matches!(phase.kind(), FactKind::Refund | FactKind::Dispute) || phase == Phase::Returned
}

fn phase<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Phase, D::Error> {
    let word = String::deserialize(deserializer)?;
    Phase::from_word(&word).ok_or_else(|| {
        let known: Vec<_> = Phase::ALL.iter().map(|phase| format!("`{}`", phase.word())).collect();
        serde::de::Error::custom(format!("unknown phase `{word}`, expected one of {}", known.join(", ")))
    })
}

fn tally<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Tally, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "single" => Ok(Tally::Single),
        "cumulative" => Ok(Tally::Cumulative),
        word => {
            let what = format!("unknown tally `{word}`, expected `single` or `cumulative`");
            Err(serde::de::Error::custom(what))
        }
    }
}

fn some_tally<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Tally>, D::Error> {
    tally(deserializer).map(Some)
}
