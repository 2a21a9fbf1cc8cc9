//! Keys of the kinds: what stops a start by name, what is warned of, and what never reaches the evidence.

use payment_status::{
    domain::Hold,
    gateways::{Certificates, KindSource, Mode},
};

use crate::fixtures::{build, callback, first, shop};

const STRONG: &str = "k3qXo0dT1yZ8bQw5nR7uVJmA2sLcE9fH";
const PUBLIC_KEY: &str = include_str!("stories/public_key.pem");
const PRIVATE_KEY: &str = include_str!("stories/private_key.pem");

fn refused(kind: &str, secret: &str, settings: &str, expected: &str) {
    let built = build(KindSource::BuiltIn(kind.to_owned()), Mode::Live, secret, settings);
    assert_eq!(built.expect_err(expected), format!("gateways.shop: {expected}"), "{kind}");
}

#[test]
fn a_key_of_the_wrong_form_stops_the_start_and_is_named() {
    refused(
        "adyen",
        "not hex, but long enough",
        "",
        "secret `SHOP_SECRET` must be an even number of hex digits",
    );
    refused("yoco", "whsec_/?!/?!/?!abc123", "", "secret `SHOP_SECRET` must be base64");
    refused(
        "redsys",
        "c2l4dGVlbiBieXRlcyBhbmQgbW9yZQ==",
        "",
        "secret `SHOP_SECRET` is no commerce key: expected 24 bytes in base64",
    );
    refused("wise", "MIIBnonsense", "", "secret `SHOP_SECRET` is no public key (SubjectPublicKeyInfo)");
    refused("wise", "not a key at all!", "", "secret `SHOP_SECRET` is neither PEM nor base64");
    let private = "secret `SHOP_SECRET` holds a private key; only the gateway's public key is needed";
    refused("wise", PRIVATE_KEY, "", private);
    let pem = |text: &str| format!("public_key_pem = '''{text}'''");
    refused("conekta", STRONG, &pem("nonsense!"), "settings.public_key_pem: is neither PEM nor base64");
    let broken = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
    refused(
        "conekta",
        STRONG,
        &pem(broken),
        "settings.public_key_pem: is no public key (SubjectPublicKeyInfo)",
    );
    let certificate = "webhook_id = 'W'\ncertificate_pem = 'nonsense'";
    refused("paypal", STRONG, certificate, "settings.certificate_pem: is no certificate in PEM");
    let tolerance = "settings.tolerance_seconds: expected 1 to 604800 whole seconds";
    refused("stripe", STRONG, "tolerance_seconds = 0", tolerance);
    refused(
        "shopify",
        STRONG,
        "tolerance_seconds = 60",
        "settings.tolerance_seconds: proofs of this kind have no time",
    );
}

#[test]
fn several_public_keys_stand_beside_each_other() {
    let both =
        format!("public_key_pem = '''{}{PUBLIC_KEY}'''", include_str!("tampering/other_public_key.pem"));
    build(KindSource::BuiltIn("conekta".to_owned()), Mode::Live, STRONG, &both).expect("two keys");
}

#[test]
fn weak_digests_and_proofs_that_prove_nothing_are_warned_of() {
    for (kind, part) in [
        ("payu-latam", Some("signs with MD5")),
        ("payfast", Some("signs with MD5")),
        ("xendit", Some("prove nothing of what they say")),
        ("stripe", None),
        ("vnpay", None),
    ] {
        let gateways = first(kind).gateway();
        let warnings = shop(&gateways).warnings().join("\n");
        match part {
            Some(part) => assert!(warnings.contains(part), "{kind}: {warnings}"),
            None => assert_eq!(warnings, "", "{kind}"),
        }
    }
}

#[test]
fn a_proof_that_is_the_secret_itself_is_never_kept() {
    for (kind, header) in
        [("xendit", "x-callback-token"), ("flutterwave", "verif-hash"), ("phonepe", "Authorization")]
    {
        let gateways = first(kind).gateway();
        let mut request = callback(Vec::new(), "{}");
        request.headers.push((header.to_owned(), b"the secret".to_vec()));
        request.headers.push(("X-VERIFY".to_owned(), b"ab###1".to_vec()));
        let kept = shop(&gateways).keep(&request);
        assert!(!kept.headers.contains("the secret"), "{kind}: {}", kept.headers);
        assert_eq!(kept.headers.contains("ab###1"), kind == "phonepe", "{kind}: {}", kept.headers);
    }
}

#[test]
fn what_events_are_read_from_is_kept_for_a_replay() {
    let gateways = first("shopify").gateway();
    let mut request = callback(Vec::new(), "{}");
    request.headers.push(("X-Shopify-Topic".to_owned(), b"orders/paid".to_vec()));
    request.headers.push(("User-Agent".to_owned(), vec![b'a'; 10_000]));
    let kept = shop(&gateways).keep(&request).headers;
    assert!(kept.contains("orders/paid"));
    assert!(kept.len() < 400, "what strangers write beside it takes no room: {}", kept.len());
}

#[test]
fn an_unproven_account_cannot_hide_that_the_money_is_unproven() {
    // The sender's address proves nothing of what the message says, the account in it included.
    let fixture = first("yookassa");
    let mut settings = fixture.settings();
    settings.insert("account_id".to_owned(), "ours".into());
    let gateways = fixture.gateway_with(fixture.secrets(), &settings);
    let gateway = shop(&gateways);
    let request = fixture.callback();
    let verified =
        gateway.verify(&request, fixture.now(), &Certificates::default()).expect("from its address");
    let read = gateway.parse(&verified).expect("readable");
    assert_eq!(read[0].facts[0].key.held, Some(Hold::ConfirmationRequired));
    assert!(read[0].confirm.is_some());
}
