//! Parsing: from a verified callback to gateway-neutral notifications.

use std::{borrow::Cow, str::FromStr};

use super::{
    Gateway, account,
    amount::Unit,
    documents::BodyError,
    events::Word,
    facts::{FactRule, moves_money, takes_money},
    json::Json,
    message::{Message, lookup},
    paths::Paths,
    place::Place,
    rules::{Compiled, Meaning},
    text::{Text, Texts},
    verify::Verified,
};
use crate::domain::{
    Confirm, Correlation, Currency, Details, Fact, FactKey, FactKind, Failure, Hold, IdError, Money,
    Notification, OperationId, PaymentId, Phase, Sent, TransactionId,
};

/// An authentic callback that cannot be understood. Says what and where, never what stood there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Of its events, none tells anything, and this keeps one of them from it.
    #[error("{0}")]
    Event(String),
}

/// Why an event states no facts, although it should.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("{path}: {what}")]
    Value { path: String, what: String },
    #[error("a `{status}` event names neither a payment ({payment}) nor a merchant reference ({reference})")]
    Nameless { status: &'static str, payment: String, reference: String },
}

impl Gateway {
    /// What the callback says; one notification per event.
    ///
    /// One event of a batch that cannot be read does not take the others with it.
    pub fn parse(&self, verified: &Verified<'_>) -> Result<Vec<Notification>, Unreadable> {
        let all = self.read(verified)?;
        let tells = |event: &Notification| !event.facts.is_empty() || event.confirm.is_some();
        match all.iter().find_map(|event| event.unreadable.as_ref()) {
            Some(why) if !all.iter().any(tells) => Err(Unreadable::Event(why.clone())),
            _ => Ok(all),
        }
    }

    /// The same, for people: of an event that cannot be read, what it shows.
    pub(crate) fn read(&self, verified: &Verified<'_>) -> Result<Vec<Notification>, BodyError> {
        if verified.challenge.is_some() {
            return Ok(vec![self.says_nothing()]);
        }
        let read;
        let documents = match &verified.documents {
            Some(documents) => documents,
            None => {
                read = self.documents(verified.callback, &self.keys(verified.now))?;
                &read
            }
        };
        let inner = match documents.inner {
            // Read now, where the proof did not stand in it: what is authentic and unreadable is kept, not refused.
            None => self.inner_of(verified.callback, documents, &self.keys(verified.now))?,
            Some(_) => None,
        };
        let events = documents.events(self.batch.as_ref())?;
        let schemes = verified.schemes.iter().copied().cycle();
        let each = events.into_iter().zip(schemes);
        let message = |event| {
            let message = documents.message(verified.callback, event);
            Message { inner: inner.as_ref().or(message.inner), ..message }
        };
        Ok(each.map(|(event, scheme)| self.notification(&message(event), scheme)).collect())
    }

    fn notification(&self, message: &Message<'_>, scheme: usize) -> Notification {
        let Some(Meaning { event_type, status, paths, stated_by }) = self.meaning(message) else {
            return self.says_nothing();
        };
        let statement = stated_by.map(|compiled| Statement { gateway: self, compiled, message, scheme });
        let stated = statement.map(|statement| statement.facts()).transpose();
        let unreadable = stated.as_ref().err().map(Untold::to_string);
        let (facts, confirm) = stated.ok().flatten().unwrap_or_default();
        Notification {
            event_id: shown(message, &paths.event_id),
            event_time: event_time(message, paths),
            gateway_payment_id: shown(message, &paths.payment_id),
            merchant_reference: shown(message, &paths.merchant_reference),
            amount: self.shown_amount(message, paths),
            status: status.text().to_owned(),
            failure_code: shown(message, &paths.failure_code),
            failure_message: shown(message, &paths.failure_message),
            refund_id: shown(message, &paths.refund_id),
            dispute_id: shown(message, &paths.dispute_id),
            livemode: shown(message, &paths.livemode).map(|value| paths.is_live(&value)),
            facts,
            confirm,
            event_type,
            unreadable,
        }
    }

    /// For people: an amount without a currency is shown in hundredths of [`Currency::NONE`].
    fn shown_amount(&self, message: &Message<'_>, paths: &Paths) -> Option<Money> {
        let named = money(self, message, &paths.amount, &paths.currency, Sign::Dropped).ok()?;
        let unnamed = || {
            let digits = shown(message, &paths.amount)?;
            self.amounts.read(self.unit, digits.trim_start_matches('-'), Currency::NONE).ok()
        };
        named.or_else(unnamed)
    }

    /// A message that this kind gives no meaning.
    pub(crate) fn says_nothing(&self) -> Notification {
        Notification { status: self.otherwise.text().to_owned(), ..Notification::default() }
    }
}

fn event_time(message: &Message<'_>, paths: &Paths) -> Option<Sent> {
    let texts = paths.event_time.as_ref()?;
    let text = texts.0.iter().find(|text| message.text(text).is_ok_and(|value| value.is_some()))?;
    let value = message.text(text).ok().flatten()?.into_owned();
    Some(if is_number(message, text) { Sent::Number(value) } else { Sent::Text(value) })
}

fn is_number(message: &Message<'_>, text: &Text) -> bool {
    let (json, path) = match text.only_place() {
        Some(Place::Event(path)) => (message.event, path),
        Some(Place::Root(path)) => (message.root, path),
        Some(Place::Inner(path)) => (message.inner, path),
        _ => return false,
    };
    matches!(json.and_then(|json| lookup(json, path)), Some(Json::Number(_)))
}

/// One event, and the rule that says which facts it states.
struct Statement<'s> {
    gateway: &'s Gateway,
    compiled: &'s Compiled,
    message: &'s Message<'s>,
    /// The one that proved the message.
    scheme: usize,
}

impl Statement<'_> {
    /// The facts, and what the gateway must be asked about before they count.
    fn facts(&self) -> Result<(Vec<Fact>, Option<Confirm>), Untold> {
        let rules = &self.compiled.facts;
        if rules.is_empty() {
            return Ok((Vec::new(), None));
        }
        let Some(correlation) = self.correlation()? else { return Ok((Vec::new(), Some(self.nameless()?))) };
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
        let facts = rules.iter().map(fact).collect::<Result<Vec<_>, Untold>>()?;
        let confirm = self.must_be_confirmed(held, &facts).then(|| {
            match (correlation.payment, correlation.reference) {
                (Some(payment), _) => Some(Confirm::Payment(payment)),
                (None, reference) => reference.map(Confirm::Reference),
            }
        });
        Ok((facts, confirm.flatten()))
    }

    /// Unproven, or of money without an amount.
    fn must_be_confirmed(&self, held: Option<Hold>, facts: &[Fact]) -> bool {
        let lacks_amount = |fact: &Fact| {
            fact.key.amount.is_none()
                && matches!(fact.key.phase, Phase::Authorized | Phase::Captured | Phase::Refunded)
        };
        held == Some(Hold::ConfirmationRequired) || facts.iter().any(lacks_amount)
    }

    /// An event that names only its refund or dispute: the gateway knows whose it is.
    fn nameless(&self) -> Result<Confirm, Untold> {
        let paths = &self.compiled.rule.paths;
        if let Some(dispute) = self.id(&paths.dispute_id)? {
            return Ok(Confirm::Dispute(dispute));
        }
        if let Some(refund) = self.id(&paths.refund_id)? {
            return Ok(Confirm::Refund(refund));
        }
        let name =
            |texts: &Option<Texts>| texts.as_ref().map_or_else(|| "no path".to_owned(), Texts::to_string);
        Err(Untold::Nameless {
            status: self.compiled.rule.status.text(),
            payment: name(&paths.payment_id),
            reference: name(&paths.merchant_reference),
        })
    }

    fn correlation(&self) -> Result<Option<Correlation>, Untold> {
        let paths = &self.compiled.rule.paths;
        let payment: Option<PaymentId> = self.id(&paths.payment_id)?;
        let reference: Option<TransactionId> = self.id(&paths.merchant_reference)?;
        Ok((payment.is_some() || reference.is_some()).then_some(Correlation { payment, reference }))
    }

    /// The operation's own name, else its payment's, else the order's.
    fn operation(&self, rule: &FactRule, correlation: &Correlation) -> Result<OperationId, Untold> {
        let own = match rule.phase.kind() {
            FactKind::Refund => &self.compiled.rule.paths.refund_id,
            FactKind::Dispute => &self.compiled.rule.paths.dispute_id,
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
                parse_id(reference, &self.compiled.rule.paths.merchant_reference)
            }
        }
    }

    fn amount(&self, rule: &FactRule) -> Result<Option<Money>, Untold> {
        if !moves_money(rule.phase) {
            return Ok(None);
        }
        let paths = &self.compiled.rule.paths;
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
        let paths = &self.compiled.rule.paths;
        let proven = |texts: &Option<Texts>| {
            let covered = texts.as_ref().is_some_and(|texts| self.gateway.covers(self.scheme, texts));
            covered.then(|| shown(self.message, texts)).flatten()
        };
        let occurred_at = proven(&paths.event_time)
            .and_then(|text| paths.event_time_format.as_ref().and_then(|format| format.read(&text)));
        let failed = self.compiled.rule.status == Word::Failed;
        let failure = failed.then(|| (proven(&paths.failure_code), proven(&paths.failure_message)));
        let failure = failure.filter(|(code, message)| code.is_some() || message.is_some());
        let failure = failure.map(|(code, message)| Failure {
            at: occurred_at,
            code: code.unwrap_or_default(),
            message: message.unwrap_or_default(),
        });
        Details { occurred_at, failure }
    }

    /// Why these facts must not count. A value that nobody proved may hold facts back, never let them through; and
    /// it may not take the place of the question that unproven facts have to be asked about.
    fn hold(&self) -> Option<Hold> {
        let paths = &self.compiled.rule.paths;
        let proven = |texts: &Texts| self.gateway.covers(self.scheme, texts);
        let foreign = account::foreign(&self.gateway.accounts, self.message);
        let account = foreign.map(|account| (Hold::AccountMismatch, proven(&account.is)));
        let live = shown(self.message, &paths.livemode).map(|value| paths.is_live(&value));
        let other_mode = self.gateway.expects_live.zip(live).is_some_and(|(expected, live)| expected != live);
        let mode = other_mode.then(|| (Hold::ModeMismatch, paths.livemode.as_ref().is_some_and(proven)));
        let unproven = self.compiled.needs_confirmation(self.scheme);
        let unproven = unproven.then_some((Hold::ConfirmationRequired, true));
        let mut all = [account, mode, unproven].into_iter().flatten();
        let first = all.clone().find(|(_, proven)| *proven);
        first.or_else(|| all.next()).map(|(hold, _)| hold)
    }

    fn id<T: FromStr<Err = IdError>>(&self, texts: &Option<Texts>) -> Result<Option<T>, Untold> {
        match read(self.message, texts)? {
            Some(text) => parse_id(&text, texts).map(Some),
            None => Ok(None),
        }
    }
}

fn parse_id<T: FromStr<Err = IdError>>(text: &str, texts: &Option<Texts>) -> Result<T, Untold> {
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
) -> Result<Option<Money>, Untold> {
    let Some(digits) = read(message, amount)? else { return Ok(None) };
    let unsigned = digits.strip_prefix('-').filter(|_| sign == Sign::Dropped);
    // Without a currency nobody knows how much it is, so it counts as no amount at all.
    let Some(code) = read(message, currency)? else { return Ok(None) };
    let unit: Unit = gateway.unit;
    gateway
        .amounts
        .read(unit, unsigned.unwrap_or(&digits), &code)
        .map(Some)
        .map_err(|error| unreadable(amount, &error))
}

fn read<'v>(message: &Message<'v>, texts: &'v Option<Texts>) -> Result<Option<Cow<'v, str>>, Untold> {
    let Some(texts) = texts else { return Ok(None) };
    message.first(texts).map_err(|_| Untold::Value {
        path: texts.to_string(),
        what: "expected a text or a number, once".to_owned(),
    })
}

/// For people: what cannot be read is left out.
pub(crate) fn shown(message: &Message<'_>, texts: &Option<Texts>) -> Option<String> {
    message.first(texts.as_ref()?).ok().flatten().map(Cow::into_owned)
}

fn unreadable(texts: &Option<Texts>, error: &dyn std::fmt::Display) -> Untold {
    let path = texts.as_ref().map_or_else(|| "no path".to_owned(), Texts::to_string);
    Untold::Value { path, what: error.to_string() }
}
