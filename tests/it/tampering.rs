//! Callbacks that somebody touched, for every vector of every kind. Whatever is changed, the callback is refused, or
//! it cannot be read, or what counts of it stays as it was. Nothing panics.
//!
//! Where such attacks happened: a missing or empty signature that was let pass (CVE-2026-41432), a signature under an
//! algorithm that the sender chose, a field moved across a border that nothing marked (CVE-2017-12424's kind),
//! duplicate keys that two parsers read differently, unsigned fields that set a payment's status.

use std::collections::BTreeSet;

use payment_status::{
    domain::{Callback, Fact},
    gateways::{Certificates, Gateway, Reason, Secret, built_in},
};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::{
    fixtures::{self, Fixture, shop},
    tampering::message::{Leaf, Message},
};

mod message;

/// The facts that count: those that wait for a confirmation change nothing but a hold.
type Counted = Vec<Fact>;

fn counted(gateway: &Gateway, callback: &Callback, now: OffsetDateTime) -> Result<Counted, Reason> {
    let verified =
        gateway.verify(callback, now, &Certificates::default()).map_err(|refusal| refusal.reason)?;
    let read = gateway.parse(&verified);
    let _ = (payment_status::gateways::dedupe_key(callback, &read), gateway.keep(callback));
    let facts = read.into_iter().flatten().flat_map(|notification| notification.facts);
    Ok(facts.filter(|fact| fact.key.held.is_none()).collect())
}

/// One vector as recorded, with the gateway that takes it and what then counts.
struct Target {
    fixture: Fixture,
    gateways: payment_status::gateways::Gateways,
    honest: Callback,
    expected: Counted,
}

fn targets() -> Vec<Target> {
    let target = |fixture: Fixture| {
        let gateways = fixture.gateway();
        let honest = fixture.callback();
        let expected = counted(shop(&gateways), &honest, fixture.now());
        let expected = expected.unwrap_or_else(|reason| panic!("{}: {}", fixture.name, reason.word()));
        Target { fixture, gateways, honest, expected }
    };
    fixtures::valid().into_iter().map(target).collect()
}

impl Target {
    /// The attack must not change what counts. Facts may vanish, but never differ.
    fn withstands(&self, callback: &Callback, attack: impl Fn() -> String) {
        self.withstands_at(callback, self.fixture.now(), attack);
    }

    fn withstands_at(&self, callback: &Callback, now: OffsetDateTime, attack: impl Fn() -> String) {
        let Ok(found) = counted(shop(&self.gateways), callback, now) else { return };
        assert!(
            found.is_empty() || found == self.expected,
            "{}: {} was accepted and changed what counts:\n{found:?}\ninstead of\n{:?}",
            self.fixture.name,
            attack(),
            self.expected
        );
    }

    fn message(&self) -> Message<'_> {
        Message::of(&self.honest)
    }

    /// Whether any other byte in the body breaks the proof, so that attacks on its parts need not be played one by one.
    fn signs_the_whole_body(&self) -> bool {
        let mut changed = self.honest.clone();
        changed.body.push(b' ');
        !changed.body.is_empty() && counted(shop(&self.gateways), &changed, self.fixture.now()).is_err()
    }
}

#[test]
fn a_changed_bit_changes_nothing_that_counts() {
    for target in targets() {
        let mut changed = target.honest.clone();
        for place in 0..changed.body.len() {
            // Each bit of short bodies; of long ones one bit of each byte, another one each time.
            let bits = if changed.body.len() <= 300 { 0..8 } else { place % 8..place % 8 + 1 };
            for bit in bits {
                changed.body[place] ^= 1 << bit;
                target.withstands(&changed, || format!("bit {bit} of body byte {place}"));
                changed.body[place] ^= 1 << bit;
            }
        }
        for index in 0..changed.headers.len() {
            for place in 0..changed.headers[index].1.len() {
                for bit in 0..8 {
                    changed.headers[index].1[place] ^= 1 << bit;
                    target.withstands(&changed, || format!("bit {bit} of byte {place} of header {index}"));
                    changed.headers[index].1[place] ^= 1 << bit;
                }
            }
        }
        for (place, _) in target.honest.query.char_indices() {
            for bit in 0..7 {
                let mut query = target.honest.query.clone().into_bytes();
                query[place] ^= 1 << bit;
                let Ok(query) = String::from_utf8(query) else { continue };
                let changed = Callback { query, ..target.honest.clone() };
                target.withstands(&changed, || format!("bit {bit} of query byte {place}"));
            }
        }
    }
}

#[test]
fn a_missing_empty_shortened_or_doubled_value_changes_nothing_that_counts() {
    for target in targets() {
        let message = target.message();
        for leaf in message.leaves() {
            let attack = |what: &str, value: Option<String>| {
                let changed = message.with(leaf, value.as_deref());
                target.withstands(&changed, || format!("{} {what}", leaf.name));
            };
            attack("missing", None);
            attack("empty", Some(String::new()));
            attack("doubled", Some(leaf.value.repeat(2)));
            let cuts: BTreeSet<usize> =
                [1, leaf.value.len() / 2, leaf.value.len().saturating_sub(1)].into_iter().collect();
            for cut in cuts {
                if let Some(short) = leaf.value.get(..cut) {
                    attack(&format!("cut to {cut} bytes"), Some(short.to_owned()));
                }
            }
        }
        for (name, value) in &target.honest.headers {
            let mut changed = target.honest.clone();
            changed.headers.push((name.clone(), value.clone()));
            target.withstands(&changed, || format!("header {name} twice"));
        }
    }
}

#[test]
fn without_any_header_field_or_parameter_that_is_proven_nothing_counts() {
    for target in targets() {
        let mut changed = target.honest.clone();
        changed.headers.clear();
        target.withstands(&changed, || "no headers".to_owned());
        let changed = Callback { body: Vec::new(), query: String::new(), ..target.honest.clone() };
        let found = counted(shop(&target.gateways), &changed, target.fixture.now());
        assert_eq!(found.unwrap_or_default(), [], "{}: an empty request", target.fixture.name);
    }
}

#[test]
fn another_key_proves_nothing() {
    const OTHER_PUBLIC_KEY: &str = include_str!("tampering/other_public_key.pem");
    const KEYS: [&str; 2] = ["secret", "key"];
    for target in targets() {
        let mut settings = target.fixture.settings();
        let mut other_secrets = target.fixture.secrets();
        other_secrets
            .iter_mut()
            .for_each(|secret: &mut Secret| secret.value = other(&secret.value, OTHER_PUBLIC_KEY));
        for (name, value) in &mut settings {
            let text = value.as_str().unwrap_or_default();
            if text.contains("BEGIN PUBLIC KEY") {
                *value = OTHER_PUBLIC_KEY.into();
            } else if name == "keys" {
                value.as_object_mut().into_iter().flatten().for_each(|(_, key)| {
                    *key = other(key.as_str().unwrap_or_default(), OTHER_PUBLIC_KEY).into();
                });
            } else if name == "secrets" {
                *value = Value::Array(Vec::new());
            } else if KEYS.contains(&name.as_str()) {
                *value = other(text, OTHER_PUBLIC_KEY).into();
            }
        }
        if target.fixture.vector["expect"]["response_body"].is_string() {
            continue; // a challenge is answered with any key; only the right answer is worth something
        }
        let gateways = target.fixture.gateway_with(other_secrets, &settings);
        let found = counted(shop(&gateways), &target.honest, target.fixture.now());
        let is_pinned =
            settings.values().any(|value| value.as_str().is_some_and(|text| text.contains("CERTIFICATE")));
        let is_unkeyed = target.fixture.secrets().is_empty() && settings == target.fixture.settings();
        match found {
            Ok(found) if is_pinned || is_unkeyed => assert!(found == target.expected || found.is_empty()),
            Ok(found) => panic!("{}: proven by another key: {found:?}", target.fixture.name),
            Err(_) => {}
        }
    }
}

/// Of the same form, with another value.
fn other(key: &str, public_key: &str) -> String {
    if key.contains("BEGIN") || key.starts_with("MII") {
        return public_key.to_owned();
    }
    let middle = key.len() / 2;
    let swap = |(place, letter): (usize, char)| match letter {
        '0' if place == middle => '1',
        _ if place == middle => '0',
        letter => letter,
    };
    key.char_indices().map(swap).collect()
}

#[test]
fn another_kinds_gateway_takes_nothing() {
    let gateways: Vec<_> = built_in().map(|kind| (kind, fixtures::first(kind).gateway())).collect();
    for target in targets() {
        for (kind, gateways) in gateways.iter().filter(|(kind, _)| *kind != target.fixture.kind) {
            let found = counted(shop(gateways), &target.honest, target.fixture.now());
            assert_eq!(found.unwrap_or_default(), [], "{} at a gateway of kind {kind}", target.fixture.name);
        }
    }
}

#[test]
fn an_old_proof_and_one_from_the_future_are_refused_wherever_they_have_a_time() {
    /// The kinds whose proofs have a time; the others are told apart from their repetitions by their facts.
    const TIMED: [&str; 13] = [
        "bkash",
        "cashfree",
        "doku",
        "mercadopago",
        "paddle",
        "paypal",
        "polar",
        "revolut",
        "standard-webhooks",
        "stripe",
        "wechatpay",
        "yoco",
        "midtrans",
    ];
    for target in targets() {
        for (shift, reason) in
            [(Duration::days(8), Reason::TimestampTooOld), (-Duration::days(8), Reason::TimestampInFuture)]
        {
            let now = target.fixture.now() + shift;
            let found = counted(shop(&target.gateways), &target.honest, now);
            if found.as_ref().err() == Some(&reason) {
                assert!(TIMED.contains(&target.fixture.kind), "{} has a time", target.fixture.name);
                continue;
            }
            let timed = TIMED.contains(&target.fixture.kind) && target.fixture.kind != "midtrans";
            assert!(!timed, "{}: {shift} away: {found:?}", target.fixture.name);
            target.withstands_at(&target.honest, now, || format!("{shift} away"));
        }
    }
}

#[test]
fn a_body_that_is_written_anew_changes_nothing_that_counts() {
    for target in targets() {
        let Ok(json) = serde_json::from_slice::<Value>(&target.honest.body) else { continue };
        for (what, text) in
            [("sorted", json.to_string()), ("pretty", serde_json::to_string_pretty(&json).expect("JSON"))]
        {
            let changed = Callback { body: text.into_bytes(), ..target.honest.clone() };
            target.withstands(&changed, || what.to_owned());
        }
    }
}

#[test]
fn what_stands_twice_is_refused_or_unreadable() {
    for target in targets() {
        let message = target.message();
        for leaf in message.leaves() {
            for changed in message.repeated(leaf) {
                target.withstands(&changed, || format!("{} twice", leaf.name));
                let read = shop(&target.gateways)
                    .verify(&changed, target.fixture.now(), &Certificates::default())
                    .map(|verified| shop(&target.gateways).parse(&verified).is_ok());
                let read = read.unwrap_or(false);
                assert!(
                    !read || leaf.is_header(),
                    "{}: {} twice could be read",
                    target.fixture.name,
                    leaf.name
                );
            }
        }
    }
}

#[test]
fn a_letter_moved_from_one_value_to_another_changes_nothing_that_counts() {
    for target in targets()
        .into_iter()
        .filter(|target| !target.signs_the_whole_body() || !target.honest.query.is_empty())
    {
        let message = target.message();
        let leaves = message.leaves();
        for (one, from) in leaves.iter().enumerate() {
            for (_, to) in leaves.iter().enumerate().filter(|(other, _)| *other != one) {
                for (shorter, longer) in moved(from, to) {
                    let changed = message.with_both(from, &shorter, to, &longer);
                    target.withstands(&changed, || format!("from {} to {}", from.name, to.name));
                }
            }
        }
    }
}

/// The last letters of the one before those of the other, or its first ones behind them.
fn moved(from: &Leaf, to: &Leaf) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for count in [1, 2] {
        if let Some((rest, end)) =
            from.value.len().checked_sub(count).and_then(|at| from.value.split_at_checked(at))
        {
            all.push((rest.to_owned(), format!("{end}{}", to.value)));
        }
        if let Some((start, rest)) = from.value.split_at_checked(count) {
            all.push((rest.to_owned(), format!("{}{start}", to.value)));
        }
    }
    all
}

#[test]
fn a_value_that_is_replaced_by_what_an_attacker_would_like_changes_nothing_that_counts() {
    const LIKED: [&str; 14] = [
        "1",
        "999999",
        "0.01",
        "true",
        "false",
        "paid",
        "PAID",
        "success",
        "SUCCESS",
        "COMPLETED",
        "captured",
        "00",
        "EUR",
        "USD",
    ];
    for target in targets() {
        let message = target.message();
        let leaves = message.leaves();
        let own: BTreeSet<&str> =
            leaves.iter().map(|leaf| leaf.value.as_str()).filter(|value| value.len() < 40).collect();
        let liked: Vec<&str> = if target.signs_the_whole_body() {
            LIKED.to_vec()
        } else {
            LIKED.into_iter().chain(own).collect()
        };
        for leaf in leaves {
            for value in &liked {
                let changed = message.with(leaf, Some(value));
                target.withstands(&changed, || format!("{} as {value}", leaf.name));
            }
        }
    }
}
