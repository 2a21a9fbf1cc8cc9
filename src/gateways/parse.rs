//! Parsing: from a verified callback to gateway-neutral notifications.

use std::{borrow::Cow, str::FromStr};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Gateway,
    amount::Unit,
    events::{Rule, Unproven, Word},
    facts::{FactRule, moves_money, takes_money},
    json::{Json, JsonError},
    message::{Message, lookup},
    paths::{Paths, TimeFormat},
    place::{Piece, Place, Texts},
    verify::Verified,
};
use crate::domain::{
    Correlation, Details, Fact, FactKey, FactKind, Failure, Hold, IdError, Money, Notification, OperationId,
    PaymentId, Phase, Sent, TransactionId,
};

/// An authentic callback that cannot be understood. Says what and where, never what stood there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("{path}: {what}")]
    Value { path: String, what: String },
    #[error("a `{status}` event names neither a payment ({payment}) nor a merchant reference ({reference})")]
    Nameless { status: &'static str, payment: String, reference: String },
}

/// The body is not the JSON that this kind sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(String);

impl Gateway {
    /// What the callback says; one notification per event.
    pub fn parse(&self, verified: &Verified<'_>) -> Result<Vec<Notification>, Unreadable> {
        let read;
        let document = match &verified.document {
            Some(document) => document,
            None => {
                read = Json::read(&verified.callback.body).map_err(BodyError::from)?;
                &read
            }
        };
        let message = |event| Message {
            callback: verified.callback,
            root: Some(document),
            event: Some(event),
            parts: &[],
        };
        self.events(document)?.into_iter().map(|event| self.notification(&message(event))).collect()
    }

    /// The events of a body: itself, or each item of a batch.
    pub(crate) fn events<'m, 'a>(&self, document: &'m Json<'a>) -> Result<Vec<&'m Json<'a>>, BodyError> {
        let Some(batch) = &self.batch else { return Ok(vec![document]) };
        let wrong = |what: String| BodyError(format!("{}: {what}", batch.items));
        let Some(Json::List(items)) = lookup(document, &batch.items) else {
            return Err(wrong("expected a list of events".to_owned()));
        };
        let Some(member) = &batch.member else { return Ok(items.iter().collect()) };
        let missing = || wrong(format!("an item has no `{member}`"));
        items.iter().map(|item| item.member(member).ok_or_else(missing)).collect()
    }

    fn notification(&self, message: &Message<'_>) -> Result<Notification, Unreadable> {
        let event_type = shown(message, &self.paths.event_type);
        let matching = |rule: &&Rule| rule.matches(event_type.as_deref(), message);
        let shown_by = self.rules.iter().find(matching);
        let stated_by = match shown_by {
            Some(rule) if rule.unproven == Some(Unproven::ShowOnly) => {
                self.rules.iter().filter(|rule| rule.unproven != Some(Unproven::ShowOnly)).find(matching)
            }
            rule => rule,
        };
        let (paths, status) = shown_by.map_or((&self.paths, Word::Ignore), |rule| (&rule.paths, rule.status));
        let facts = stated_by.map(|rule| Statement { gateway: self, rule, message }.facts()).transpose()?;
        Ok(Notification {
            event_id: shown(message, &paths.event_id),
            event_time: self.event_time(message, paths),
            gateway_payment_id: shown(message, &paths.payment_id),
            merchant_reference: shown(message, &paths.merchant_reference),
            amount: money(self, message, &paths.amount, &paths.currency, Sign::Dropped).ok().flatten(),
            status: status.text().to_owned(),
            failure_code: shown(message, &paths.failure_code),
            failure_message: shown(message, &paths.failure_message),
            refund_id: shown(message, &paths.refund_id),
            dispute_id: shown(message, &paths.dispute_id),
            livemode: shown(message, &paths.livemode).map(|value| paths.is_live(&value)),
            facts: facts.unwrap_or_default(),
            confirm: None,
            event_type,
        })
    }

    fn event_time(&self, message: &Message<'_>, paths: &Paths) -> Option<Sent> {
        let texts = paths.event_time.as_ref()?;
        let text = message.first(texts).ok().flatten()?.into_owned();
        let is_number = texts.0.iter().any(|text| match text.0.as_slice() {
            [Piece::Hole(Place::Event(path))] => {
                matches!(message.event.and_then(|event| lookup(event, path)), Some(Json::Number(_)))
            }
            _ => false,
        });
        Some(if is_number { Sent::Number(text) } else { Sent::Text(text) })
    }
}

/// One event, and the rule that says which facts it states.
struct Statement<'s> {
    gateway: &'s Gateway,
    rule: &'s Rule,
    message: &'s Message<'s>,
}

impl Statement<'_> {
    fn facts(&self) -> Result<Vec<Fact>, Unreadable> {
        let rules = self.rule.facts.as_deref().unwrap_or_default();
        if rules.is_empty() {
            return Ok(Vec::new());
        }
        let correlation = self.correlation()?;
        let details = self.details();
        let held = self.hold();
        let fact = |rule: &FactRule| {
            Ok(Fact {
                key: FactKey {
                    phase: rule.phase,
                    operation: self.operation(rule, &correlation)?,
                    round: rule.round.unwrap_or(1),
                    amount: self.amount(rule)?,
                    tally: rule.tally.unwrap_or_else(|| self.gateway.tally.of(rule.phase)),
                    held,
                },
                correlation: correlation.clone(),
                details: details.clone(),
            })
        };
        rules.iter().map(fact).collect()
    }

    fn correlation(&self) -> Result<Correlation, Unreadable> {
        let paths = &self.rule.paths;
        let payment: Option<PaymentId> = self.id(&paths.payment_id)?;
        let reference: Option<TransactionId> = self.id(&paths.merchant_reference)?;
        if payment.is_none() && reference.is_none() {
            let name =
                |texts: &Option<Texts>| texts.as_ref().map_or_else(|| "no path".to_owned(), Texts::to_string);
            return Err(Unreadable::Nameless {
                status: self.rule.status.text(),
                payment: name(&paths.payment_id),
                reference: name(&paths.merchant_reference),
            });
        }
        Ok(Correlation { payment, reference })
    }

    /// The operation's own name, else its payment's, else the order's.
    fn operation(&self, rule: &FactRule, correlation: &Correlation) -> Result<OperationId, Unreadable> {
        let own = match rule.phase.kind() {
            FactKind::Refund => &self.rule.paths.refund_id,
            FactKind::Dispute => &self.rule.paths.dispute_id,
            _ => &None,
        };
        for texts in [&rule.operation, own] {
            if let Some(operation) = self.id(texts)? {
                return Ok(operation);
            }
        }
        match (&correlation.payment, &correlation.reference) {
            (Some(payment), _) => Ok(payment.clone().into()),
            (None, reference) => {
                let reference = reference.as_ref().map_or("", TransactionId::as_str);
                parse_id(reference, &self.rule.paths.merchant_reference)
            }
        }
    }

    fn amount(&self, rule: &FactRule) -> Result<Option<Money>, Unreadable> {
        if !moves_money(rule.phase) {
            return Ok(None);
        }
        let paths = &self.rule.paths;
        let sign = if takes_money(rule.phase) { Sign::Dropped } else { Sign::Refused };
        let own = match rule.phase {
            Phase::Authorized => &paths.authorized_amount,
            _ => &None,
        };
        for texts in [&rule.amount, own, &paths.amount] {
            let amount = money(self.gateway, self.message, texts, &paths.currency, sign)?;
            if amount.is_some() {
                return Ok(amount);
            }
        }
        Ok(None)
    }

    /// Only what is proven: what came beside the proof must not order or explain facts.
    fn details(&self) -> Details {
        let paths = &self.rule.paths;
        let proven = |texts: &Option<Texts>| {
            let covered = texts.as_ref().is_some_and(|texts| self.gateway.covers(texts));
            covered.then(|| shown(self.message, texts)).flatten()
        };
        let occurred_at = proven(&paths.event_time).and_then(|text| instant(&text, paths.event_time_format));
        let failed = self.rule.status == Word::Failed;
        let failure = failed.then(|| (proven(&paths.failure_code), proven(&paths.failure_message)));
        let failure = failure.filter(|(code, message)| code.is_some() || message.is_some());
        let failure = failure.map(|(code, message)| Failure {
            at: occurred_at,
            code: code.unwrap_or_default(),
            message: message.unwrap_or_default(),
        });
        Details { occurred_at, failure }
    }

    /// Why these facts must not count. A value that nobody proved may hold facts back, never let them through.
    fn hold(&self) -> Option<Hold> {
        let paths = &self.rule.paths;
        let account = self.gateway.account.as_ref().and_then(|account| account.mismatch(self.message));
        let livemode = shown(self.message, &paths.livemode).map(|value| paths.is_live(&value));
        let other_mode = self.gateway.expects_live.zip(livemode).filter(|(expected, live)| expected != live);
        let unproven = self.rule.unproven.map(|_| Hold::ConfirmationRequired);
        account.or(other_mode.map(|_| Hold::ModeMismatch)).or(unproven)
    }

    fn id<T: FromStr<Err = IdError>>(&self, texts: &Option<Texts>) -> Result<Option<T>, Unreadable> {
        match read(self.message, texts)? {
            Some(text) => parse_id(&text, texts).map(Some),
            None => Ok(None),
        }
    }
}

fn parse_id<T: FromStr<Err = IdError>>(text: &str, texts: &Option<Texts>) -> Result<T, Unreadable> {
    text.parse().map_err(|error: IdError| unreadable(texts, &error))
}

/// What to do with a minus.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Dropped,
    Refused,
}

fn money(
    gateway: &Gateway,
    message: &Message<'_>,
    amount: &Option<Texts>,
    currency: &Option<Texts>,
    sign: Sign,
) -> Result<Option<Money>, Unreadable> {
    let Some(digits) = read(message, amount)? else { return Ok(None) };
    let unsigned = digits.strip_prefix('-').filter(|_| sign == Sign::Dropped);
    let code =
        read(message, currency)?.ok_or_else(|| unreadable(currency, &"an amount without its currency"))?;
    let unit: Unit = gateway.unit;
    gateway
        .amounts
        .read(unit, unsigned.unwrap_or(&digits), &code)
        .map(Some)
        .map_err(|error| unreadable(amount, &error))
}

fn read<'v>(message: &Message<'v>, texts: &'v Option<Texts>) -> Result<Option<Cow<'v, str>>, Unreadable> {
    let Some(texts) = texts else { return Ok(None) };
    message.first(texts).map_err(|_| Unreadable::Value {
        path: texts.to_string(),
        what: "expected a text or a number, once".to_owned(),
    })
}

/// For people: what cannot be read is left out.
fn shown(message: &Message<'_>, texts: &Option<Texts>) -> Option<String> {
    message.first(texts.as_ref()?).ok().flatten().map(Cow::into_owned)
}

fn unreadable(texts: &Option<Texts>, error: &dyn std::fmt::Display) -> Unreadable {
    let path = texts.as_ref().map_or_else(|| "no path".to_owned(), Texts::to_string);
    Unreadable::Value { path, what: error.to_string() }
}

/// In whole microseconds, as facts are kept, so that a state is the same before and after it was stored.
fn instant(text: &str, format: Option<TimeFormat>) -> Option<OffsetDateTime> {
    let time = match format? {
        TimeFormat::Rfc3339 => OffsetDateTime::parse(text, &Rfc3339).ok(),
        TimeFormat::UnixSeconds => OffsetDateTime::from_unix_timestamp(text.parse().ok()?).ok(),
        TimeFormat::UnixMilliseconds => {
            let nanoseconds = text.parse::<i128>().ok()?.checked_mul(1_000_000)?;
            OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()
        }
    };
    time.map(OffsetDateTime::truncate_to_microsecond)
}

impl From<JsonError> for BodyError {
    fn from(error: JsonError) -> Self {
        Self(error.to_string())
    }
}
