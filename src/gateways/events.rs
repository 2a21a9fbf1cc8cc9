//! Events: the first rule whose type and conditions match says what an event means.

use serde::Deserialize;

pub(crate) use super::condition::Condition;
use super::{facts::FactRule, message::Message, paths::Paths, pattern::Pattern, text::OneOrMany};
use crate::domain::Phase;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(rename = "type", default)]
    pub(crate) types: Types,
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
    pub(crate) status: Word,
    /// Replaces single entries of the description's paths.
    #[serde(default)]
    pub(crate) paths: Paths,
    /// Said where the status word alone does not say it; an empty list means none.
    pub(crate) facts: Option<Vec<FactRule>>,
    pub(crate) unproven: Option<Unproven>,
}

/// What to do with a rule that looks at values which the proof does not cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unproven {
    /// Its word and values are shown to people; the facts come from the next proven rule that matches.
    ShowOnly,
    /// Its facts do not count until the gateway confirms them: each raises `CONFIRMATION_REQUIRED`.
    Confirm,
}

/// The event's own word for what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    Pending,
    RequiresAction,
    Authorized,
    PartiallyCaptured,
    Paid,
    Failed,
    Canceled,
    Expired,
    /// One more refund; whether all is refunded then is for the sums to say.
    RefundRelative,
    PartiallyRefunded,
    Refunded,
    Disputed,
    ChargebackLost,
    DisputeWon,
    /// Recorded; says only what its `facts` say.
    NoChange,
    /// Only a hint: the gateway has to be asked what happened.
    Fetch,
    /// Not about a payment.
    Ignore,
    /// Says nothing of its own, and is shown as nothing.
    None,
}

/// Event types: one or several; `*` at the beginning or the end stands for anything, also for no type at all.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "OneOrMany<Pattern>")]
pub(crate) struct Types(Vec<Pattern>);

impl Rule {
    pub(crate) fn matches(&self, event_type: Option<&str>, message: &Message<'_>) -> bool {
        self.types.hold(event_type) && self.when.iter().all(|condition| condition.holds(message))
    }

    pub(crate) fn takes_any_type(&self) -> bool {
        self.types.0.iter().any(|pattern| *pattern == Pattern::Begins(String::new()))
    }

    /// A rule for one type that only gives it a word, as `status_map` writes it.
    pub(crate) fn word_for(event_type: &str, status: Word) -> Self {
        Self {
            types: Types(vec![Pattern::exact(event_type.to_owned())]),
            when: Vec::new(),
            status,
            paths: Paths::default(),
            facts: None,
            unproven: None,
        }
    }
}

impl Types {
    fn hold(&self, event_type: Option<&str>) -> bool {
        let text = event_type.unwrap_or_default();
        let fits = |pattern: &Pattern| match pattern {
            Pattern::Exact(_) => event_type.is_some() && pattern.fits(text),
            _ => pattern.fits(text),
        };
        self.0.iter().any(fits)
    }
}

impl Default for Types {
    fn default() -> Self {
        Self(vec![Pattern::Begins(String::new())])
    }
}

impl Word {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Authorized => "authorized",
            Self::PartiallyCaptured => "partially_captured",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::RefundRelative => "refund_relative",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Disputed => "disputed",
            Self::ChargebackLost => "chargeback_lost",
            Self::DisputeWon => "dispute_won",
            Self::NoChange => "no_change",
            Self::Fetch => "fetch",
            Self::Ignore => "ignore",
            Self::None => "",
        }
    }

    /// The facts that this word alone states.
    pub(crate) fn phases(self) -> &'static [Phase] {
        match self {
            Self::Pending | Self::Fetch => &[Phase::Processing],
            Self::RequiresAction => &[Phase::ActionRequired],
            Self::Authorized => &[Phase::Authorized],
            Self::Paid | Self::PartiallyCaptured => &[Phase::Authorized, Phase::Captured],
            Self::Failed => &[Phase::AttemptFailed],
            Self::Canceled => &[Phase::Cancelled],
            Self::Expired => &[Phase::Expired],
            Self::RefundRelative | Self::PartiallyRefunded | Self::Refunded => &[Phase::Refunded],
            Self::Disputed => &[Phase::DisputeOpened],
            Self::ChargebackLost => &[Phase::DisputeLost],
            Self::DisputeWon => &[Phase::DisputeWon],
            Self::NoChange | Self::Ignore | Self::None => &[],
        }
    }
}

impl From<OneOrMany<Pattern>> for Types {
    fn from(types: OneOrMany<Pattern>) -> Self {
        Self(types.into_vec())
    }
}
