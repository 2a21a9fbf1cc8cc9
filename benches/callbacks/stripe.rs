//! Callbacks as Stripe sends them: about 1 KiB of indented JSON, signed over the time and the body.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::time::Instant;

use crate::{
    Result,
    payments::{self, Step},
};

/// Name of the gateway in the program's configuration.
pub(crate) const GATEWAY: &str = "stripe-bench";
/// Stripe signs with the whole text, prefix included.
pub(crate) const SECRET: &str = "whsec_k3qXo0dT1yZ8bQw5nR7uVJmA2sLcE9fH";

/// Writes signed requests, cheaply: the key schedule is done once, the clock is read once.
#[derive(Clone)]
pub(crate) struct Signer {
    keyed: Hmac<Sha256>,
    host: SocketAddr,
    epoch: (Instant, Duration),
}

// === impl Signer ===

impl Signer {
    pub(crate) fn new(host: SocketAddr) -> Result<Self> {
        let keyed = Hmac::new_from_slice(SECRET.as_bytes())?;
        Ok(Self { keyed, host, epoch: (Instant::now(), unix_time()?) })
    }

    /// Puts the whole HTTP request of callback `number` in `request`.
    pub(crate) fn write(&self, number: u64, request: &mut String) -> Result<()> {
        let now = (self.epoch.1 + self.epoch.0.elapsed()).as_secs();
        let body = body(number, now);
        let mut mac = self.keyed.clone();
        mac.update(now.to_string().as_bytes());
        mac.update(b".");
        mac.update(body.as_bytes());
        let signature = HEXLOWER.encode(&mac.finalize().into_bytes());
        request.clear();
        write!(
            request,
            "POST /webhooks/{GATEWAY} HTTP/1.1\r\n\
             Host: {host}\r\n\
             User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n\
             Accept: */*; q=0.5, application/xml\r\n\
             Content-Type: application/json; charset=utf-8\r\n\
             Stripe-Signature: t={now},v1={signature}\r\n\
             Content-Length: {length}\r\n\r\n{body}",
            host = self.host,
            length = body.len(),
        )?;
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a signature holds the time, and a benchmark runs in real time"
)]
pub(crate) fn unix_time() -> Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}

fn body(number: u64, created: u64) -> String {
    let payment = number % payments::COUNT;
    let event = payments::scramble(number);
    let intent = payments::scramble(payment);
    let order = payments::transaction_id(payment);
    let amount = payments::AMOUNT;
    let (name, object) = match Step::of(number) {
        Step::Processing => ("payment_intent.processing", intent_object(&intent, &order, "processing", 0, 0)),
        Step::RequiresAction => {
            ("payment_intent.requires_action", intent_object(&intent, &order, "requires_action", 0, 0))
        }
        Step::Authorized => (
            "payment_intent.amount_capturable_updated",
            intent_object(&intent, &order, "requires_capture", amount, 0),
        ),
        Step::Paid => ("payment_intent.succeeded", intent_object(&intent, &order, "succeeded", 0, amount)),
        Step::Refunded(total) => ("charge.refunded", charge_object(&intent, &order, total)),
    };
    format!(
        r#"{{
  "id": "evt_3SkQ1aB7{event}",
  "object": "event",
  "api_version": "2025-09-30.clover",
  "created": {created},
  "data": {{
    "object": {object}
  }},
  "livemode": true,
  "request": {{
    "id": "req_Q1w2E3r4T5y6U7",
    "idempotency_key": "9f6f0a52-5d77-4f2e-8a61-5d5b8e1f3c11"
  }},
  "type": "{name}"
}}"#
    )
}

fn intent_object(intent: &str, order: &str, status: &str, capturable: u64, received: u64) -> String {
    let amount = payments::AMOUNT;
    format!(
        r#"{{
      "id": "pi_3SkQ1aB7{intent}",
      "object": "payment_intent",
      "amount": {amount},
      "amount_capturable": {capturable},
      "amount_received": {received},
      "cancellation_reason": null,
      "capture_method": "automatic_async",
      "created": 1767261540,
      "currency": "eur",
      "description": "Café “Ünïcode” order",
      "last_payment_error": null,
      "latest_charge": "ch_3SkQ1aB7{intent}",
      "livemode": true,
      "metadata": {{
        "order_id": "{order}"
      }},
      "next_action": null,
      "payment_method": "pm_1SkQ1ZB7WZ01zgkWcH1pY8tR",
      "payment_method_types": [
        "card"
      ],
      "status": "{status}"
    }}"#
    )
}

fn charge_object(intent: &str, order: &str, refunded: u64) -> String {
    let amount = payments::AMOUNT;
    format!(
        r#"{{
      "id": "ch_3SkQ1aB7{intent}",
      "object": "charge",
      "amount": {amount},
      "amount_captured": {amount},
      "amount_refunded": {refunded},
      "balance_transaction": "txn_3SkQ1aB7{intent}",
      "captured": true,
      "created": 1767261541,
      "currency": "eur",
      "description": "Café “Ünïcode” order",
      "disputed": false,
      "failure_code": null,
      "failure_message": null,
      "livemode": true,
      "metadata": {{
        "order_id": "{order}"
      }},
      "paid": true,
      "payment_intent": "pi_3SkQ1aB7{intent}",
      "payment_method": "pm_1SkQ1ZB7WZ01zgkWcH1pY8tR",
      "receipt_email": null,
      "refunded": false,
      "status": "succeeded"
    }}"#
    )
}
