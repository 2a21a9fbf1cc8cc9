//! The dedupe key: what makes two deliveries the same.

use sha2::{Digest, Sha256};

use super::Unreadable;
use crate::domain::{Callback, Correlation, FactKey, Hold, Notification, PaymentId, Tally, TransactionId};

/// The first half of a SHA-256 over everything that a delivery says: event ids and the keys of its facts, but
/// not what changes with each attempt (Stripe counts its open deliveries in `pending_webhooks`).
///
/// The same event id with other facts is another delivery, so nothing is lost to a reused id. What cannot be
/// read, or says nothing by which it could be told apart, is the same only byte for byte.
#[must_use]
pub fn dedupe_key(callback: &Callback, read: &Result<Vec<Notification>, Unreadable>) -> [u8; 16] {
    let mut digest = Text(Sha256::new());
    digest.add(callback.gateway.as_str());
    let known = read.as_ref().ok().filter(|all| all.iter().all(is_distinct));
    match known {
        Some(notifications) => {
            notifications.iter().for_each(|notification| digest.notification(notification));
        }
        None => {
            // A gateway that calls by GET says all in the query.
            digest.add(&callback.query);
            digest.bytes(&callback.body);
        }
    }
    let whole: [u8; 32] = digest.0.finalize().into();
    let mut half = [0; 16];
    half.iter_mut().zip(whole).for_each(|(half, whole)| *half = whole);
    half
}

fn is_distinct(notification: &Notification) -> bool {
    let named = notification.event_id.is_some() || !notification.facts.is_empty();
    named && notification.unreadable.is_none()
}

/// Each part goes in with its length, so that no two lists of parts read alike.
struct Text(Sha256);

impl Text {
    fn notification(&mut self, notification: &Notification) {
        self.optional(notification.event_id.as_deref());
        self.optional(notification.event_type.as_deref());
        self.0.update(notification.facts.len().to_le_bytes());
        for fact in &notification.facts {
            self.correlation(&fact.correlation);
            self.key(&fact.key);
        }
    }

    fn key(&mut self, FactKey { phase, operation, round, amount, tally, held }: &FactKey) {
        self.0.update(phase.code().to_le_bytes());
        self.add(operation.as_str());
        self.0.update(round.to_le_bytes());
        self.optional(amount.map(|amount| amount.to_string()).as_deref());
        self.0.update([u8::from(*tally == Tally::Cumulative)]);
        self.0.update(held.map_or(0, Hold::code).to_le_bytes());
    }

    fn correlation(&mut self, Correlation { payment, reference }: &Correlation) {
        self.optional(payment.as_ref().map(PaymentId::as_str));
        self.optional(reference.as_ref().map(TransactionId::as_str));
    }

    fn optional(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        self.add(text.unwrap_or_default());
    }

    fn add(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes.len().to_le_bytes());
        self.0.update(bytes);
    }
}
