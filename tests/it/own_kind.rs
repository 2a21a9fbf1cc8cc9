//! A gateway kind that a user describes in a file, and what is said when the file is wrong.

use payment_status::{
    domain::Hold,
    gateways::{Certificates, KindSource, Mode, Signing, built_in},
};
use time::{OffsetDateTime, macros::datetime};

use crate::fixtures::{build, shop};

const NOW: OffsetDateTime = datetime!(2026-01-01 10:00 UTC);
const SECRET: &str = "0123456789abcdef0123456789abcdef";

const OUR_BANK: &str = r#"title = "Our Bank"

[settings.shop]
about = "the shop number at the bank"

[[auth]]
proof = { at = "header:X-Bank-Signature", encoding = "hex" }
algorithm = "hmac-sha256"
key = { encoding = "text" }
signed = "{setting:shop}|{header:X-Bank-Time}|{body}"
timestamp = { at = "header:X-Bank-Time", unit = "milliseconds", tolerance_seconds = 60 }
covers = ["body", "header:X-Bank-Time"]

[paths]
event_type = "$.state"
payment_id = "$.payment"
merchant_reference = "$.order"
amount = "$.total"
currency = "const:CHF"

[amount]
unit = "major"

[[event]]
type = "SETTLED*"
status = "paid"

[[event]]
type = ["DECLINED", "BLOCKED"]
status = "failed"

[reply]
success = { status = 202, body = "{\"ok\":true}", content_type = "application/json" }
refused = { status = 403 }
"#;

fn our_bank(text: &str) -> KindSource {
    KindSource::File { name: "our-bank.toml".to_owned(), text: text.to_owned() }
}

#[test]
fn a_described_kind_works_without_code() {
    let gateways = build(our_bank(OUR_BANK), Mode::Live, SECRET, "shop = '17'").expect("a sound description");
    let gateway = shop(&gateways);
    let body = r#"{"state":"SETTLED_FULL","payment":4711,"order":"A-1","total":"12.50"}"#;
    let callback = gateway.sign(&Signing::new(body, "e", NOW)).expect("can be signed");
    let verified = gateway.verify(&callback, NOW, &Certificates::default()).expect("proven");
    assert_eq!(verified.key_id(), "SHOP_SECRET");
    let read = gateway.parse(&verified).expect("readable");
    assert_eq!(read[0].facts[1].key.amount.map(|amount| amount.to_string()).as_deref(), Some("12.50 CHF"));
    assert_eq!(read[0].gateway_payment_id.as_deref(), Some("4711"));
    let reply = gateway.reply(payment_status::gateways::Answer::Success);
    assert_eq!((reply.status, reply.content_type.as_str()), (202, "application/json"));

    let other_shop =
        build(our_bank(OUR_BANK), Mode::Live, SECRET, "shop = '18'").expect("a sound description");
    assert!(shop(&other_shop).verify(&callback, NOW, &Certificates::default()).is_err());
    assert!(gateway.verify(&callback, NOW + time::Duration::seconds(62), &Certificates::default()).is_err());
}

/// The description with one text replaced by another must be refused with exactly this.
fn refused(from: &str, to: &str, expected: &str) {
    assert!(OUR_BANK.contains(from), "{from} is not in the description");
    let error = build(our_bank(&OUR_BANK.replace(from, to)), Mode::Live, SECRET, "").expect_err(expected);
    assert_eq!(error, format!("gateways.shop: our-bank.toml: {expected}"));
}

#[test]
fn a_wrong_description_is_refused_with_file_line_key_and_choices() {
    refused(
        "\"hmac-sha256\"",
        "\"hmac-md5\"",
        "line 8, key `auth[0].algorithm`: unknown variant `hmac-md5`, expected one of `hmac-sha1`, `hmac-sha256`, \
         `hmac-sha512`, `md5`, `sha1`, `sha256`, `sha384`, `sha512`, `rsa-sha1`, `rsa-sha256`, `ecdsa-sha256`, `ed25519`, \
         `token`, `peer`, `none`",
    );
    refused(
        "\"hmac-sha256\"",
        "\"none\"",
        "line 6, key `auth.covers`: what proves nothing covers nothing: expected `covers = []`",
    );
    refused(
        "unit = \"major\"",
        "unit = \"cents\"",
        "line 22, key `amount.unit`: unknown unit `cents`, expected `minor`, `major` or `hundredths`",
    );
    refused(
        "payment_id = \"$.payment\"",
        "payment = \"$.payment\"",
        "line 16, key `paths.payment`: unknown field `payment`, expected one of `event_id`, `event_type`, `event_time`, \
         `event_time_format`, `gateway_payment_id`, `payment_id`, `merchant_reference`, `amount`, `authorized_amount`, \
         `currency`, `failure_code`, `failure_message`, `refund_id`, `dispute_id`, `livemode`, `live_values`, `test_values`",
    );
    refused(
        "\"{setting:shop}|",
        "\"{setting:store}|",
        "line 6, key `auth`: `setting:store` is not declared: add [settings.store] with its `about`",
    );
    refused("\"$.total\"", "\"part:total\"", "key `paths`: `part:total` has a meaning only in [[auth]]");
    refused(
        "|{header:X-Bank-Time}|",
        "|",
        "line 6, key `auth.covers`: `header:X-Bank-Time` is claimed as covered, but `signed` does not hold it",
    );
    refused(
        "|{body}",
        "{body}",
        "line 10, key `auth[0].signed`: `header:X-Bank-Time` and `body` without text between them could be read in two ways: say what one of \
         them `looks` like, or say `boundaries = \"open\"`, and nothing in the text counts as proven",
    );
    refused("[[auth]]", "[auth]", "line 6, key `auth`: invalid type: map, expected a sequence");
}

#[test]
fn what_the_proof_does_not_cover_cannot_become_a_fact() {
    let uncovered = "line 24, key `event[0]`: `$.total` is not covered by the proof: mark the event \
                     `unproven = \"show_only\"` (its word is for people, the facts come from the next proven event) or \
                     `unproven = \"confirm\"` (its facts wait for the gateway's confirmation), or say \
                     `uncovered = \"confirm\"` for all events";
    let narrow = OUR_BANK
        .replace("|{body}\"", "|{$.state}|{$.payment}|{$.order}\"")
        .replace("[\"body\",", "[\"$.state\", \"$.payment\", \"$.order\",");
    let error = build(our_bank(&narrow), Mode::Live, SECRET, "").expect_err("the total is not covered");
    assert_eq!(error, format!("gateways.shop: our-bank.toml: {uncovered}"));

    let confirmed = narrow.replace("status = \"paid\"", "status = \"paid\"\nunproven = \"confirm\"");
    let gateways = build(our_bank(&confirmed), Mode::Live, SECRET, "").expect("a sound description");
    let body = r#"{"state":"SETTLED","payment":4711,"order":"A-1","total":"12.50"}"#;
    let callback = shop(&gateways).sign(&Signing::new(body, "e", NOW)).expect("can be signed");
    let verified = shop(&gateways).verify(&callback, NOW, &Certificates::default()).expect("proven");
    let read = shop(&gateways).parse(&verified).expect("readable");
    assert_eq!(read[0].facts[0].key.held, Some(Hold::ConfirmationRequired));
}

#[test]
fn secrets_and_settings_that_cannot_work_are_refused_by_name_and_never_shown() {
    let check = |kind: &str, secret: &str, settings: &str, expected: &str| {
        let kind = KindSource::BuiltIn(kind.to_owned());
        let error = build(kind, Mode::Live, secret, settings).expect_err(expected);
        assert_eq!(error, format!("gateways.shop: {expected}"));
    };
    let known = built_in().collect::<Vec<_>>().join(", ");
    check("stripe", "", "", "secret `SHOP_SECRET` is empty");
    check("stripe", " \t", "", "secret `SHOP_SECRET` is empty");
    check("stripe", "0123456789abcdef\n", "", "secret `SHOP_SECRET` has white space around it");
    for placeholder in
        ["changeme", "secret", "whsec_xxxxxxxxxxxxxxxxxxxx", "your_webhook_secret_here", "<whsec_…>"]
    {
        check("stripe", placeholder, "", "secret `SHOP_SECRET` is a placeholder, not a secret");
    }
    check(
        "stripe",
        "abc12345",
        "",
        "secret `SHOP_SECRET` is too short: its key has 8 bytes, at least 16 are needed",
    );
    check(
        "adyen",
        "not hex, but long enough",
        "",
        "secret `SHOP_SECRET` must be an even number of hex digits",
    );
    check("standard-webhooks", "whsec_/?!/?!/?!abc123", "", "secret `SHOP_SECRET` must be base64");
    check(
        "standard-webhooks",
        "whpk_QUJDREVG",
        "",
        "secret `SHOP_SECRET` is not a 32-byte Ed25519 public key",
    );
    check(
        "strip",
        SECRET,
        "",
        &format!("kind: there is no `strip`, expected one of {known}, or `file:your-own.toml`"),
    );
    check(
        "adyen",
        "44782DEF547AAA06C910C43932B1EB0C",
        "capture = 'manual'",
        "settings.capture: unknown setting, expected one of `capture_mode`, `merchant_account`",
    );
    check(
        "adyen",
        "44782DEF547AAA06C910C43932B1EB0C",
        "capture_mode = 'auto'",
        "settings.capture_mode: expected one of `manual`, `automatic` (how the merchant account captures: with \
         \"automatic\" an authorisation is money already)",
    );
}
