//! Domain values onto the wire. Everything is taken apart by name, so that a new field can not be forgotten.

use time::OffsetDateTime;

use crate::{
    domain::{Cause, Currency, Dispute, Money, Registration, State, Status, Transaction, Update},
    gateways, proto,
    store::Outcome,
};

pub(super) fn transaction(transaction: &Transaction) -> proto::Transaction {
    let Transaction { registration, state, version, create_time, update_time } = transaction;
    let Registration { transaction_id, order_id, gateway, payment, expected, labels, expire_time } =
        registration;
    let State {
        status,
        payment: payment_with_money,
        expected: target,
        authorized,
        captured,
        refunded,
        lost,
        dispute,
        holds,
        failure,
    } = state;
    let currency = expected.or(*target).map(Money::currency);
    let payment = payment_with_money.as_ref().or(payment.as_ref());
    proto::Transaction {
        transaction_id: transaction_id.to_string(),
        order_id: order_id.clone(),
        gateway: gateway.to_string(),
        gateway_payment_id: payment.map(ToString::to_string).unwrap_or_default(),
        status: proto_status(*status).into(),
        expected: expected.map(money),
        authorized: sum(*authorized, currency),
        captured: sum(*captured, currency),
        refunded: sum(*refunded, currency),
        lost: sum(*lost, currency),
        dispute: proto_dispute(*dispute).into(),
        holds: holds.iter().map(|hold| i32::from(hold.code())).collect(),
        actionable: holds.is_empty(),
        failure_code: failure.as_ref().map(|failure| failure.code.clone()).unwrap_or_default(),
        failure_message: failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default(),
        labels: labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        version: *version,
        create_time: Some(timestamp(*create_time)),
        update_time: Some(timestamp(*update_time)),
        expire_time: expire_time.map(timestamp),
    }
}

pub(super) fn update(update: &Update) -> proto::TransactionUpdate {
    let Update { position: _, transaction: after, previous_status, cause, recorded_at, traceparent } = update;
    proto::TransactionUpdate {
        update_id: format!("{}/{}", after.registration.transaction_id, after.version),
        transaction: Some(transaction(after)),
        previous_status: previous_status.map(proto_status).unwrap_or_default().into(),
        cause: Some(proto::Cause { cause: Some(proto_cause(cause)) }),
        record_time: Some(timestamp(*recorded_at)),
        traceparent: traceparent.clone().unwrap_or_default(),
    }
}

/// With its word, for metrics and traces.
pub(super) fn outcome(outcome: Outcome) -> (proto::CallbackOutcome, &'static str) {
    match outcome {
        Outcome::Applied => (proto::CallbackOutcome::Applied, "applied"),
        Outcome::Duplicate => (proto::CallbackOutcome::Duplicate, "duplicate"),
        Outcome::Parked => (proto::CallbackOutcome::Parked, "parked"),
        Outcome::Ignored => (proto::CallbackOutcome::Ignored, "ignored"),
        Outcome::Held => (proto::CallbackOutcome::Held, "held"),
        Outcome::Unreadable => (proto::CallbackOutcome::Unreadable, "unreadable"),
    }
}

pub(super) fn http_reply(reply: gateways::HttpReply) -> proto::HttpReply {
    let gateways::HttpReply { status, content_type, body } = reply;
    proto::HttpReply { status: status.into(), content_type, body }
}

fn timestamp(instant: OffsetDateTime) -> prost_types::Timestamp {
    // Nanoseconds within a second are below 2^31.
    let nanos = i32::try_from(instant.nanosecond()).unwrap_or_default();
    prost_types::Timestamp { seconds: instant.unix_timestamp(), nanos }
}

fn money(money: Money) -> proto::Money {
    proto::Money { currency_code: money.currency().to_string(), minor_units: money.minor_units() }
}

/// An adopted transaction whose gateway names no amount has no currency to count in.
fn sum(minor_units: i64, currency: Option<Currency>) -> Option<proto::Money> {
    currency.map(|currency| proto::Money { currency_code: currency.to_string(), minor_units })
}

fn proto_cause(cause: &Cause) -> proto::cause::Cause {
    match cause {
        Cause::Callback(id) => proto::cause::Cause::CallbackId(id.to_string()),
        Cause::Registration => proto::cause::Cause::Registration(true),
        Cause::Reconciliation(query) => proto::cause::Cause::Reconciliation(query.clone()),
        Cause::Operator(name) => proto::cause::Cause::Operator(name.clone()),
    }
}

fn proto_status(status: Status) -> proto::TransactionStatus {
    match status {
        Status::Created => proto::TransactionStatus::Created,
        Status::Pending => proto::TransactionStatus::Pending,
        Status::Authorized => proto::TransactionStatus::Authorized,
        Status::PartiallyCaptured => proto::TransactionStatus::PartiallyCaptured,
        Status::Paid => proto::TransactionStatus::Paid,
        Status::PartiallyRefunded => proto::TransactionStatus::PartiallyRefunded,
        Status::Refunded => proto::TransactionStatus::Refunded,
        Status::Reversed => proto::TransactionStatus::Reversed,
        Status::Failed => proto::TransactionStatus::Failed,
        Status::Cancelled => proto::TransactionStatus::Cancelled,
        Status::Expired => proto::TransactionStatus::Expired,
    }
}

fn proto_dispute(dispute: Dispute) -> proto::DisputeState {
    match dispute {
        Dispute::None => proto::DisputeState::None,
        Dispute::Open => proto::DisputeState::Open,
        Dispute::Won => proto::DisputeState::Won,
        Dispute::Lost => proto::DisputeState::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Hold;

    #[test]
    fn the_store_and_the_wire_number_alike() {
        for &status in Status::ALL {
            let wire = proto_status(status);
            assert_eq!(i32::from(status.code()), i32::from(wire));
            assert_eq!(wire.as_str_name(), format!("TRANSACTION_STATUS_{}", status.word()));
        }
        for &dispute in Dispute::ALL {
            assert_eq!(i32::from(dispute.code()), i32::from(proto_dispute(dispute)));
        }
        for &hold in Hold::ALL {
            let wire = proto::Hold::try_from(i32::from(hold.code())).expect("every hold is on the wire");
            assert_eq!(wire.as_str_name(), format!("HOLD_{}", hold.word()));
        }
    }

    #[test]
    fn no_wire_value_is_unknown_to_the_domain() {
        for code in 1..100 {
            let number = i32::from(code);
            assert_eq!(Status::from_code(code).is_some(), proto::TransactionStatus::try_from(number).is_ok());
            assert_eq!(Hold::from_code(code).is_some(), proto::Hold::try_from(number).is_ok());
            assert_eq!(Dispute::from_code(code).is_some(), proto::DisputeState::try_from(number).is_ok());
        }
    }
}
