//! Attacks on single schemes, each met somewhere. What every kind must withstand is in `tampering.rs`.

use hmac::{Hmac, KeyInit, Mac};
use payment_status::{
    domain::Callback,
    gateways::{Certificates, KindSource, Reason, inspect},
};
use proptest::prelude::*;
use sha2::Sha256;
use time::OffsetDateTime;

use crate::fixtures::{self, gateway, shop};

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

#[test]
fn a_hint_needs_no_signature_but_a_wrong_one_is_refused() {
    let gateways = gateway("bitpay", "0123456789abcdef0123456789abcdef", "");
    let check = |signature: Option<&str>, expected: Result<bool, Reason>| {
        let header = signature.map(|text| ("x-signature".to_owned(), text.as_bytes().to_vec()));
        let callback = fixtures::callback(header.into_iter().collect(), r#"{"id":"I","status":"paid"}"#);
        let result = shop(&gateways).verify(&callback, OffsetDateTime::UNIX_EPOCH, &Certificates::default());
        let is_hint = result.map(|verified| verified.is_hint()).map_err(|refusal| refusal.reason);
        assert_eq!(is_hint, expected, "{signature:?}");
    };
    check(None, Ok(true));
    check(Some("AAAA"), Err(Reason::BadSignature));
    check(Some("not base64!"), Err(Reason::BadSignature));
}

#[test]
fn entries_of_keys_that_are_not_ours_are_a_key_mismatch_whatever_else_they_say() {
    let mut own = fixtures::secret("s", "0123456789abcdef0123456789abcdef");
    own.key_id = Some("7".to_owned());
    let kind = KindSource::BuiltIn("worldpay".to_owned());
    let gateways = inspect::gateways(kind, vec![own], &serde_json::Map::new()).expect("a sound gateway");
    let gateway = gateways.iter().next().expect("one");
    let check = |entries: &str, expected: Reason| {
        let header = ("event-signature".to_owned(), entries.as_bytes().to_vec());
        let callback = fixtures::callback(vec![header], "{}");
        let refusal = gateway.verify(&callback, OffsetDateTime::UNIX_EPOCH, &Certificates::default());
        assert_eq!(refusal.map(|_| ()).map_err(|refusal| refusal.reason), Err(expected), "{entries}");
    };
    check("7/SHA256/00", Reason::BadSignature);
    check("7/SHA512/00", Reason::UnsupportedAlgorithm);
    check("8/SHA256/00", Reason::KeyMismatch);
    check("8/SHA512/00", Reason::KeyMismatch);
    check("8/SHA512/00,7/SHA256/00", Reason::BadSignature);
}

/// `a=1&b=2` and a single field named `a=1&b` write the same signed text.
#[test]
fn a_field_cannot_be_hidden_in_the_name_of_another() {
    for kind in ["sslcommerz", "alipay"] {
        let fixture = fixtures::first(kind);
        let (gateways, honest) = (fixture.gateway(), fixture.callback());
        let body = String::from_utf8(honest.body.clone()).expect("a form");
        let mut fields: Vec<(&str, &str)> =
            body.split('&').map(|pair| pair.split_once('=').expect("a pair")).collect();
        fields.sort_unstable();
        for pair in fields.windows(2) {
            let [(one, first), (other, second)] = pair else { unreachable!("pairs") };
            let merged = format!("{one}%3D{first}%26{other}");
            let written = |(name, value): &(&str, &str)| match *name {
                "verify_key" => format!("{name}={value}%2C{merged}"),
                name => format!("{name}={value}"),
            };
            let rest = fields.iter().filter(|field| !pair.contains(field)).map(written);
            let forged = rest.chain([format!("{merged}={second}")]).collect::<Vec<_>>().join("&");
            let callback = Callback { body: forged.clone().into_bytes(), ..honest.clone() };
            let result = shop(&gateways).verify(&callback, fixture.now(), &Certificates::default());
            assert!(result.is_err(), "{kind}: {forged}");
        }
    }
}

#[test]
fn a_list_of_signed_names_is_bounded_however_often_it_says_the_same() {
    let fixture = fixtures::first("sslcommerz");
    let (gateways, honest) = (fixture.gateway(), fixture.callback());
    let check = |more: usize, is_proven: bool| {
        let body = String::from_utf8(honest.body.clone()).expect("a form");
        let longer = body.replace("verify_key=", &format!("verify_key={}", "amount%2C".repeat(more)));
        let callback = Callback { body: longer.into_bytes(), ..honest.clone() };
        let result = shop(&gateways).verify(&callback, fixture.now(), &Certificates::default());
        assert_eq!(result.is_ok(), is_proven, "{more} more names");
    };
    check(0, true);
    check(10, true);
    check(600, false);
}
