//! Forms: arbitrary urlencoded queries (the first line) and bodies (the rest).
//!
//! What the reader makes of them is compared with a plain reading of the same text, and every way of signing a list of
//! fields is tried on them.

use std::sync::OnceLock;

use payment_status::{
    domain::Callback,
    gateways::{
        Certificates, Gateway, Gateways, KindSource, Signing,
        inspect::{self, NAME},
    },
};
use percent_encoding::percent_decode;
use serde_json::Map;
use time::OffsetDateTime;

use super::{
    lines, promises,
    vectors::{self, secret},
};

const SECRET: &str = "k3qXo0dT1yZ8bQw5nR7uVJmA2sLcE9fH";

/// Reads without any proof, so that nothing keeps a form from being read.
const UNPROVEN: &str = r#"
title = "Forms"
body = "form"
uncovered = "confirm"
[[auth]]
algorithm = "none"
covers = []
[paths]
event_id = "form:id"
failure_code = "form:a"
failure_message = "query:a"
payment_id = "query:id"
[[event]]
status = "fetch"
[reply]
success = { status = 200 }
refused = { status = 401 }
"#;

/// The ways in which kinds list, order, write and end what they sign.
const LISTS: [&str; 6] = [
    r#"of = "form", except = ["sign"], order = "sorted", join = "&", then = "&key={secret}""#,
    r#"of = "form", except = ["sign"], values = "raw", join = "&", drop_empty = true"#,
    r#"of = "form", except = ["sign"], write = "values", add = { Password = "{secret}" }, order = "sorted""#,
    r#"of = "form", listed_in = "form:list", guard = ["a", "id"], join = "&""#,
    r#"of = "form", until = "sign", guard = ["a"], join = "&""#,
    r#"of = "query", except = ["sign"], order = "sorted", join = "|""#,
];

pub fn run(data: &[u8]) {
    let (query, body) = lines::first(data);
    let query = lines::text(query).into_owned();
    let callback = Callback { query, ..vectors::bare("/webhooks/forms".to_owned(), body.to_vec()) };
    let now = OffsetDateTime::UNIX_EPOCH;
    reads_as_a_plain_reader_does(unproven(), &callback, now);
    for gateway in listing() {
        let gateway = gateway.get(NAME).expect("the one gateway");
        promises::withstands_touches(gateway, &callback, now);
        let (body, query) = (lines_of(body), lines_of(callback.query.as_bytes()));
        let signing = Signing { query: &query, ..Signing::new(&body, "evt-fuzz", now) };
        if let Ok(signed) = gateway.sign(&signing) {
            promises::withstands_touches(gateway, &signed, now);
        }
    }
}

/// What is read is what a reader without any care would take, since nothing stands twice.
fn reads_as_a_plain_reader_does(gateway: &Gateway, callback: &Callback, now: OffsetDateTime) {
    promises::counted(gateway, callback, now);
    let verified = gateway.verify(callback, now, &Certificates::default());
    let Ok(Ok(notifications)) = verified.map(|verified| gateway.parse(&verified)) else { return };
    let first = notifications.first().expect("a form is one event");
    assert_eq!(first.event_id, plain_value(&callback.body, "id"));
    assert_eq!(first.failure_code, plain_value(&callback.body, "a"));
    assert_eq!(first.failure_message, plain_value(callback.query.as_bytes(), "a"));
}

fn plain_value(form: &[u8], name: &str) -> Option<String> {
    let fields = form.split(|byte| *byte == b'&');
    let mut fields = fields.map(|field| {
        let end = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
        (decoded(&field[..end]), decoded(field.get(end + 1..).unwrap_or_default()))
    });
    fields.find(|(known, _)| known == name).map(|(_, value)| value).filter(|value| !value.is_empty())
}

/// UTF-8, else Latin letters.
fn decoded(raw: &[u8]) -> String {
    let spaced: Vec<u8> = raw.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let bytes: Vec<u8> = percent_decode(&spaced).collect();
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect())
}

/// As a sender writes a form: `name=value` lines, not encoded.
fn lines_of(form: &[u8]) -> String {
    form.split(|byte| *byte == b'&').map(decoded).collect::<Vec<_>>().join("\n")
}

fn unproven() -> &'static Gateway {
    static UNPROVEN_GATEWAY: OnceLock<Gateways> = OnceLock::new();
    UNPROVEN_GATEWAY.get_or_init(|| build(UNPROVEN)).get(NAME).expect("the one gateway")
}

fn listing() -> &'static [Gateways] {
    static LISTING: OnceLock<Vec<Gateways>> = OnceLock::new();
    LISTING.get_or_init(|| LISTS.iter().map(|list| build(&listed(list))).collect())
}

fn listed(list: &str) -> String {
    let of = if list.contains(r#"of = "query""#) { "query" } else { "form" };
    let algorithm = if list.contains("{secret}") { "sha256" } else { "hmac-sha256" };
    let covers =
        if list.contains("listed_in") { r#""form:a", "form:id""#.to_owned() } else { format!("{of:?}") };
    format!(
        r#"
title = "Listed"
body = "form"
uncovered = "confirm"
[[auth]]
algorithm = "{algorithm}"
proof = {{ at = "{of}:sign", encoding = "hex" }}
signed = {{ fields = {{ {list} }} }}
covers = [{covers}]
[paths]
payment_id = "{of}:id"
amount = "{of}:a"
currency = "const:EUR"
[[event]]
status = "paid"
[reply]
success = {{ status = 200 }}
refused = {{ status = 401 }}
"#
    )
}

fn build(text: &str) -> Gateways {
    let kind = KindSource::File { name: "forms.toml".to_owned(), text: text.to_owned() };
    let needs_a_secret = text != UNPROVEN;
    let secrets = needs_a_secret.then(|| secret(SECRET)).into_iter().collect();
    inspect::gateways(kind, secrets, &Map::new()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
