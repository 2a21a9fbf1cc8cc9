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

/// The description with one text replaced by another must be refused with exactly this; an ellipsis at the end stands
/// for the rest of a list of allowed values.
#[track_caller]
fn refused(from: &str, to: &str, expected: &str) {
    assert!(OUR_BANK.contains(from), "{from} is not in the description");
    let error = build(our_bank(&OUR_BANK.replacen(from, to, 1)), Mode::Live, SECRET, "").expect_err(expected);
    let told = error.strip_prefix("gateways.shop: our-bank.toml: ").expect(&error);
    match expected.strip_suffix('…') {
        Some(start) => assert!(told.starts_with(start), "{told}"),
        None => assert_eq!(told, expected),
    }
}

/// The same, with a key put before the first `status`, as in an event.
#[track_caller]
fn refused_in_event(line: &str, expected: &str) {
    refused("status = \"paid\"", &format!("status = \"paid\"\n{line}"), expected);
}

/// The same, with a section put before `[reply]`.
#[track_caller]
fn refused_section(section: &str, expected: &str) {
    refused("[reply]", &format!("{section}\n[reply]"), expected);
}

#[test]
fn a_misspelt_key_is_told_with_the_right_ones_at_every_level() {
    let paths = "`event_id`, `event_type`, `event_time`, `event_time_format`, `gateway_payment_id`, `payment_id`, \
                 `merchant_reference`, `amount`, `authorized_amount`, `currency`, `failure_code`, `failure_message`, \
                 `refund_id`, `dispute_id`, `livemode`, `live_values`, `test_values`";
    let titel = "line 1, key `titel`: unknown key `titel`, expected one of `title`, `docs`, `setup`, …";
    refused("title =", "titel =", titel);
    refused(
        "[reply]",
        "[replies]",
        "line 32, key `replies`: unknown key `replies`, expected one of `title`, …",
    );
    let payment = "line 16, key `paths.payment`: unknown key `payment`, expected one of ";
    refused("payment_id = \"$.payment\"", "payment = \"$.payment\"", &format!("{payment}{paths}"));
    let proof = "line 7, key `auth[0].prof`: unknown key `prof`, expected one of `when`, `without_secret`, `proof`, …";
    refused("proof = {", "prof = {", proof);
    let encoding =
        "line 9, key `auth[0].key.encodin`: unknown key `encodin`, expected one of `setting`, `encoding`, …";
    refused("key = { encoding", "key = { encodin", encoding);
    refused(
        "encoding = \"hex\" }",
        "encoding = \"hex\", fields = { by = \"/\", name = [\"key\"] } }",
        "line 7, key `auth[0].proof.fields.name`: unknown key `name`, expected `by` or `names`",
    );
    refused(
        "signed = \"{setting:shop}|{header:X-Bank-Time}|{body}\"",
        "signed = { fields = { of = \"form\", joined = \"&\" } }",
        "line 10, key `auth[0].signed.fields.joined`: unknown key `joined`, expected one of `of`, `except`, …",
    );
    refused(
        "signed = \"{setting:shop}|{header:X-Bank-Time}|{body}\"",
        "signed = { text = \"{body}\", boundary = \"open\" }",
        "line 10, key `auth[0].signed.boundary`: unknown key `boundary`, expected one of `text`, `fields`, `free`, \
         `looks`, `boundaries`",
    );
    refused_in_event(
        "when = [{ path = \"$.state\", equals = \"X\" }]",
        "line 27, key `event[0].when[0].equals`: unknown key `equals`, expected one of `path`, `eq`, `in`, `not_in`, \
         `exists`, `less_than`, `at_least`, `between`",
    );
    refused_in_event(
        "facts = [{ phase = \"capture.succeeded\", sum = \"$.total\" }]",
        "line 27, key `event[0].facts[0].sum`: unknown key `sum`, expected one of `phase`, `operation`, `amount`, \
         `tally`, `round`",
    );
    refused_section(
        "[simulate]\npaid = { bdy = \"\" }",
        "line 33, key `simulate.paid.bdy`: unknown key `bdy`, expected one of `body`, `query`, `inner`, `headers`",
    );
    refused_section(
        "[simulate]\npayed = \"\"",
        "line 33, key `simulate.payed`: unknown key `payed`, expected one of `requires_action`, `authorized`, …",
    );
    refused(
        "status = 403",
        "code = 403",
        "line 34, key `reply.refused.code`: unknown key `code`, expected one of `status`, `body`, `content_type`",
    );
}

#[test]
fn a_wrong_word_is_told_with_the_right_ones() {
    refused(
        "\"hmac-sha256\"",
        "\"hmac-md5\"",
        "line 8, key `auth[0].algorithm`: unknown value `hmac-md5`, expected one of `hmac-sha1`, `hmac-sha256`, \
         `hmac-sha512`, `md5`, `sha1`, `sha256`, `sha384`, `sha512`, `rsa-sha1`, `rsa-sha256`, `ecdsa-sha256`, `ed25519`, \
         `token`, `peer`, `none`",
    );
    refused(
        "\"hmac-sha256\"",
        "[\"hmac-sha256\", \"hmac-sha3\"]",
        "line 8, key `auth[0].algorithm[1]`: unknown value `hmac-sha3`, expected one of `hmac-sha1`, …",
    );
    refused(
        "\"hex\"",
        "\"HEX\"",
        "line 7, key `auth[0].proof.encoding`: unknown value `HEX`, expected one of `hex`, `hex-any-case`, `hex-upper`, \
         `base64`, `base64-lenient`, `base64-url`, `text`",
    );
    refused(
        "unit = \"major\"",
        "unit = \"cents\"",
        "line 22, key `amount.unit`: unknown unit `cents`, expected `minor`, `major` or `hundredths`",
    );
    refused(
        "\"paid\"",
        "\"payed\"",
        "line 26, key `event[0].status`: unknown value `payed`, expected one of `pending`, `requires_action`, …",
    );
    refused_in_event(
        "facts = [{ phase = \"captured\" }]",
        "line 27, key `event[0].facts[0].phase`: unknown phase `captured`, expected one of `attempt.action_required`, …",
    );
    refused(
        "event_type = \"$.state\"",
        "event_type = \"$.state\"\nevent_time_format = \"unix\"",
        "line 16, key `paths.event_time_format`: unknown time format `unix`, expected `unix_seconds`, `unix_milliseconds`, \
         `rfc3339` or a table such as { pattern = \"[year]-[month]-[day] [hour]:[minute]:[second]\", offset = \"+07:00\" }",
    );
    refused(
        "event_type = \"$.state\"",
        "event_type = \"$.state\"\nevent_time_format = { pattern = \"[yeer]\", offset = \"+07:00\" }",
        "line 16, key `paths.event_time_format.pattern`: `[yeer]` is no time pattern: invalid component name `yeer` at …",
    );
    refused_section(
        "[inner]\nat = \"$.x\"\ndecode = [\"base63\"]\nformat = \"json\"",
        "line 34, key `inner.decode[0]`: unknown value `base63`, expected one of `base64`, `hex`, `wechatpay`, `computop`",
    );
    refused(
        "|{body}",
        "|{body | downcase}",
        "line 10, key `auth[0].signed`: unknown filter `downcase`, expected one of `lower`, `upper`, `trim`, …",
    );
    refused(
        "payment_id = \"$.payment\"",
        "payment_id = [\"$.payment\", \"heder:X\"]",
        "line 16, key `paths.payment_id[1]`: `heder:X` is not a place: expected one of `$.path`, `root:$.path`, …",
    );
}

#[test]
fn a_wrong_type_or_a_missing_key_is_told_in_the_words_of_toml() {
    refused("title = \"Our Bank\"", "", "line 1, missing key `title`");
    refused("algorithm = \"hmac-sha256\"", "", "line 6, key `auth[0]`: missing key `algorithm`");
    refused(
        "\"hmac-sha256\"",
        "5",
        "line 8, key `auth[0].algorithm`: expected a text or a list of texts, found the number `5`",
    );
    refused("[[auth]]", "[auth]", "line 6, key `auth`: expected a list, found a table: write `[[auth]]`");
    let covers = "line 12, key `auth[0].covers`: expected a list, found the text \"body\"";
    refused("covers = [\"body\", \"header:X-Bank-Time\"]", "covers = \"body\"", covers);
    let status = "line 34, key `reply.refused.status`: ";
    let text = format!("{status}expected a whole number, not below 0, found the text \"403\"");
    refused("403", "\"403\"", &text);
    refused("403", "99", &format!("{status}an HTTP status is 200 to 599"));
    let one = "line 33, key `simulate.paid`: expected a text or a table, found the number `1`";
    refused_section("[simulate]\npaid = 1", one);
    let when = "line 27, key `event[0].when[0]";
    refused_in_event(
        "when = [{ path = \"$.a\", eq = 1.5 }]",
        &format!("{when}.eq`: expected a text, a whole number, `true` or `false`, found the number `1.5`"),
    );
    refused_in_event(
        "when = [{ path = \"$.a\", between = [1] }]",
        &format!("{when}.between`: expected a list of 2, found a list of 1"),
    );
    refused_in_event(
        "when = [{ path = \"$.a\", eq = 1, exists = true }]",
        &format!(
            "{when}`: a condition has one test, not both `eq` and `exists`: expected one of `eq`, `in`, …"
        ),
    );
    refused_in_event(
        "when = [{ path = \"$.a\" }]",
        &format!("{when}`: a condition needs a test: expected one of `eq`, `in`, `not_in`, …"),
    );
    refused(
        "status = \"paid\"",
        "status = paid",
        "line 26, string values must be quoted, expected literal string",
    );
    refused("title =", "title = \"x\"\ntitle =", "line 2, the key `title` stands twice");
}

#[test]
fn what_does_not_fit_together_is_told_by_the_place_that_does_not() {
    refused(
        "\"hmac-sha256\"",
        "\"none\"",
        "line 12, key `auth[0].covers`: what proves nothing covers nothing: expected `covers = []`",
    );
    refused(
        "\"{setting:shop}|",
        "\"{setting:store}|",
        "line 10, key `auth[0].signed`: `setting:store` is not declared: add [settings.store] with its `about`",
    );
    refused(
        "unit = \"major\"",
        "unit = \"setting:unit\"",
        "line 22, key `amount.unit`: `setting:unit` is not declared: add [settings.unit] with its `about`",
    );
    refused(
        "\"$.total\"",
        "\"part:total\"",
        "line 18, key `paths.amount`: `part:total` has a meaning only in [[auth]]",
    );
    refused(
        "|{header:X-Bank-Time}|",
        "|",
        "line 12, key `auth[0].covers[1]`: `header:X-Bank-Time` is claimed as covered, but `signed` does not hold it",
    );
    refused(
        "|{body}",
        "{body}",
        "line 10, key `auth[0].signed`: `header:X-Bank-Time` and `body` without text between them could be read in two ways: say what both of \
         them `looks` like, or say `boundaries = \"open\"`, and nothing in the text counts as proven",
    );
    refused(
        "signed = \"{setting:shop}|{header:X-Bank-Time}|{body}\"",
        "signed = { fields = { of = \"form\" }, free = \"body\" }",
        "line 10, key `auth[0].signed`: `free` goes with `text`, not with `fields`",
    );
    refused(
        "key = { encoding = \"text\" }",
        "key = { derive = \"redsys-aes\" }",
        "line 9, key `auth[0].key.derive`: names code that only built-in kinds may use",
    );
    let narrow = |signed: &str, claimed: &str, expected: &str| {
        let expected = format!("line 12, key `auth[0].covers[0]`: {expected}");
        refused(
            "signed = \"{setting:shop}|{header:X-Bank-Time}|{body}\"\ntimestamp = { at = \"header:X-Bank-Time\", unit = \"milliseconds\", tolerance_seconds = 60 }\ncovers = [\"body\", \"header:X-Bank-Time\"]",
            &format!("signed = \"{signed}\"\nnamed = {{ at = \"$.a\", is = [] }}\ncovers = [\"{claimed}\"]"),
            &expected,
        );
    };
    let loosely = |place: &str| {
        format!(
            "`{place}` is claimed as covered, but `signed` holds only a part of it, or another value where there is one"
        )
    };
    narrow("{$.amount // $.total}", "$.total", &loosely("$.total"));
    narrow("{$.id | last-segment}", "$.id", &loosely("$.id"));
    narrow("{body | crc32}", "body", &loosely("body"));
    narrow(
        "{$.amount | decimals($.currency)}",
        "$.currency",
        "`$.currency` is claimed as covered, but `signed` does not hold it",
    );
    refused(
        "proof = { at = \"header:X-Bank-Signature\", encoding = \"hex\" }\nalgorithm = \"hmac-sha256\"\nkey = { encoding = \"text\" }\nsigned = \"{setting:shop}|{header:X-Bank-Time}|{body}\"\ntimestamp = { at = \"header:X-Bank-Time\", unit = \"milliseconds\", tolerance_seconds = 60 }\ncovers = [\"body\", \"header:X-Bank-Time\"]",
        "proof = { at = \"query:token\", encoding = \"text\" }\nalgorithm = \"token\"\nsigned = \"{secret}\"\ncovers = []",
        "line 7, key `auth[0].proof.at`: a proof that never changes is a secret, and only headers are not kept",
    );
    refused_section(
        "[challenge]\nat = \"query:x\"\nhex_digits = [20, 32]",
        "line 32, key `challenge`: only built-in kinds may sign what strangers ask for",
    );
    refused_section(
        "[inner]\nat = \"$.x\"\ndecode = [\"wechatpay\"]\nformat = \"json\"",
        "line 34, key `inner.decode`: names code that only built-in kinds may use",
    );
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
        &format!(
            "kind: there is no `strip`, expected one of {known}, or `file:your-own.toml` \
         (src/gateways/README.md says what stands in one)"
        ),
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

#[test]
fn where_one_key_signs_for_all_customers_an_event_must_name_ours() {
    let account = "[account]\nis = \"$.shop\"\nmust_be = \"setting:shop\"\nshared_key = true\n\n[amount]";
    let shared = OUR_BANK.replace("[amount]", account);
    let error = build(our_bank(&shared), Mode::Live, SECRET, "").expect_err("no account");
    let needed = "account: needed, since the gateway signs the events of all its customers with one key";
    assert_eq!(error, format!("gateways.shop: {needed}"));

    let gateways = build(our_bank(&shared), Mode::Live, SECRET, "shop = '17'").expect("a sound description");
    let check = |shop_member: &str, expected: Option<Hold>| {
        let body = format!(r#"{{"state":"SETTLED","payment":1,"order":"A-1","total":"1.00"{shop_member}}}"#);
        let callback = shop(&gateways).sign(&Signing::new(&body, "e", NOW)).expect("can be signed");
        let verified = shop(&gateways).verify(&callback, NOW, &Certificates::default()).expect("proven");
        let read = shop(&gateways).parse(&verified).expect("readable");
        assert_eq!(read[0].facts[0].key.held, expected, "{body}");
    };
    check(r#","shop":17"#, None);
    check(r#","shop":18"#, Some(Hold::AccountMismatch));
    check(r#","shop":null"#, Some(Hold::AccountMismatch));
    check("", Some(Hold::AccountMismatch));
}
