//! Simulation: what a gateway would send over the life of a payment, signed as the gateway signs.

use std::collections::BTreeMap;

use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Gateway, Signing, SigningError};
use crate::domain::{Callback, Currency, Money};

/// The bodies a kind can send, by what they report, with `{{placeholders}}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Samples(BTreeMap<Step, String>);

/// One event in the life of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
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

macro_rules! scenarios {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// A story that can be played.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Scenario { $($(#[$doc])* $name),* }

        impl Scenario {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }
        }
    };
}

scenarios! {
    Success = "success";
    Decline = "decline";
    ThreeDSecure = "three_d_secure";
    PartialCapture = "partial_capture";
    Refund = "refund";
    PartialRefund = "partial_refund";
    RefundFailure = "refund_failure";
    DisputeWon = "dispute_won";
    DisputeLost = "dispute_lost";
    Expiry = "expiry";
    /// The same callback twice.
    Duplicate = "duplicate";
    /// The refund before the payment.
    Reordered = "reordered";
    WrongAmount = "wrong_amount";
    WrongCurrency = "wrong_currency";
    /// Changed after it was signed.
    Forged = "forged";
}

/// The payment that a story is about.
#[derive(Clone, Debug)]
pub struct Payment<'p> {
    pub payment_id: &'p str,
    pub merchant_reference: &'p str,
    pub amount: Money,
    /// Other seeds give other event ids.
    pub seed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulationError {
    #[error("kind {kind} has no sample for the scenario {scenario}")]
    NoSample { kind: String, scenario: &'static str },
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl Scenario {
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scenario| scenario.word() == word)
    }

    fn steps(self) -> &'static [(Step, Share)] {
        use {Share::*, Step::*};
        match self {
            Self::Success | Self::Duplicate | Self::WrongAmount | Self::WrongCurrency | Self::Forged => {
                &[(Paid, Whole)]
            }
            Self::Decline => &[(Failed, Whole)],
            Self::ThreeDSecure => &[(RequiresAction, Whole), (Paid, Whole)],
            Self::PartialCapture => &[(Authorized, Whole), (Captured, Part)],
            Self::Refund => &[(Paid, Whole), (Refunded, Whole)],
            Self::PartialRefund => &[(Paid, Whole), (Refunded, Part)],
            Self::RefundFailure => &[(Paid, Whole), (Refunded, Whole), (RefundFailed, Whole)],
            Self::DisputeWon => &[(Paid, Whole), (DisputeOpened, Whole), (Step::DisputeWon, Whole)],
            Self::DisputeLost => &[(Paid, Whole), (DisputeOpened, Whole), (Step::DisputeLost, Whole)],
            Self::Expiry => &[(Expired, Whole)],
            Self::Reordered => &[(Refunded, Part), (Paid, Whole)],
        }
    }

    /// The payment as the gateway will tell it.
    fn told<'p>(self, payment: &Payment<'p>) -> Payment<'p> {
        let mut told = payment.clone();
        match self {
            Self::WrongAmount => told.amount = Share::Part.of(payment.amount),
            Self::WrongCurrency => told.amount = in_other_currency(payment.amount),
            _ => {}
        }
        told
    }
}

#[derive(Clone, Copy, Debug)]
enum Share {
    Whole,
    Part,
}

impl Share {
    fn of(self, money: Money) -> Money {
        match self {
            Self::Whole => money,
            Self::Part => Money::new(money.minor_units() / 2, money.currency()).unwrap_or(money),
        }
    }
}

fn in_other_currency(money: Money) -> Money {
    let code = if money.currency().as_str() == "USD" { "EUR" } else { "USD" };
    let other = Currency::parse(code).and_then(|currency| Money::new(money.minor_units(), currency));
    other.unwrap_or(money)
}

impl Gateway {
    /// The signed callbacks of a story, in the order in which they arrive.
    pub fn simulate(
        &self,
        scenario: Scenario,
        payment: &Payment<'_>,
        now: OffsetDateTime,
    ) -> Result<Vec<Callback>, SimulationError> {
        let told = scenario.told(payment);
        let mut callbacks = Vec::new();
        for (step, share) in scenario.steps().iter().flat_map(|&(step, share)| self.playable(step, share)) {
            let Some(sample) = self.samples.0.get(&step) else {
                let kind = self.kind.clone();
                return Err(SimulationError::NoSample { kind, scenario: scenario.word() });
            };
            let event_id = format!("{:012x}{:02}", payment.seed, callbacks.len());
            let body = self.filled(sample, &told, step, share.of(told.amount), &event_id, now);
            callbacks.push(self.sign(&Signing { body: &body, event_id: &event_id, now })?);
        }
        match scenario {
            Scenario::Duplicate => callbacks.extend_from_within(..),
            Scenario::Forged => {
                callbacks.iter_mut().for_each(|callback| forge(callback, payment.merchant_reference));
            }
            _ => {}
        }
        Ok(callbacks)
    }

    /// A sale in one step, where the kind has one, else its two halves. Not every gateway reports that the
    /// customer must act.
    fn playable(&self, step: Step, share: Share) -> Vec<(Step, Share)> {
        match step {
            step if self.samples.0.contains_key(&step) => vec![(step, share)],
            Step::Paid => vec![(Step::Authorized, share), (Step::Captured, share)],
            Step::RequiresAction => Vec::new(),
            step => vec![(step, share)],
        }
    }

    fn filled(
        &self,
        sample: &str,
        payment: &Payment<'_>,
        step: Step,
        amount: Money,
        event_id: &str,
        now: OffsetDateTime,
    ) -> String {
        let digits = |money| self.amounts.write(self.unit, money);
        let currency = amount.currency();
        let account = self.account.as_ref().map_or("", |account| account.ours.as_str());
        let values = [
            ("payment_id", inside_quotes(payment.payment_id)),
            ("merchant_reference", inside_quotes(payment.merchant_reference)),
            ("account", inside_quotes(account)),
            ("amount", digits(amount)),
            ("full_amount", digits(payment.amount)),
            ("currency", currency.to_string()),
            ("currency_lower", currency.to_string().to_lowercase()),
            ("event_id", event_id.to_owned()),
            ("operation_id", format!("{:012x}{}", payment.seed, step.operation())),
            ("unix_time", now.unix_timestamp().to_string()),
            ("rfc3339_time", now.format(&Rfc3339).unwrap_or_default()),
            ("livemode", self.expects_live.unwrap_or(false).to_string()),
        ];
        let fill =
            |body: String, (name, value): &(&str, String)| body.replace(&format!("{{{{{name}}}}}"), value);
        values.iter().fold(sample.trim_start().to_owned(), fill)
    }
}

impl Step {
    /// Steps of one operation share its name: a refund and its failure, a dispute and its end.
    fn operation(self) -> &'static str {
        match self {
            Self::Refunded | Self::RefundFailed => "r",
            Self::DisputeOpened | Self::DisputeWon | Self::DisputeLost => "d",
            _ => "c",
        }
    }
}

fn inside_quotes(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

/// Changes a signed value, so that the proof no longer fits.
fn forge(callback: &mut Callback, merchant_reference: &str) {
    let reference = inside_quotes(merchant_reference);
    let body = String::from_utf8_lossy(&callback.body);
    let changed = body.replace(&reference, &format!("{reference}-forged"));
    callback.body = if changed == body { format!("{body} ") } else { changed }.into_bytes();
}
