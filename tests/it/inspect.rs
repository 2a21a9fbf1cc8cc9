//! `inspect` as a person meets it: the example of the README, and captures of every form.

use payment_status::gateways::{
    KindSource,
    inspect::{Report, inspect},
};
use serde_json::{Map, json};
use time::OffsetDateTime;

use crate::fixtures::{self, secret};

const OUR_BANK: &str = include_str!("../../examples/our-bank.toml");
const CAPTURED: &str = include_str!("../../examples/our-bank.http");

fn our_bank(captured: &str) -> Result<Report, String> {
    let kind = KindSource::File { name: "our-bank.toml".to_owned(), text: OUR_BANK.to_owned() };
    let secrets = vec![secret("PAYMENT_STATUS_SECRET", "our-bank-shared-key-2026")];
    let now = OffsetDateTime::from_unix_timestamp(1767261600).expect("a time");
    inspect(kind, secrets, &Map::new(), now, captured.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn the_example_of_the_readme_says_what_the_readme_says() {
    let report = our_bank(CAPTURED).expect("the example is sound");
    let expected = "authentic, proven by PAYMENT_STATUS_SECRET

SETTLED: paid
  event id   4711:SETTLED
  payment    4711
  reference  A-1
  amount     12.50 CHF
  fact       attempt.authorized of 4711, 12.50 CHF
  fact       capture.succeeded of 4711, 12.50 CHF
reply: 200 OK
";
    assert_eq!(report.to_string(), expected);
}

#[test]
fn a_report_for_tools_has_the_promised_members() {
    let report = serde_json::to_value(our_bank(CAPTURED).expect("sound")).expect("serialises");
    let fact = |phase: &str| {
        json!({"phase": phase, "operation_id": "4711", "round": 1, "amount_minor": 1250, "currency": "CHF",
               "cumulative": false, "held": null, "payment": "4711", "reference": "A-1"})
    };
    let expected = json!({
        "valid": true, "reason": null, "key": "PAYMENT_STATUS_SECRET",
        "notifications": [{
            "event_id": "4711:SETTLED", "event_type": "SETTLED", "event_time": null, "gateway_payment_id": "4711",
            "merchant_reference": "A-1", "amount_minor": 1250, "currency": "CHF", "status": "paid",
            "failure_code": null, "failure_message": null, "refund_id": null, "dispute_id": null, "livemode": null,
            "facts": [fact("attempt.authorized"), fact("capture.succeeded")],
        }],
        "reply": {"status": 200, "content_type": "text/plain; charset=utf-8", "body": "OK"},
    });
    assert_eq!(report, expected);
}

#[test]
fn a_forged_capture_says_why_and_a_broken_one_what_is_wrong() {
    let forged = our_bank(&CAPTURED.replace("12.50", "10.50")).expect("readable");
    assert_eq!(forged.to_string(), "NOT authentic: bad_signature\nreply: 401 \n");
    let error = |captured: &str| our_bank(captured).expect_err("not a capture");
    assert!(error("").contains("expected JSON or an HTTP request"));
    assert!(error("POST / HTTP/1.1\nX: 1").contains("do not end with an empty line"));
    assert!(error(r#"{"path": 1}"#).contains("expected a string"));
    assert!(error(&CAPTURED.replace("64", "65000")).contains("shorter than its Content-Length"));
}

#[test]
fn a_capture_may_be_a_raw_request_with_any_line_ends_or_have_its_body_in_base64() {
    let dos = CAPTURED.replace('\n', "\r\n");
    for captured in [CAPTURED.to_owned(), dos] {
        assert!(our_bank(&captured).expect("readable").valid, "{captured:?}");
    }
    let fixture = fixtures::valid().into_iter().find(|fixture| fixture.kind == "stripe").expect("a vector");
    let mut capture = fixture.vector.clone();
    let body = capture["body"].as_str().expect("a body").as_bytes().to_vec();
    capture["body"] = json!(data_encoding::BASE64.encode(&body));
    capture["body_encoding"] = json!("base64");
    let secrets = vec![secret("s", fixture.vector["secret"].as_str().expect("a secret"))];
    let kind = KindSource::BuiltIn("stripe".to_owned());
    let report = inspect(kind, secrets, &Map::new(), fixture.now(), capture.to_string().as_bytes());
    assert!(report.expect("readable").valid);
}

#[test]
fn secrets_may_stand_among_the_settings() {
    let fixture = fixtures::valid().into_iter().find(|fixture| fixture.kind == "stripe").expect("a vector");
    let settings = json!({"secrets": ["whsec_another_0123456789abcdef", fixture.vector["secret"]]});
    let settings = settings.as_object().expect("an object");
    let kind = KindSource::BuiltIn("stripe".to_owned());
    let report = inspect(kind, Vec::new(), settings, fixture.now(), &fixture.text).expect("readable");
    assert_eq!(report.key.as_deref(), Some("settings.secrets[1]"));
}

#[test]
fn a_refund_is_called_whole_or_partial_only_if_the_capture_says_what_was_captured() {
    let settings = json!({
        "paths": {"gateway_payment_id": "$.data.id", "amount": "$.data.amount", "currency": "const:EUR"},
        "status_map": {"refund.created": "refund_relative"},
    });
    let key = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let gateways = fixtures::gateway("standard-webhooks", key, "");
    let now = OffsetDateTime::from_unix_timestamp(1767261600).expect("a time");
    let body = r#"{"type":"refund.created","data":{"id":"p","amount":400}}"#;
    let signing = payment_status::gateways::Signing::new(body, "msg_1", now);
    let callback = fixtures::shop(&gateways).sign(&signing).expect("can be signed");
    let headers: Map<String, serde_json::Value> = callback
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), json!(String::from_utf8_lossy(value))))
        .collect();
    let check = |context: serde_json::Value, expected: &str| {
        let capture = json!({"path": "/", "headers": headers, "body": body, "context": context}).to_string();
        let kind = KindSource::BuiltIn("standard-webhooks".to_owned());
        let settings = settings.as_object().expect("an object");
        let report =
            inspect(kind, vec![secret("s", key)], settings, now, capture.as_bytes()).expect("readable");
        assert_eq!(report.notifications[0].status, expected);
    };
    check(json!({"captured_amount_minor": 1000, "refunded_before_minor": 0}), "partially_refunded");
    check(json!({"captured_amount_minor": 1000, "refunded_before_minor": 600}), "refunded");
    check(json!({"captured_amount_minor": 400}), "refunded");
    check(json!(null), "refund_relative");
}

#[test]
fn the_refunds_of_one_batch_add_up() {
    let key = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
    let refund = |reference: &str, amount: i64| {
        json!({"NotificationRequestItem": {
            "eventCode": "REFUND", "success": "true", "pspReference": reference, "originalReference": "P",
            "merchantAccountCode": "Shop", "merchantReference": "A-1",
            "amount": {"currency": "EUR", "value": amount},
            "additionalData": {"hmacSignature": "{{signature}}"},
        }})
    };
    let body =
        json!({"live": "false", "notificationItems": [refund("R1", 400), refund("R2", 600)]}).to_string();
    let gateways = fixtures::gateway("adyen", key, "");
    let now = OffsetDateTime::from_unix_timestamp(1767261600).expect("a time");
    let signing = payment_status::gateways::Signing::new(&body, "", now);
    let callback = fixtures::shop(&gateways).sign(&signing).expect("can be signed");
    let capture = json!({
        "path": "/", "body": String::from_utf8(callback.body).expect("text"),
        "context": {"captured_amount_minor": 1000},
    });
    let kind = KindSource::BuiltIn("adyen".to_owned());
    let report = inspect(kind, vec![secret("s", key)], &Map::new(), now, capture.to_string().as_bytes())
        .expect("readable");
    let words: Vec<&str> = report.notifications.iter().map(|one| one.status.as_str()).collect();
    assert_eq!(words, ["partially_refunded", "refunded"]);
}
