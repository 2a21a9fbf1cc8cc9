//! What each event of each kind means, as a table: event, status word, facts.
//!
//! A fact is written `phase operation [amount] [~ in total] [#round] [!why it does not count]`.

use std::fmt::Write as _;

use payment_status::{
    domain::{Fact, Notification, Tally},
    gateways::{Certificates, KindSource, Mode, Signing},
};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};

use crate::fixtures::{build, shop};

const NOW: OffsetDateTime = datetime!(2026-01-01 10:00 UTC);
const STRIPE: &str = "whsec_k3qXo0dT1yZ8bQw5nR7uVJmA2sLcE9fH";
const ADYEN: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
const STANDARD: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Signs the body, sends it through the gateway and returns its one notification, or why it is unreadable.
fn read(kind: &str, mode: Mode, settings: &str, body: &str) -> Result<Notification, String> {
    let mut read = read_all(kind, mode, settings, body)?;
    assert_eq!(read.len(), 1);
    Ok(read.remove(0))
}

fn read_all(kind: &str, mode: Mode, settings: &str, body: &str) -> Result<Vec<Notification>, String> {
    let secret = match kind {
        "stripe" => STRIPE,
        "adyen" => ADYEN,
        _ => STANDARD,
    };
    let gateways =
        build(KindSource::BuiltIn(kind.to_owned()), mode, secret, settings).expect("a sound gateway");
    let gateway = shop(&gateways);
    let signing = Signing::new(body, "msg_1", NOW);
    let callback = gateway.sign(&signing).expect("can be signed");
    let verified =
        gateway.verify(&callback, NOW, &Certificates::default()).expect("what was signed is proven");
    gateway.parse(&verified).map_err(|unreadable| unreadable.to_string())
}

fn shown(notification: &Notification) -> String {
    let facts: Vec<String> = notification.facts.iter().map(fact).collect();
    format!("{}: {}", notification.status, facts.join("; ")).trim_end().to_owned()
}

fn fact(Fact { key, .. }: &Fact) -> String {
    let mut text = format!("{} {}", key.phase.word(), key.operation);
    if let Some(amount) = key.amount {
        let total = if key.tally == Tally::Cumulative { "~" } else { "" };
        write!(text, " {}{total}", amount.minor_units()).expect("text");
    }
    if key.round != 1 {
        write!(text, " #{}", key.round).expect("text");
    }
    if let Some(hold) = key.held {
        write!(text, " !{}", hold.word()).expect("text");
    }
    text
}

fn stripe(event_type: &str, object: Value, expected: &str) {
    let body = stripe_body(event_type, object).to_string();
    let read = read("stripe", Mode::Test, "", &body).map(|notification| shown(&notification));
    assert_eq!(read.as_deref(), Ok(expected), "{event_type}");
}

fn stripe_body(event_type: &str, object: Value) -> Value {
    json!({"id": "evt_1", "created": 1767261597, "livemode": false, "type": event_type, "data": {"object": object}})
}

#[test]
fn stripe_says_what_its_events_mean() {
    let intent = |amount: i64, received: i64| json!({"id": "pi_1", "amount": amount, "amount_received": received, "amount_capturable": 400, "currency": "eur"});
    let sale = "attempt.authorized pi_1 1000~; capture.succeeded pi_1 1000~";
    stripe("payment_intent.created", intent(1000, 0), "pending: attempt.processing pi_1");
    stripe(
        "payment_intent.requires_action",
        intent(1000, 0),
        "requires_action: attempt.action_required pi_1",
    );
    stripe(
        "payment_intent.amount_capturable_updated",
        intent(1000, 0),
        "authorized: attempt.authorized pi_1 400~",
    );
    stripe("payment_intent.succeeded", intent(1000, 1000), &format!("paid: {sale}"));
    let part = "attempt.authorized pi_1 1000~; capture.succeeded pi_1 600~";
    stripe("payment_intent.succeeded", intent(1000, 600), &format!("partially_captured: {part}"));
    stripe("payment_intent.payment_failed", intent(1000, 0), "failed: attempt.failed pi_1");
    stripe("payment_intent.canceled", intent(1000, 0), "canceled: cancel.cancelled pi_1");

    let charge = |captured: bool, amount_captured: i64| {
        json!({"id": "ch_1", "payment_intent": "pi_1", "amount": 1000, "captured": captured,
               "amount_captured": amount_captured, "amount_refunded": 300, "refunded": !captured, "currency": "eur"})
    };
    stripe("charge.succeeded", charge(true, 1000), &format!("paid: {sale}"));
    stripe("charge.succeeded", charge(false, 0), "authorized: attempt.authorized pi_1 1000~");
    stripe("charge.captured", charge(true, 1000), &format!("paid: {sale}"));
    stripe("charge.captured", charge(true, 600), &format!("partially_captured: {part}"));
    stripe("charge.expired", charge(false, 0), "expired: attempt.auth_expired pi_1");
    stripe("charge.failed", charge(false, 0), "failed: attempt.failed pi_1");
    stripe("charge.refunded", charge(true, 1000), "partially_refunded: refund.succeeded pi_1 300~");
    stripe("charge.refunded", charge(false, 1000), "refunded: refund.succeeded pi_1 300~");
    let alone =
        json!({"id": "ch_1", "payment_intent": null, "amount": 1000, "captured": false, "currency": "eur"});
    stripe("charge.succeeded", alone, "authorized: attempt.authorized ch_1 1000~");

    let refund = |status: &str| json!({"id": "re_1", "payment_intent": "pi_1", "amount": 300, "currency": "eur", "status": status});
    stripe("refund.created", refund("succeeded"), "refund_relative: refund.succeeded re_1 300");
    stripe("refund.updated", refund("pending"), "no_change: refund.pending re_1");
    stripe("charge.refund.updated", refund("failed"), "no_change: refund.failed re_1 300");
    stripe("refund.updated", refund("canceled"), "no_change: refund.failed re_1 300");
    stripe("refund.failed", refund("failed"), "no_change: refund.failed re_1 300");

    let dispute = |status: &str| json!({"id": "du_1", "payment_intent": "pi_1", "amount": 1000, "currency": "eur", "status": status});
    stripe("charge.dispute.created", dispute("needs_response"), "disputed: dispute.opened du_1 1000");
    stripe("charge.dispute.closed", dispute("lost"), "chargeback_lost: dispute.lost du_1 1000");
    stripe("charge.dispute.closed", dispute("won"), "dispute_won: dispute.won du_1 1000");
    stripe("charge.dispute.closed", dispute("warning_closed"), "dispute_won: dispute.won du_1 1000");
    stripe("charge.dispute.funds_reinstated", dispute("won"), "no_change:");

    let session = |paid: &str| json!({"id": "cs_1", "payment_intent": "pi_1", "amount_total": 1000, "currency": "eur", "payment_status": paid});
    stripe("checkout.session.completed", session("paid"), &format!("paid: {sale}"));
    stripe("checkout.session.completed", session("unpaid"), "pending: attempt.processing pi_1");
    stripe("checkout.session.async_payment_succeeded", session("paid"), &format!("paid: {sale}"));
    stripe("checkout.session.async_payment_failed", session("unpaid"), "failed: attempt.failed pi_1");
    stripe("checkout.session.expired", session("unpaid"), "expired: expiry.expired pi_1");
    let invoice = json!({"id": "in_1", "payment_intent": "pi_1", "amount_paid": 1000, "amount_due": 1000, "currency": "eur"});
    stripe("invoice.paid", invoice.clone(), &format!("paid: {sale}"));
    let paid_otherwise = json!({"id": "in_1", "amount_paid": 1000, "amount_due": 1000, "currency": "eur"});
    let held = "!CONFIRMATION_REQUIRED";
    let waits = format!("paid: attempt.authorized in_1 1000~ {held}; capture.succeeded in_1 1000~ {held}");
    stripe("invoice.paid", paid_otherwise, &waits);
    let of_a_charge =
        json!({"id": "re_1", "charge": "ch_1", "amount": 300, "currency": "eur", "status": "succeeded"});
    let named = read("stripe", Mode::Live, "", &stripe_body("refund.updated", of_a_charge).to_string());
    assert_eq!(named.expect("readable").gateway_payment_id.as_deref(), Some("ch_1"));
    stripe("invoice.payment_failed", invoice, "failed: attempt.failed pi_1");

    stripe("customer.created", json!({"id": "cus_1", "amount": "many"}), "ignore:");
    stripe("no.such.event", json!({}), "ignore:");
}

fn adyen(code: &str, success: bool, unproven: &Value, settings: &str, expected: &str) {
    let body = adyen_body(code, success, unproven).to_string();
    let read = read("adyen", Mode::Test, settings, &body).map(|notification| shown(&notification));
    assert_eq!(read.as_deref(), Ok(expected), "{code} {success}");
}

fn adyen_body(code: &str, success: bool, unproven: &Value) -> Value {
    let mut item = json!({
        "pspReference": "OP", "merchantReference": "order-1", "merchantAccountCode": "Shop", "eventCode": code,
        "amount": {"value": 1000, "currency": "EUR"}, "success": success.to_string(), "reason": "because",
        "eventDate": "2026-01-01T10:59:58+01:00", "additionalData": unproven.clone()
    });
    item["additionalData"]["hmacSignature"] = json!("{{signature}}");
    if !["AUTHORISATION", "PENDING", "OFFER_CLOSED"].contains(&code) {
        item["originalReference"] = json!("PAY");
    }
    json!({"live": "false", "notificationItems": [{"NotificationRequestItem": item}]})
}

#[test]
fn adyen_says_what_its_events_mean() {
    let check = |code: &str, success: bool, expected: &str| adyen(code, success, &json!({}), "", expected);
    check("AUTHORISATION", true, "authorized: attempt.authorized OP 1000");
    check("AUTHORISATION", false, "failed: attempt.failed OP");
    check("PENDING", true, "pending: attempt.processing OP");
    check("CAPTURE", true, "paid: capture.succeeded OP 1000");
    check("CAPTURE", false, "no_change: capture.failed OP");
    check("CAPTURE_FAILED", true, "failed: capture.returned OP 1000");
    check("CANCELLATION", true, "canceled: attempt.voided PAY");
    check("TECHNICAL_CANCEL", true, "canceled: attempt.voided PAY");
    check("CANCELLATION", false, "ignore:");
    check("CANCEL_OR_REFUND", true, "refund_relative: attempt.voided PAY; refund.succeeded OP 1000");
    check("EXPIRE", true, "expired: attempt.auth_expired PAY");
    check("OFFER_CLOSED", true, "expired: attempt.auth_expired OP");
    check("REFUND", true, "refund_relative: refund.succeeded OP 1000");
    check("REFUND", false, "no_change: refund.failed OP 1000");
    check("REFUND_FAILED", true, "no_change: refund.failed OP 1000");
    check("REFUNDED_REVERSED", true, "no_change: refund.reversed OP 1000");
    check("CHARGEBACK", true, "disputed: dispute.opened OP 1000");
    check("SECOND_CHARGEBACK", true, "chargeback_lost: dispute.lost OP 1000 #2");
    check("PREARBITRATION_LOST", true, "chargeback_lost: dispute.lost OP 1000 #2");
    check("PREARBITRATION_WON", true, "dispute_won: dispute.won OP 1000 #2");
    check("CHARGEBACK_REVERSED", true, "dispute_won: dispute.won OP 1000");
    check("REQUEST_FOR_INFORMATION", true, "disputed: dispute.opened OP 1000");
    check("ORDER_CLOSED", true, "ignore:");
    check("REPORT_AVAILABLE", true, "ignore:");
}

#[test]
fn one_unreadable_event_of_a_batch_does_not_take_the_others_with_it() {
    let item = |payment: &str, value: Value| {
        let mut body = adyen_body("AUTHORISATION", true, &json!({}));
        let mut item = body["notificationItems"][0].take();
        item["NotificationRequestItem"]["pspReference"] = json!(payment);
        item["NotificationRequestItem"]["amount"]["value"] = value;
        item
    };
    let check = |items: &[Value], expected: Result<&[&str], &str>| {
        let body = json!({"live": "false", "notificationItems": items}).to_string();
        let read = read_all("adyen", Mode::Test, "", &body);
        let read: Result<Vec<String>, String> = read.map(|all| {
            let told = |event: &Notification| event.unreadable.clone().unwrap_or_else(|| shown(event));
            all.iter().map(told).collect()
        });
        let expected = expected.map(|all| all.iter().map(|&text| text.to_owned()).collect());
        assert_eq!(read, expected.map_err(str::to_owned));
    };
    let (good, bad) = (item("P1", json!(1000)), item("P2", json!("much")));
    let why = "$.amount.value: an amount is plain decimal digits, without exponent or grouping";
    check(&[bad.clone(), good.clone()], Ok(&[why, "authorized: attempt.authorized P1 1000"]));
    check(&[good, bad.clone()], Ok(&["authorized: attempt.authorized P1 1000", why]));
    check(&[bad.clone(), bad], Err(why));
}

#[test]
fn adyen_with_automatic_capture_takes_an_authorisation_as_money() {
    let check =
        |code: &str, expected: &str| adyen(code, true, &json!({}), "capture_mode = 'automatic'", expected);
    check("AUTHORISATION", "paid: attempt.authorized OP 1000; capture.succeeded OP 1000");
    check("CAPTURE_FAILED", "failed: capture.returned PAY 1000");
}

#[test]
fn what_adyen_does_not_sign_is_shown_and_never_counts() {
    let lost = json!({"disputeStatus": "Lost"});
    adyen("CHARGEBACK", true, &lost, "", "chargeback_lost: dispute.opened OP 1000");
    let pending = json!({"disputeStatus": "Pending"});
    adyen("CHARGEBACK_REVERSED", true, &pending, "", "disputed: dispute.won OP 1000");
    let cancel = json!({"modification.action": "cancel"});
    adyen("CANCEL_OR_REFUND", true, &cancel, "", "canceled: attempt.voided PAY; refund.succeeded OP 1000");

    let body =
        adyen_body("AUTHORISATION", false, &json!({"refusalReasonRaw": "05 : Do not honor"})).to_string();
    let refused = read("adyen", Mode::Test, "", &body).expect("readable");
    assert_eq!(refused.failure_code.as_deref(), Some("05 : Do not honor"));
    assert_eq!(refused.facts[0].details, Default::default(), "neither the reason nor the time is signed");
}

#[test]
fn an_event_of_the_other_mode_or_account_is_held() {
    let body = adyen_body("AUTHORISATION", true, &json!({})).to_string();
    let check = |mode: Mode, settings: &str, expected: &str| {
        let read = read("adyen", mode, settings, &body).expect("readable");
        assert_eq!(shown(&read), expected);
    };
    check(Mode::Live, "", "authorized: attempt.authorized OP 1000 !MODE_MISMATCH");
    check(Mode::Any, "", "authorized: attempt.authorized OP 1000");
    check(Mode::Test, "merchant_account = 'Shop'", "authorized: attempt.authorized OP 1000");
    check(
        Mode::Test,
        "merchant_account = 'Other'",
        "authorized: attempt.authorized OP 1000 !ACCOUNT_MISMATCH",
    );
}

#[test]
fn stripe_names_the_failure_the_time_and_the_order() {
    let object = json!({"id": "pi_1", "amount": 1000, "currency": "eur", "metadata": {"order_id": "A-1", "cart": "C-1"},
                        "last_payment_error": {"code": "card_declined", "message": "No."}});
    let body = stripe_body("payment_intent.payment_failed", object).to_string();
    let failed = read("stripe", Mode::Test, "", &body).expect("readable");
    let details = &failed.facts[0].details;
    assert_eq!(details.occurred_at, Some(datetime!(2026-01-01 9:59:57 UTC)));
    assert_eq!(details.failure.as_ref().map(|failure| failure.code.as_str()), Some("card_declined"));
    assert_eq!(failed.merchant_reference.as_deref(), Some("A-1"));
    let other = read("stripe", Mode::Test, "reference_path = '$.data.object.metadata.cart'", &body)
        .expect("readable");
    assert_eq!(other.merchant_reference.as_deref(), Some("C-1"));
}

const SHOP: &str = r#"
paths = { gateway_payment_id = "$.data.id", merchant_reference = "$.data.order", amount = "$.data.amount", currency = ["$.data.currency", "const:EUR"] }
status_map = { "payment.succeeded" = "paid", "refund.created" = "refund_relative" }
"#;

#[test]
fn standard_webhooks_are_read_as_the_settings_say() {
    let check = |settings: &str, body: Value, expected: &str| {
        let read = read("standard-webhooks", Mode::Live, settings, &body.to_string());
        assert_eq!(read.map(|notification| shown(&notification)).as_deref(), Ok(expected), "{body}");
    };
    let paid = "paid: attempt.authorized p 1099; capture.succeeded p 1099";
    let data = json!({"id": "p", "order": "o", "amount": 1099});
    check(SHOP, json!({"type": "payment.succeeded", "data": data}), paid);
    check(SHOP, json!({"type": "refund.created", "data": data}), "refund_relative: refund.succeeded p 1099");
    let negative = json!({"id": "p", "order": "o", "amount": -1099});
    check(
        SHOP,
        json!({"type": "refund.created", "data": negative}),
        "refund_relative: refund.succeeded p 1099",
    );
    check(SHOP, json!({"type": "payment.created", "data": data}), "ignore:");
    check("", json!({"type": "payment.succeeded", "data": data}), "ignore:");
    let major = format!("{SHOP}\namount_unit = 'major'");
    check(&major, json!({"type": "payment.succeeded", "data": {"id": "p", "amount": "10.99"}}), paid);
    let nameless = json!({"type": "payment.succeeded", "data": {"order": "o", "amount": 1099}});
    check(SHOP, nameless, "paid: attempt.authorized o 1099; capture.succeeded o 1099");
}

#[test]
fn an_authentic_event_that_makes_no_sense_is_unreadable_and_says_where() {
    let check = |body: &str, expected: &str| {
        let error = read("standard-webhooks", Mode::Live, SHOP, body).expect_err("unreadable");
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("sensitive"), "{error}");
    };
    let paid = |data: &str| format!(r#"{{"type":"payment.succeeded","data":{data}}}"#);
    check("", "byte 0");
    check("\u{0}garbage", "byte 0");
    check(r#"{"type":"payment.succeeded","data":{"id":"sensitive"#, "ends inside a text");
    check(&"[".repeat(10_000), "nested too deeply");
    check(r#"{"a":1,"a":2}"#, "stands twice");
    check(&paid("{}"), "neither a payment ($.data.id) nor a merchant reference ($.data.order)");
    check(&paid(r#"{"id":{"sensitive":1},"amount":1}"#), "$.data.id: expected a text or a number");
    check(&paid(r#"{"id":"sensitive\u0000","amount":1}"#), "$.data.id: must not hold control characters");
    check(&paid(&format!(r#"{{"id":"{}"}}"#, "x".repeat(256))), "$.data.id: must be at most 255 bytes");
    for amount in ["1e2", "\"sensitive\"", "0.5", "99999999999999999999", "true", "\"1,00\""] {
        check(&paid(&format!(r#"{{"id":"p","amount":{amount}}}"#)), "$.data.amount: ");
    }
    check(&paid(r#"{"id":"p","amount":1,"currency":"sensitive"}"#), "three letters");
    check(
        &paid(r#"{"id":"p","amount":-1099,"currency":"EUR"}"#),
        "$.data.amount: an amount must not be negative",
    );
}
