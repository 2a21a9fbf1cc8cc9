//! Events: the first rule whose type and conditions match says what an event means.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    facts::FactRule,
    message::Message,
    paths::Paths,
    place::{OneOrMany, Place, Texts},
};
use crate::domain::Phase;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(rename = "type")]
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
    /// Not about a payment.
    Ignore,
}

/// Event types: one or several; `*` at the end stands for anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "OneOrMany<String>")]
pub(crate) struct Types(Vec<String>);

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "ConditionFormat")]
pub(crate) struct Condition {
    pub(crate) path: Texts,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Exists(bool),
    In(Vec<String>),
    LessThan(Texts),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionFormat {
    path: Texts,
    eq: Option<Scalar>,
    r#in: Option<Vec<Scalar>>,
    exists: Option<bool>,
    less_than: Option<Texts>,
}

/// JSON's `true` and `"true"` read alike, as the signed texts of gateways do.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text, a whole number or a boolean")]
enum Scalar {
    Text(String),
    Number(i64),
    Bool(bool),
}

impl Rule {
    pub(crate) fn matches(&self, event_type: Option<&str>, message: &Message<'_>) -> bool {
        self.types.hold(event_type) && self.when.iter().all(|condition| condition.holds(message))
    }

    /// A rule for one type that only gives it a word, as `status_map` writes it.
    pub(crate) fn word_for(event_type: &str, status: Word) -> Self {
        Self {
            types: Types(vec![event_type.to_owned()]),
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
        self.0.iter().any(|pattern| match (pattern.strip_suffix('*'), event_type) {
            (Some(prefix), event_type) => event_type.unwrap_or_default().starts_with(prefix),
            (None, event_type) => event_type == Some(pattern),
        })
    }
}

impl Condition {
    pub(crate) fn holds(&self, message: &Message<'_>) -> bool {
        let Ok(value) = message.first(&self.path) else { return matches!(self.test, Test::Exists(true)) };
        match &self.test {
            Test::Exists(expected) => value.is_some() == *expected,
            Test::In(allowed) => value.is_some_and(|value| allowed.iter().any(|allowed| *allowed == value)),
            Test::LessThan(other) => {
                let other = message.first(other).ok().flatten();
                matches!((decimal(value), decimal(other)), (Some(value), Some(other)) if value < other)
            }
        }
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        let other = match &self.test {
            Test::LessThan(other) => Some(other),
            _ => None,
        };
        self.path.places().chain(other.into_iter().flat_map(Texts::places))
    }

    pub(crate) fn texts_mut(&mut self) -> impl Iterator<Item = &mut Texts> {
        let other = match &mut self.test {
            Test::LessThan(other) => Some(other),
            _ => None,
        };
        std::iter::once(&mut self.path).chain(other)
    }
}

/// A plain decimal as billionths, exactly.
fn decimal(text: Option<Cow<'_, str>>) -> Option<i128> {
    let text = text?;
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() > 18 || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<9}").parse().ok()
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
            Self::Ignore => "ignore",
        }
    }

    /// The facts that this word alone states.
    pub(crate) fn phases(self) -> &'static [Phase] {
        match self {
            Self::Pending => &[Phase::Processing],
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
            Self::NoChange | Self::Ignore => &[],
        }
    }
}

impl TryFrom<ConditionFormat> for Condition {
    type Error = &'static str;

    fn try_from(format: ConditionFormat) -> Result<Self, Self::Error> {
        let ConditionFormat { path, eq, r#in, exists, less_than } = format;
        let test = match (eq, r#in, exists, less_than) {
            (Some(value), None, None, None) => Test::In(vec![value.into_text()]),
            (None, Some(values), None, None) => Test::In(values.into_iter().map(Scalar::into_text).collect()),
            (None, None, Some(exists), None) => Test::Exists(exists),
            (None, None, None, Some(other)) => Test::LessThan(other),
            _ => return Err("a condition has exactly one of `eq`, `in`, `exists`, `less_than`"),
        };
        Ok(Self { path, test })
    }
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
        }
    }
}

impl From<OneOrMany<String>> for Types {
    fn from(types: OneOrMany<String>) -> Self {
        Self(types.into_vec())
    }
}
