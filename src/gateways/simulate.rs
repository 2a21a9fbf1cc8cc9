//! Simulation: what a gateway would send over the life of a payment, signed as the gateway signs.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub(crate) use self::sample::Samples;
use self::sample::{Sample, Step};
use super::{Certificates, Gateway, Signing, SigningError, place::Place, sign::inside_quotes};
use crate::domain::{Callback, Currency, Money};

mod sample;

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
            let Some(sample) = self.samples.get(step) else {
                let kind = self.kind.clone();
                return Err(SimulationError::NoSample { kind, scenario: scenario.word() });
            };
            let event_id = format!("{:012x}{:02}", payment.seed, callbacks.len());
            let values = self.values(&told, step, share.of(told.amount), &event_id, now);
            callbacks.push(self.play(sample, &values, &event_id, now)?);
        }
        match scenario {
            Scenario::Duplicate => callbacks.extend_from_within(..),
            Scenario::Forged => {
                callbacks
                    .iter_mut()
                    .for_each(|callback| self.forge(callback, payment.merchant_reference, now));
            }
            _ => {}
        }
        Ok(callbacks)
    }

    fn play(
        &self,
        sample: &Sample,
        values: &Values,
        event_id: &str,
        now: OffsetDateTime,
    ) -> Result<Callback, SimulationError> {
        let body = values.put_into(&sample.body);
        let query = values.put_into(&sample.query);
        let inner = sample.inner.as_deref().map(|inner| values.put_into(inner));
        let headers = sample.headers.iter().map(|(name, value)| (name.clone(), values.put_into(value)));
        let signing = Signing {
            query: &query,
            inner: inner.as_deref(),
            headers: headers.collect(),
            ..Signing::new(&body, event_id, now)
        };
        Ok(self.sign(&signing)?)
    }

    /// A sale in one step, where the kind has one, else its two halves. Not every gateway reports that the
    /// customer must act.
    fn playable(&self, step: Step, share: Share) -> Vec<(Step, Share)> {
        match step {
            step if self.samples.get(step).is_some() => vec![(step, share)],
            Step::Paid => vec![(Step::Authorized, share), (Step::Captured, share)],
            Step::RequiresAction => Vec::new(),
            step => vec![(step, share)],
        }
    }

    fn values(
        &self,
        payment: &Payment<'_>,
        step: Step,
        amount: Money,
        event_id: &str,
        now: OffsetDateTime,
    ) -> Values {
        let digits = |money| self.amounts.write(self.unit, money);
        let currency = amount.currency();
        let account = self.accounts.first().map_or("", |account| account.ours.as_str());
        let local = self.shapes.last().and_then(|shape| shape.paths.event_time_format.as_ref());
        let settings =
            self.setting_texts.iter().map(|(name, text)| (format!("setting:{name}"), text.clone()));
        let values = [
            ("payment_id", payment.payment_id.to_owned()),
            ("payment_number", number(payment)),
            ("merchant_reference", payment.merchant_reference.to_owned()),
            ("account", account.to_owned()),
            ("amount", digits(amount)),
            ("full_amount", digits(payment.amount)),
            ("currency", self.amounts.word_for(currency)),
            ("currency_lower", currency.to_string().to_lowercase()),
            ("event_id", event_id.to_owned()),
            ("operation_id", format!("{:012x}{}", payment.seed, step.operation())),
            ("nonce", event_id.chars().take(12).collect()),
            ("unix_time", now.unix_timestamp().to_string()),
            ("unix_ms", (now.unix_timestamp_nanos() / 1_000_000).to_string()),
            ("rfc3339_time", now.format(&Rfc3339).unwrap_or_default()),
            ("event_time", local.map(|format| format.write(now)).unwrap_or_default()),
            ("livemode", self.expects_live.unwrap_or(false).to_string()),
            ("testmode", (!self.expects_live.unwrap_or(false)).to_string()),
        ];
        Values(values.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(settings).collect())
    }

    /// Changes a signed value, so that the proof no longer fits; where the value is out of reach, the proof itself.
    fn forge(&self, callback: &mut Callback, merchant_reference: &str, now: OffsetDateTime) {
        let reference = inside_quotes(merchant_reference);
        let changed = |text: &str| text.replace(&reference, &format!("{reference}-forged"));
        let honest = callback.clone();
        callback.body = changed(&String::from_utf8_lossy(&honest.body)).into_bytes();
        callback.query = changed(&honest.query);
        if !self.proves(callback, now) {
            return;
        }
        let proofs =
            self.schemes.iter().filter_map(|scheme| scheme.auth.proof.as_ref()).flat_map(|proof| &proof.at.0);
        let in_headers: Vec<&str> = proofs.filter_map(Place::header).collect();
        for (name, value) in &mut callback.headers {
            if in_headers.iter().any(|proof| proof.eq_ignore_ascii_case(name)) {
                value.reverse();
            }
        }
        if !self.proves(callback, now) {
            return;
        }
        callback.body = honest.body.iter().rev().copied().collect();
        callback.remote_address = "192.0.2.1".to_owned();
    }

    fn proves(&self, callback: &Callback, now: OffsetDateTime) -> bool {
        self.verify(callback, now, &Certificates::default()).is_ok()
    }
}

/// What is put where `{{name}}` stands.
struct Values(Vec<(String, String)>);

impl Values {
    /// Escaped as the text around them needs it: JSON, XML, or lines that are encoded later.
    fn put_into(&self, text: &str) -> String {
        let text = text.trim_start();
        let escaped: fn(&str) -> String = match text.chars().next() {
            Some('{' | '[') => inside_quotes,
            Some('<') => inside_xml,
            _ => |value| value.replace(['\r', '\n'], " "),
        };
        let fill = |text: String, (name, value): &(String, String)| {
            text.replace(&format!("{{{{{name}}}}}"), &escaped(value))
        };
        without_unset(&self.choose(&self.0.iter().fold(text.to_owned(), fill)))
    }

    /// `{{live_or_test A | B}}`: a word that tells the gateway's two worlds apart.
    fn choose(&self, text: &str) -> String {
        let is_live = self.0.iter().any(|(name, value)| name == "livemode" && value == "true");
        let mut parts = text.split("{{live_or_test ");
        let mut chosen = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (words, rest) = part.split_once("}}").unwrap_or((part, ""));
            let (live, test) = words.split_once(" | ").unwrap_or((words, words));
            chosen.push_str(if is_live { live } else { test });
            chosen.push_str(rest);
        }
        chosen
    }
}

/// A setting that is not set stands for nothing.
fn without_unset(text: &str) -> String {
    let mut parts = text.split("{{setting:");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| kept.push_str(part.split_once("}}").map_or("", |(_, rest)| rest)));
    kept
}

/// For gateways whose payments have numbers.
fn number(payment: &Payment<'_>) -> String {
    let id = payment.payment_id;
    let is_number = !id.starts_with('0') && id.len() <= 15 && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { id.to_owned() } else { (payment.seed % 1_000_000_000 + 1).to_string() }
}

fn inside_xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
