//! Samples: what a kind can send, by what it reports.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::gateways::text_or_table::TextOrTable;

/// What a kind can send, by what it reports, with `{{placeholders}}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Samples(BTreeMap<Step, Sample>);

/// A body alone, or with what else a request has. Forms and queries are `name=value` lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "SampleFormat")]
pub(super) struct Sample {
    pub(super) body: String,
    pub(super) query: String,
    pub(super) inner: Option<String>,
    pub(super) headers: BTreeMap<String, String>,
}

type SampleFormat = TextOrTable<String, RequestFormat>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RequestFormat {
    body: String,
    query: String,
    inner: Option<String>,
    headers: BTreeMap<String, String>,
}

/// One event in the life of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Step {
    RequiresAction,
    Authorized,
    Captured,
    /// Authorized and captured in one; a kind without it reports the two apart.
    Paid,
    Failed,
    Refunded,
    RefundFailed,
    DisputeOpened,
    DisputeWon,
    DisputeLost,
    Expired,
}

/// Each step by its key in `[simulate]`.
const STEPS: [(&str, Step); 11] = [
    ("requires_action", Step::RequiresAction),
    ("authorized", Step::Authorized),
    ("captured", Step::Captured),
    ("paid", Step::Paid),
    ("failed", Step::Failed),
    ("refunded", Step::Refunded),
    ("refund_failed", Step::RefundFailed),
    ("dispute_opened", Step::DisputeOpened),
    ("dispute_won", Step::DisputeWon),
    ("dispute_lost", Step::DisputeLost),
    ("expired", Step::Expired),
];

impl Samples {
    pub(super) fn get(&self, step: Step) -> Option<&Sample> {
        self.0.get(&step)
    }
}

impl From<SampleFormat> for Sample {
    fn from(format: SampleFormat) -> Self {
        let RequestFormat { body, query, inner, headers } = match format {
            SampleFormat::Text(body) => RequestFormat { body, ..RequestFormat::default() },
            SampleFormat::Table(request) => request,
        };
        Self { body, query, inner, headers }
    }
}

/// From text, so that an error knows the key that it is in.
impl TryFrom<String> for Step {
    type Error = String;

    fn try_from(key: String) -> Result<Self, String> {
        let known = STEPS.iter().find(|(name, _)| *name == key);
        known.map(|(_, step)| *step).ok_or_else(|| {
            let names: Vec<String> = STEPS.iter().map(|(name, _)| format!("`{name}`")).collect();
            format!("unknown key `{key}`, expected one of {}", names.join(", "))
        })
    }
}

impl Step {
    /// Steps of one operation share its name: a refund and its failure, a dispute and its end.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::Refunded | Self::RefundFailed => "r",
            Self::DisputeOpened | Self::DisputeWon | Self::DisputeLost => "d",
            _ => "c",
        }
    }
}
