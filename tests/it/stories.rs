//! Simulated stories of every kind, from signed callback to the state of the transaction.

use payment_status::{
    domain::{Callback, Currency, Fact, Money, Registration, project, union},
    gateways::{
        Certificates, Gateway, KindSource, Mode, built_in, dedupe_key,
        simulate::{Payment, Scenario},
    },
};
use time::{OffsetDateTime, macros::datetime};

use crate::{
    fixtures::{build, shop},
    stories::cast::Player,
};

mod cast;

const NOW: OffsetDateTime = datetime!(2026-01-01 10:00 UTC);
const KINDS: [(&str, &str, &str); 1] = [("stripe", "whsec_k3qXo0dT1yZ8bQw5nR7uVJmA2sLcE9fH", "")];

fn payment(currency: &str) -> Payment<'static> {
    let currency = Currency::parse(currency).expect("a code");
    let amount = Money::new(1000, currency).expect("an amount");
    Payment { payment_id: "PAY1", merchant_reference: "order-1", amount, seed: 7 }
}

fn facts(gateway: &Gateway, callback: &Callback) -> Vec<Fact> {
    let Ok(verified) = gateway.verify(callback, NOW, &Certificates::default()) else { return Vec::new() };
    // What cannot be read states nothing, and then the story does not end as it should.
    let read = gateway.parse(&verified).unwrap_or_default();
    read.into_iter().flat_map(|notification| notification.facts).collect()
}

/// How a story ends at a kind: `STATUS dispute HOLDS…`, or why it cannot be played.
fn ending(player: &Player, scenario: Scenario) -> Result<String, String> {
    let payment = payment(&player.currency);
    let callbacks =
        shop(&player.gateways).simulate(scenario, &payment, NOW).map_err(|error| error.to_string())?;
    let registration = Registration {
        transaction_id: payment.merchant_reference.parse().expect("an id"),
        order_id: String::new(),
        gateway: "shop".parse().expect("an id"),
        payment: None,
        expected: Some(payment.amount),
        labels: Default::default(),
        expire_time: None,
    };
    let facts = union(callbacks.iter().flat_map(|callback| facts(shop(&player.gateways), callback)));
    let state = project(&registration, &facts);
    let mut ending = format!("{} {}", state.status.word(), state.dispute.word());
    state.holds.iter().for_each(|hold| ending.push_str(&format!(" {}", hold.word())));
    Ok(ending)
}

/// Every story at every kind that can play it: kinds whose callbacks prove what they say end as the story's name
/// says, the others wait for a confirmation.
#[test]
fn every_story_ends_as_its_name_says() {
    let mut wrong = Vec::new();
    for kind in built_in() {
        let player = Player::of(kind);
        let mut missing = Vec::new();
        for &scenario in Scenario::ALL {
            let (word, expected) = (scenario.word(), cast::ending(kind, scenario));
            match ending(&player, scenario) {
                Err(why) if why.contains("no sample") => missing.push(word),
                Err(why) => wrong.push(format!("{kind} {word}: {why}")),
                Ok(found) if found == expected => {}
                Ok(found) => wrong.push(format!("{kind} {word}: {found}, not {expected}")),
            }
        }
        if missing != cast::cannot_play(kind) {
            wrong.push(format!("{kind} cannot play {missing:?}, not {:?}", cast::cannot_play(kind)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
