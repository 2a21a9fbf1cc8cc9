//! How a report is shown: as JSON for tools, as lines for people.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::Report;
use crate::domain::{Currency, Fact, Hold, Money, Notification, PaymentId, Sent, Tally, TransactionId};

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { valid, reason, key, unreadable, notifications, reply } = self;
        let mut shown = serializer.serialize_struct("Report", 6)?;
        shown.serialize_field("valid", valid)?;
        shown.serialize_field("reason", reason)?;
        shown.serialize_field("key", key)?;
        match unreadable {
            Some(why) => shown.serialize_field("unreadable", why)?,
            None => shown.skip_field("unreadable")?,
        }
        let notifications: Vec<_> = notifications.iter().map(ShownNotification::of).collect();
        shown.serialize_field("notifications", &notifications)?;
        let body = String::from_utf8_lossy(&reply.body);
        shown.serialize_field(
            "reply",
            &ShownReply { status: reply.status, content_type: &reply.content_type, body: &body },
        )?;
        shown.end()
    }
}

#[derive(Serialize)]
struct ShownReply<'r> {
    status: u16,
    content_type: &'r str,
    body: &'r str,
}

#[derive(Serialize)]
struct ShownNotification<'n> {
    event_id: Option<&'n str>,
    event_type: Option<&'n str>,
    event_time: Option<serde_json::Value>,
    gateway_payment_id: Option<&'n str>,
    merchant_reference: Option<&'n str>,
    amount_minor: Option<i64>,
    currency: Option<String>,
    /// Absent where the event has no word of its own.
    status: Option<&'n str>,
    failure_code: Option<&'n str>,
    failure_message: Option<&'n str>,
    refund_id: Option<&'n str>,
    dispute_id: Option<&'n str>,
    livemode: Option<bool>,
    facts: Vec<ShownFact<'n>>,
}

#[derive(Serialize)]
struct ShownFact<'f> {
    phase: &'static str,
    operation_id: &'f str,
    round: u16,
    amount_minor: Option<i64>,
    currency: Option<String>,
    cumulative: bool,
    held: Option<&'static str>,
    payment: Option<&'f str>,
    reference: Option<&'f str>,
}

impl<'n> ShownNotification<'n> {
    fn of(notification: &'n Notification) -> Self {
        let Notification {
            event_id,
            event_type,
            event_time,
            gateway_payment_id,
            merchant_reference,
            amount,
            status,
            failure_code,
            failure_message,
            refund_id,
            dispute_id,
            livemode,
            facts,
            confirm: _,
            unreadable: _,
        } = notification;
        Self {
            event_id: event_id.as_deref(),
            event_type: event_type.as_deref(),
            event_time: event_time.as_ref().map(as_sent),
            gateway_payment_id: gateway_payment_id.as_deref(),
            merchant_reference: merchant_reference.as_deref(),
            amount_minor: amount.map(Money::minor_units),
            currency: amount
                .map(|amount| amount.currency().to_string())
                .filter(|code| code != Currency::NONE),
            status: Some(status.as_str()).filter(|status| !status.is_empty()),
            failure_code: failure_code.as_deref(),
            failure_message: failure_message.as_deref(),
            refund_id: refund_id.as_deref(),
            dispute_id: dispute_id.as_deref(),
            livemode: *livemode,
            facts: facts.iter().map(ShownFact::of).collect(),
        }
    }
}

impl<'f> ShownFact<'f> {
    fn of(Fact { key, correlation, details: _ }: &'f Fact) -> Self {
        Self {
            phase: key.phase.word(),
            operation_id: key.operation.as_str(),
            round: key.round,
            amount_minor: key.amount.map(Money::minor_units),
            currency: key.amount.map(|amount| amount.currency().to_string()),
            cumulative: key.tally == Tally::Cumulative,
            held: key.held.map(Hold::word),
            payment: correlation.payment.as_ref().map(PaymentId::as_str),
            reference: correlation.reference.as_ref().map(TransactionId::as_str),
        }
    }
}

fn as_sent(sent: &Sent) -> serde_json::Value {
    match sent {
        Sent::Number(digits) => serde_json::from_str(digits).unwrap_or_else(|_| digits.as_str().into()),
        Sent::Text(text) => text.as_str().into(),
    }
}

// === for people ===

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.key, self.reason) {
            (Some(key), _) => writeln!(f, "authentic, proven by {key}")?,
            (None, Some(reason)) => writeln!(f, "NOT authentic: {reason}")?,
            (None, None) => writeln!(f, "NOT authentic")?,
        }
        if let (Some(_), Some(remark)) = (&self.key, self.reason) {
            writeln!(f, "but it decides nothing: {remark}")?;
        }
        if let Some(why) = &self.unreadable {
            writeln!(f, "but it cannot be read: {why}")?;
        }
        for notification in &self.notifications {
            show(notification, f)?;
        }
        let body = String::from_utf8_lossy(&self.reply.body);
        writeln!(f, "reply: {} {body}", self.reply.status)
    }
}

fn show(notification: &Notification, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let event_type = notification.event_type.as_deref().unwrap_or("(no type)");
    writeln!(f, "\n{event_type}: {}", notification.status)?;
    let amount = notification.amount.map(|amount| amount.to_string());
    let time = notification.event_time.as_ref().map(|sent| match sent {
        Sent::Number(text) | Sent::Text(text) => text.clone(),
    });
    let livemode = notification.livemode.map(|live| live.to_string());
    let lines = [
        ("event id", &notification.event_id),
        ("event time", &time),
        ("payment", &notification.gateway_payment_id),
        ("reference", &notification.merchant_reference),
        ("amount", &amount),
        ("refund", &notification.refund_id),
        ("dispute", &notification.dispute_id),
        ("failure", &notification.failure_code),
        ("", &notification.failure_message),
        ("live", &livemode),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            writeln!(f, "  {name:<10} {}", value.escape_debug())?;
        }
    }
    if notification.facts.is_empty() {
        return writeln!(f, "  no facts: this changes no transaction");
    }
    notification.facts.iter().try_for_each(|fact| show_fact(fact, f))
}

fn show_fact(Fact { key, .. }: &Fact, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "  fact       {} of {}", key.phase.word(), key.operation.as_str().escape_debug())?;
    if let Some(amount) = key.amount {
        let total = if key.tally == Tally::Cumulative { " in total" } else { "" };
        write!(f, ", {amount}{total}")?;
    }
    if key.round > 1 {
        write!(f, ", round {}", key.round)?;
    }
    if let Some(hold) = key.held {
        write!(f, ", does not count: {}", hold.word())?;
    }
    writeln!(f)
}
