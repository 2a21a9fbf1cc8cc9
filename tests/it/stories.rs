//! Simulated stories of each kind, from signed callback to the state of the transaction.

use payment_status::{
    domain::{Callback, Currency, Fact, Money, Registration, project, union},
    gateways::{
        Certificates, Gateway, KindSource, Mode, dedupe_key,
        simulate::{Payment, Scenario},
    },
};
use time::{OffsetDateTime, macros::datetime};

use crate::fixtures::{build, shop};

const NOW: OffsetDateTime = datetime!(2026-01-01 10:00 UTC);
const STANDARD: &str = r#"
paths = { payment_id = "$.data.id", merchant_reference = "$.data.order_id", amount = "$.data.amount", currency = "$.data.currency", refund_id = "$.data.refund_id", dispute_id = "$.data.dispute_id" }
status_map = { "payment.pending" = "requires_action", "payment.succeeded" = "paid", "payment.failed" = "failed", "payment.expired" = "expired", "refund.created" = "refund_relative", "dispute.opened" = "disputed", "dispute.won" = "dispute_won", "dispute.lost" = "chargeback_lost" }
"#;
const KINDS: [(&str, &str, &str); 3] = [
    ("stripe", "whsec_k3qXo0dT1yZ8bQw5nR7uVJmA2sLcE9fH", ""),
    ("adyen", "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056", ""),
    ("standard-webhooks", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", STANDARD),
];

fn payment() -> Payment<'static> {
    let eur = Currency::parse("EUR").expect("a code");
    let amount = Money::new(1000, eur).expect("an amount");
    Payment { payment_id: "PAY1", merchant_reference: "order \"1\"", amount, seed: 7 }
}

fn facts(gateway: &Gateway, callback: &Callback) -> Vec<Fact> {
    let Ok(verified) = gateway.verify(callback, NOW, &Certificates::default()) else { return Vec::new() };
    let read = gateway.parse(&verified).expect("a simulated callback can be read");
    read.into_iter().flat_map(|notification| notification.facts).collect()
}

/// Plays the story in every kind that can, and compares the end.
fn check(scenario: Scenario, expected: &str) {
    let mut played = 0;
    for (kind, secret, settings) in KINDS {
        let gateways =
            build(KindSource::BuiltIn(kind.to_owned()), Mode::Live, secret, settings).expect("sound");
        let Ok(callbacks) = shop(&gateways).simulate(scenario, &payment(), NOW) else { continue };
        let registration = Registration {
            transaction_id: payment().merchant_reference.parse().expect("an id"),
            order_id: String::new(),
            gateway: "shop".parse().expect("an id"),
            payment: None,
            expected: Some(payment().amount),
            labels: Default::default(),
            expire_time: None,
        };
        let facts = union(callbacks.iter().flat_map(|callback| facts(shop(&gateways), callback)));
        let state = project(&registration, &facts);
        let holds: String = state.holds.iter().map(|hold| format!(" {}", hold.word())).collect();
        let dispute = state.dispute.word();
        assert_eq!(
            format!("{} {dispute}{holds}", state.status.word()),
            expected,
            "{kind} {}",
            scenario.word()
        );
        played += 1;
    }
    assert!(played >= 2, "{} was played by {played} kinds", scenario.word());
}

#[test]
fn every_story_ends_as_its_name_says() {
    check(Scenario::Success, "PAID none");
    check(Scenario::Decline, "FAILED none");
    check(Scenario::ThreeDSecure, "PAID none");
    check(Scenario::PartialCapture, "PARTIALLY_CAPTURED none");
    check(Scenario::Refund, "REFUNDED none");
    check(Scenario::PartialRefund, "PARTIALLY_REFUNDED none");
    check(Scenario::RefundFailure, "PAID none");
    check(Scenario::DisputeWon, "PAID won");
    check(Scenario::DisputeLost, "REVERSED lost");
    check(Scenario::Expiry, "EXPIRED none");
    check(Scenario::Duplicate, "PAID none");
    check(Scenario::Reordered, "PARTIALLY_REFUNDED none");
    check(Scenario::WrongAmount, "PARTIALLY_CAPTURED none AMOUNT_MISMATCH");
    check(Scenario::WrongCurrency, "PENDING none CURRENCY_MISMATCH");
    check(Scenario::Forged, "CREATED none");
}

#[test]
fn a_retry_is_a_duplicate_and_the_same_id_with_other_words_is_not() {
    let (kind, secret, _) = KINDS[0];
    let gateways = build(KindSource::BuiltIn(kind.to_owned()), Mode::Live, secret, "").expect("sound");
    let gateway = shop(&gateways);
    let key = |body: &str| {
        let signing = payment_status::gateways::Signing::new(body, "e", NOW);
        let callback = gateway.sign(&signing).expect("can be signed");
        let verified = gateway.verify(&callback, NOW, &Certificates::default()).expect("proven");
        dedupe_key(&callback, &gateway.parse(&verified))
    };
    let event = |amount: u32, pending: u32| {
        format!(
            r#"{{"id":"evt_1","livemode":true,"pending_webhooks":{pending},"type":"payment_intent.succeeded","data":{{"object":{{"id":"pi_1","amount":{amount},"amount_received":{amount},"currency":"eur"}}}}}}"#
        )
    };
    assert_eq!(key(&event(1000, 2)), key(&event(1000, 1)), "open deliveries are counted down");
    assert_ne!(key(&event(1000, 1)), key(&event(999, 1)));
    assert_ne!(key("not JSON"), key("not JSON either"));
    assert_eq!(key("not JSON"), key("not JSON"));
}

#[test]
fn evidence_keeps_the_proof_and_hides_what_nobody_should_keep() {
    let (kind, secret, _) = KINDS[0];
    let gateways = build(KindSource::BuiltIn(kind.to_owned()), Mode::Live, secret, "").expect("sound");
    let mut callback = crate::fixtures::callback(Vec::new(), r#"{"pan":"4111111111111111"}"#);
    for (name, value) in [
        ("Stripe-Signature", "t=1,v1=ab"),
        ("Authorization", "Bearer sensitive"),
        ("Cookie", "sensitive"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("User-Agent", "Stripe/1.0"),
    ] {
        callback.headers.push((name.to_owned(), value.as_bytes().to_vec()));
    }
    let kept = shop(&gateways).keep(&callback);
    assert_eq!(kept.headers, "stripe-signature: t=1,v1=ab\nuser-agent: Stripe/1.0\n");
    assert_eq!(kept.request_line, "POST /webhooks/shop");
    assert_eq!(kept.body, br#"{"pan":"411111******1111"}"#);
}
