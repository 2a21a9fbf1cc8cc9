//! Rows to domain and back. Rows are parsed as strangers are: an impossible one is named, never believed.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use sea_orm::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    DueQuery, StoreError,
    entity::{due_query, fact, transaction, update},
};
use crate::domain::{
    CallbackId, Cause, Confirm, Correlation, Currency, Details, Dispute, Fact, FactKey, Failure, Hold, Holds,
    Money, Phase, Registration, State, Status, Tally, Transaction, Update,
};

/// Microseconds since the Unix epoch, as every time is kept.
pub(super) fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

pub(super) fn text(text: impl Into<String>) -> Value {
    let text: String = text.into();
    // PostgreSQL's text holds every character but this one.
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

pub(super) fn optional_text(value: Option<impl Display>) -> Value {
    value.map_or(Value::String(None), |value| text(value.to_string()))
}

pub(super) fn optional_time(time: Option<OffsetDateTime>) -> Value {
    time.map(micros).into()
}

pub(super) fn transaction(row: transaction::Model) -> Result<Transaction, StoreError> {
    let at = Place { table: "transactions", key: row.transaction_id.clone() };
    let registered_payment = row.gateway_payment_id.clone().filter(|_| row.payment_registered);
    let projected = projected!(row);
    let state = at.state(projected)?;
    Ok(Transaction {
        registration: Registration {
            transaction_id: at.parse("transaction_id", &row.transaction_id)?,
            order_id: row.order_id,
            gateway: at.parse("gateway", &row.gateway)?,
            payment: registered_payment.map(|id| at.parse("gateway_payment_id", &id)).transpose()?,
            expected: state.expected.filter(|_| row.registered),
            labels: at.labels(&row.labels)?,
            expire_time: at.optional_time("expire_time", row.expire_time)?,
        },
        state,
        version: at.number("version", row.version)?,
        create_time: at.time("create_time", row.create_time)?,
        update_time: at.time("update_time", row.update_time)?,
    })
}

/// An update, with what never changes read from its transaction.
pub(super) fn update(row: update::Model, current: transaction::Model) -> Result<Update, StoreError> {
    let at = Place { table: "updates", key: row.position.to_string() };
    let projected = projected!(row);
    let recorded_at = at.time("record_time", row.record_time)?;
    let mut transaction = transaction(current)?;
    transaction.state = at.state(projected)?;
    transaction.registration.expected =
        transaction.state.expected.filter(|_| !transaction.state.holds.contains(Hold::Unregistered));
    transaction.version = at.number("version", row.version)?;
    transaction.update_time = recorded_at;
    Ok(Update {
        position: at.number("position", row.position)?,
        transaction,
        previous_status: row
            .previous_status
            .map(|code| at.code("previous_status", code, Status::from_code))
            .transpose()?,
        cause: at.cause(row.cause, row.cause_id)?,
        recorded_at,
        traceparent: row.traceparent,
    })
}

pub(super) fn fact(row: fact::Model) -> Result<Fact, StoreError> {
    let at = Place { table: "facts", key: row.fact_key.to_string() };
    Ok(Fact {
        key: FactKey {
            phase: at.code("phase", row.phase, Phase::from_code)?,
            operation: at.parse("operation_id", &row.operation_id)?,
            round: u16::try_from(row.round).map_err(|_| at.wrong("round"))?,
            amount: at.money("amount", row.amount, row.currency.as_deref())?,
            tally: if row.cumulative { Tally::Cumulative } else { Tally::Single },
            held: row.held.map(|code| at.code("held", code, Hold::from_code)).transpose()?,
        },
        correlation: Correlation {
            payment: row.gateway_payment_id.map(|id| at.parse("gateway_payment_id", &id)).transpose()?,
            reference: row.merchant_reference.map(|id| at.parse("merchant_reference", &id)).transpose()?,
        },
        details: Details {
            occurred_at: at.optional_time("occurred_at", row.occurred_at)?,
            failure: at.failure((row.failure_at, row.failure_code, row.failure_message))?,
        },
    })
}

pub(super) fn due_query(row: due_query::Model) -> Result<DueQuery, StoreError> {
    let at = Place { table: "due_queries", key: format!("{} {}", row.gateway, row.subject) };
    let callback = |id: Uuid| CallbackId(id.as_u128());
    Ok(DueQuery {
        gateway: at.parse("gateway", &row.gateway)?,
        subject: Confirm::from_code(row.subject_kind, &row.subject)
            .ok_or_else(|| at.wrong("subject_kind"))?,
        due_at: at.time("due_at", row.due_at)?,
        asks: at.number("asks", row.asks)?,
        first_callback: row.first_callback_id.map(callback),
        last_callback: row.last_callback_id.map(callback),
    })
}

/// Number and text under which a cause is kept.
pub(super) fn cause(cause: &Cause) -> (i16, Value) {
    match cause {
        Cause::Callback(id) => (1, text(id.to_string())),
        Cause::Registration => (2, Value::String(None)),
        Cause::Reconciliation(query) => (3, text(query)),
        Cause::Operator(who) => (4, text(who)),
    }
}

pub(super) fn labels(labels: &BTreeMap<String, String>) -> Value {
    let object: sea_orm::JsonValue = labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    text(object.to_string())
}

pub(super) fn uuid(id: CallbackId) -> Uuid {
    Uuid::from_u128(id.0)
}

type FailureCells = (Option<i64>, Option<String>, Option<String>);

/// The columns that `transactions` and `updates` share.
struct Projected {
    gateway_payment_id: Option<String>,
    expected: Option<i64>,
    currency: Option<String>,
    status: i16,
    authorized: i64,
    captured: i64,
    refunded: i64,
    lost: i64,
    dispute: i16,
    holds: i16,
    failure: FailureCells,
}

macro_rules! projected {
    ($row:ident) => {
        Projected {
            gateway_payment_id: $row.gateway_payment_id,
            expected: $row.expected,
            currency: $row.currency,
            status: $row.status,
            authorized: $row.authorized,
            captured: $row.captured,
            refunded: $row.refunded,
            lost: $row.lost,
            dispute: $row.dispute,
            holds: $row.holds,
            failure: ($row.failure_at, $row.failure_code, $row.failure_message),
        }
    };
}
use projected;

/// Where a value stands, so that an impossible one can be found.
struct Place {
    table: &'static str,
    key: String,
}

impl Place {
    fn state(&self, row: Projected) -> Result<State, StoreError> {
        Ok(State {
            status: self.code("status", row.status, Status::from_code)?,
            payment: row.gateway_payment_id.map(|id| self.parse("gateway_payment_id", &id)).transpose()?,
            expected: self.money("expected", row.expected, row.currency.as_deref())?,
            authorized: row.authorized,
            captured: row.captured,
            refunded: row.refunded,
            lost: row.lost,
            dispute: self.code("dispute", row.dispute, Dispute::from_code)?,
            holds: self.code("holds", row.holds, Holds::from_bits)?,
            failure: self.failure(row.failure)?,
        })
    }

    fn wrong(&self, column: &str) -> StoreError {
        StoreError::Inconsistent { table: self.table, what: format!("{column} of {}", self.key) }
    }

    fn parse<T: FromStr>(&self, column: &str, value: &str) -> Result<T, StoreError> {
        value.parse().map_err(|_| self.wrong(column))
    }

    fn code<T>(&self, column: &str, code: i16, from: fn(i16) -> Option<T>) -> Result<T, StoreError> {
        from(code).ok_or_else(|| self.wrong(column))
    }

    fn number(&self, column: &str, value: i64) -> Result<u64, StoreError> {
        u64::try_from(value).map_err(|_| self.wrong(column))
    }

    fn time(&self, column: &str, micros: i64) -> Result<OffsetDateTime, StoreError> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).map_err(|_| self.wrong(column))
    }

    fn optional_time(&self, column: &str, micros: Option<i64>) -> Result<Option<OffsetDateTime>, StoreError> {
        micros.map(|micros| self.time(column, micros)).transpose()
    }

    fn money(
        &self,
        column: &str,
        minor: Option<i64>,
        currency: Option<&str>,
    ) -> Result<Option<Money>, StoreError> {
        match (minor, currency) {
            (None, _) => Ok(None),
            (Some(minor), Some(code)) => {
                let money = Currency::parse(code).and_then(|currency| Money::new(minor, currency));
                money.map(Some).map_err(|_| self.wrong(column))
            }
            (Some(_), None) => Err(self.wrong(column)),
        }
    }

    fn failure(&self, (at, code, message): FailureCells) -> Result<Option<Failure>, StoreError> {
        if at.is_none() && code.is_none() && message.is_none() {
            return Ok(None);
        }
        let at = self.optional_time("failure_at", at)?;
        Ok(Some(Failure { at, code: code.unwrap_or_default(), message: message.unwrap_or_default() }))
    }

    fn labels(&self, json: &str) -> Result<BTreeMap<String, String>, StoreError> {
        let object: sea_orm::JsonValue = self.parse("labels", json)?;
        let members = object.as_object().ok_or_else(|| self.wrong("labels"))?;
        members
            .iter()
            .map(|(key, value)| {
                Ok((key.clone(), value.as_str().ok_or_else(|| self.wrong("labels"))?.to_owned()))
            })
            .collect()
    }

    fn cause(&self, code: i16, id: Option<String>) -> Result<Cause, StoreError> {
        match (code, id) {
            (1, Some(id)) => Ok(Cause::Callback(self.parse("cause_id", &id)?)),
            (2, None) => Ok(Cause::Registration),
            (3, Some(query)) => Ok(Cause::Reconciliation(query)),
            (4, Some(who)) => Ok(Cause::Operator(who)),
            _ => Err(self.wrong("cause")),
        }
    }
}
