//! Callbacks that somebody touched. Whatever is changed, either the proof fails or nothing that counts changed.

use hmac::{Hmac, KeyInit, Mac};
use payment_status::{
    domain::{Callback, Fact},
    gateways::{Certificates, Gateway, Reason},
};
use proptest::prelude::*;
use sha2::Sha256;
use time::{Duration, OffsetDateTime};

use crate::fixtures::{self, Fixture, gateway, shop};

/// The headers that carry a proof, of all kinds.
const PROOFS: [&str; 3] = ["stripe-signature", "webhook-signature", "svix-signature"];

fn facts(gateway: &Gateway, callback: &Callback, now: OffsetDateTime) -> Result<Vec<Fact>, Reason> {
    let verified =
        gateway.verify(callback, now, &Certificates::default()).map_err(|refusal| refusal.reason)?;
    let read = gateway.parse(&verified).expect("a recorded callback can be read");
    Ok(read.into_iter().flat_map(|notification| notification.facts).collect())
}

fn refused(gateway: &Gateway, fixture: &Fixture, callback: &Callback, attack: &str) -> Reason {
    let result = facts(gateway, callback, fixture.now());
    result.err().unwrap_or_else(|| panic!("{}: {attack} was accepted", fixture.name))
}

fn proof_header(callback: &mut Callback) -> Option<&mut Vec<u8>> {
    let mut headers = callback.headers.iter_mut();
    let found = headers.find(|(name, _)| PROOFS.contains(&name.to_ascii_lowercase().as_str()));
    found.map(|(_, value)| value)
}

#[test]
fn a_changed_bit_of_the_body_changes_no_fact() {
    for fixture in fixtures::valid() {
        let gateways = fixture.gateway();
        let honest = fixture.callback();
        let expected = facts(shop(&gateways), &honest, fixture.now()).expect("valid as recorded");
        for place in 0..honest.body.len() {
            let mut changed = honest.clone();
            changed.body[place] ^= 1 << (place % 7);
            let Ok(verified) = shop(&gateways).verify(&changed, fixture.now(), &Certificates::default())
            else {
                continue;
            };
            let read = shop(&gateways).parse(&verified).expect("what is verified here can be read");
            let found: Vec<Fact> = read.into_iter().flat_map(|notification| notification.facts).collect();
            assert_eq!(found, expected, "{} with byte {place} changed", fixture.name);
        }
    }
}

#[test]
fn a_changed_bit_of_the_signature_is_refused() {
    for fixture in fixtures::valid() {
        let gateways = fixture.gateway();
        let Some(proof) = proof_header(&mut fixture.callback()).map(|proof| proof.clone()) else { continue };
        if proof.windows(2).filter(|name| name == b"v1").count() > 1 {
            continue; // another signature of the same header still proves it
        }
        let honest = fixture.callback();
        for place in 0..proof.len() {
            for bit in 0..7 {
                let mut changed = honest.clone();
                proof_header(&mut changed).expect("a proof")[place] ^= 1 << bit;
                refused(shop(&gateways), &fixture, &changed, &format!("bit {bit} of signature byte {place}"));
            }
        }
    }
}

#[test]
fn a_missing_doubled_or_shortened_signature_is_refused() {
    for fixture in fixtures::valid() {
        let gateways = fixture.gateway();
        let Some(proof) = proof_header(&mut fixture.callback()).map(|proof| proof.clone()) else { continue };
        let honest = fixture.callback();
        for length in 0..proof.len() {
            let mut changed = honest.clone();
            proof_header(&mut changed).expect("a proof").truncate(length);
            if proof.windows(2).filter(|name| name == b"v1").count() == 1 {
                refused(shop(&gateways), &fixture, &changed, &format!("the first {length} bytes"));
            }
        }
        let mut changed = fixture.callback();
        changed.headers.retain(|(name, _)| !PROOFS.contains(&name.to_ascii_lowercase().as_str()));
        assert_eq!(refused(shop(&gateways), &fixture, &changed, "no header"), Reason::MissingSignature);

        let mut changed = fixture.callback();
        let doubled =
            changed.headers.iter().find(|(name, _)| PROOFS.contains(&name.to_ascii_lowercase().as_str()));
        let doubled = doubled.expect("a proof").clone();
        changed.headers.push(doubled);
        assert_eq!(refused(shop(&gateways), &fixture, &changed, "two headers"), Reason::BadSignature);
    }
}

#[test]
fn another_key_another_time_or_another_writing_is_refused() {
    for fixture in fixtures::valid() {
        let other = match fixture.kind {
            "adyen" => "AA".repeat(31) + "0123456789ABCDEF",
            "standard-webhooks" => "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY".to_owned(),
            _ => "whsec_another_0123456789abcdef".to_owned(),
        };
        let gateways = gateway(fixture.kind, &other, "");
        let result = facts(shop(&gateways), &fixture.callback(), fixture.now());
        assert_eq!(result.err(), Some(Reason::BadSignature), "{} with another key", fixture.name);

        if fixture.kind != "adyen" {
            let gateways = fixture.gateway();
            let at = |shift: i64| {
                facts(shop(&gateways), &fixture.callback(), fixture.now() + Duration::seconds(shift))
            };
            assert_eq!(at(303).err(), Some(Reason::TimestampTooOld), "{}", fixture.name);
            assert_eq!(at(-303).err(), Some(Reason::TimestampInFuture), "{}", fixture.name);

            let mut rewritten = fixture.callback();
            rewritten.body.push(b' ');
            assert_eq!(refused(shop(&gateways), &fixture, &rewritten, "a space more"), Reason::BadSignature);
        }
    }
}

#[test]
fn a_value_that_stands_twice_is_refused_or_unreadable() {
    for fixture in fixtures::valid() {
        let gateways = fixture.gateway();
        let honest = fixture.callback();
        let text = String::from_utf8(honest.body.clone()).expect("text");
        for twice in ["\"x\":1,\"x\":2,", "\"x\":1,\"\\u0078\":2,"] {
            let mut changed = honest.clone();
            changed.body = text.replacen('{', &format!("{{{twice}"), 1).into_bytes();
            let result = shop(&gateways).verify(&changed, fixture.now(), &Certificates::default());
            assert!(result.is_err(), "{} with {twice}", fixture.name);
        }
    }
}

#[test]
fn adyen_cannot_be_made_to_read_one_signature_in_two_ways() {
    let secret = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
    let gateways = gateway("adyen", secret, "");
    let item = |psp: &str, reference: &str, signature: &str| {
        format!(
            r#"{{"live":"false","notificationItems":[{{"NotificationRequestItem":{{"additionalData":{{"hmacSignature":"{signature}"}},"amount":{{"currency":"EUR","value":100}},"eventCode":"AUTHORISATION","merchantAccountCode":"Shop","merchantReference":"{reference}","pspReference":"{psp}","success":"true"}}}}]}}"#
        )
    };
    let now = OffsetDateTime::UNIX_EPOCH;
    let signed = |body: &str| {
        let signing = payment_status::gateways::Signing::new(body, "1", now);
        shop(&gateways).sign(&signing)
    };
    let honest =
        signed(&item("P", "a:b", "{{signature}}")).expect("a colon in the reference is everyday life");
    assert!(shop(&gateways).verify(&honest, now, &Certificates::default()).is_ok());
    assert!(signed(&item("P:x", "b", "{{signature}}")).is_err(), "a colon elsewhere could be a border");
}

#[test]
fn a_batch_counts_only_if_every_item_proves_itself() {
    let fixture =
        fixtures::valid().into_iter().find(|fixture| fixture.kind == "adyen").expect("an Adyen vector");
    let gateways = fixture.gateway();
    let body: serde_json::Value = serde_json::from_slice(&fixture.callback().body).expect("JSON");
    let item = &body["notificationItems"][0];
    let mut forged = item.clone();
    forged["NotificationRequestItem"]["amount"]["value"] = 1.into();
    let check = |items: Vec<&serde_json::Value>, expected: Result<usize, Reason>| {
        let body = serde_json::json!({ "live": "false", "notificationItems": items }).to_string();
        let callback = fixtures::callback(Vec::new(), &body);
        let result = shop(&gateways).verify(&callback, fixture.now(), &Certificates::default());
        let count = result.map(|verified| shop(&gateways).parse(&verified).expect("readable").len());
        assert_eq!(count.map_err(|refusal| refusal.reason), expected);
    };
    check(vec![item, item, item], Ok(3));
    check(vec![item, &forged], Err(Reason::BadSignature));
    check(vec![&forged, item], Err(Reason::BadSignature));
    check(vec![], Err(Reason::MissingSignature));
}

/// As Stripe signs, over any bytes.
fn stripe_signed(secret: &str, now: OffsetDateTime, body: Vec<u8>) -> Callback {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length fits");
    mac.update(format!("{}.", now.unix_timestamp()).as_bytes());
    mac.update(&body);
    let signature = data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes());
    let proof = format!("t={},v1={signature}", now.unix_timestamp());
    let mut callback = fixtures::callback(vec![("stripe-signature".to_owned(), proof.into_bytes())], "");
    callback.body = body;
    callback
}

proptest! {
    #[test]
    fn garbage_with_a_valid_signature_is_unreadable_and_never_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cut in any::<prop::sample::Index>(),
        put in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let fixture = fixtures::valid().into_iter().find(|fixture| fixture.kind == "stripe").expect("a vector");
        let gateways = fixture.gateway();
        let secret = fixture.vector["secret"].as_str().expect("a secret");
        let mut nearly = fixture.callback().body;
        let cut = cut.index(nearly.len());
        nearly.splice(cut..(cut + put.len()).min(nearly.len()), put);
        for (body, is_noise) in [(bytes, true), (nearly, false)] {
            let callback = stripe_signed(secret, fixture.now(), body);
            let verified = shop(&gateways).verify(&callback, fixture.now(), &Certificates::default()).expect("the signature is right");
            let read = shop(&gateways).parse(&verified);
            if let (Ok(notifications), true) = (&read, is_noise) {
                prop_assert!(notifications.iter().all(|notification| notification.facts.is_empty()));
            }
            let _ = (payment_status::gateways::dedupe_key(&callback, &read), shop(&gateways).keep(&callback));
        }
    }
}
