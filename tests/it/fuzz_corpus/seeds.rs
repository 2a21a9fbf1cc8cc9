//! Where a corpus begins: the recorded vectors and the kinds' own samples, written as the targets read them.

use std::{fs, path::Path};

use payment_status::{domain::Callback, gateways::built_in};
use toml::Value;

use super::fuzz::proof_headers::proof_headers;
use crate::fixtures::{self, Fixture};

#[test]
#[ignore = "writes files: tests/fuzz/run --keep calls it"]
fn seeds_are_written() {
    let folder = std::env::var_os("FUZZ_SEEDS").expect("the folder to write to");
    let folder = Path::new(&folder);
    for fixture in fixtures::valid() {
        let callback = fixture.callback();
        write(folder, "proof_headers", &fixture.name, proof_header_lines(&fixture.name, &callback));
        write(folder, "verify_and_parse", &fixture.name, request(&fixture.name, &callback));
        if !callback.query.is_empty() || is_form(&callback.body) {
            let form = if is_form(&callback.body) { callback.body.as_slice() } else { b"" };
            let form = [callback.query.as_bytes(), b"\n", form].concat();
            write(folder, "forms", &fixture.name, form);
        }
    }
    for kind in built_in().filter(|kind| fixtures::valid().iter().any(|fixture| fixture.kind == *kind)) {
        let fixture = fixtures::first(kind);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/gateways/kinds/{kind}.toml"));
        let text = fs::read_to_string(path).expect("a description");
        write(folder, "descriptions", kind, format!("# {}\n{text}", fixture.name).into_bytes());
        for (step, sample) in samples(&text) {
            write(folder, "verify_and_parse", &format!("{kind}-{step}"), to_be_signed(&fixture, &sample));
        }
    }
}

fn write(folder: &Path, target: &str, name: &str, seed: Vec<u8>) {
    let folder = folder.join(target);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(name), seed).expect("a seed");
}

fn is_form(body: &[u8]) -> bool {
    !body.is_empty() && !body.trim_ascii_start().starts_with(b"{") && !body.starts_with(b"[")
}

fn proof_header_lines(name: &str, callback: &Callback) -> Vec<u8> {
    let values = proof_headers(callback).into_iter().map(|place| callback.headers[place].1.clone());
    [name.as_bytes().to_vec()].into_iter().chain(values).collect::<Vec<_>>().join(&b'\n')
}

fn request(name: &str, callback: &Callback) -> Vec<u8> {
    let Callback { method, path, query, headers, body, .. } = callback;
    let mut text = format!("{name}\n{method} {path}?{query}\n").into_bytes();
    for (name, value) in headers {
        text.extend_from_slice(format!("{name}: ").as_bytes());
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    text.push(b'\n');
    text.extend_from_slice(body);
    text
}

/// The samples of `[simulate]`, by what they report.
fn samples(description: &str) -> Vec<(String, Value)> {
    let description: toml::Table = description.parse().expect("TOML");
    let samples = description.get("simulate").and_then(Value::as_table).cloned().unwrap_or_default();
    samples.into_iter().collect()
}

fn to_be_signed(fixture: &Fixture, sample: &Value) -> Vec<u8> {
    let part = |name: &str| sample.get(name).and_then(Value::as_str).unwrap_or_default();
    let body = sample.as_str().unwrap_or_else(|| part("body"));
    let query = part("query").trim().lines().map(str::trim).collect::<Vec<_>>().join("&");
    let mut text = format!("{}\nSIGN /webhooks/fuzz?{query}\n", fixture.name);
    for (name, value) in sample.get("headers").and_then(Value::as_table).into_iter().flatten() {
        text += &format!("{name}: {}\n", value.as_str().unwrap_or_default());
    }
    text += &format!("\n{}", body.trim_start());
    if let Some(inner) = sample.get("inner").and_then(Value::as_str) {
        text += &format!("\0{}", inner.trim_start());
    }
    filled(fixture, text).into_bytes()
}

fn filled(fixture: &Fixture, mut text: String) -> String {
    let settings = fixture.settings();
    let settings = settings.iter().map(|(name, value)| (format!("setting:{name}"), value));
    let settings = settings.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    let account = ["merchant_account", "account"]
        .iter()
        .find_map(|name| fixture.settings().get(*name)?.as_str().map(str::to_owned));
    let known = [
        ("payment_id", "pay-1"),
        ("payment_number", "1001"),
        ("merchant_reference", "order-1"),
        ("account", account.as_deref().unwrap_or("shop-1")),
        ("amount", "1099"),
        ("full_amount", "1099"),
        ("currency", "EUR"),
        ("currency_lower", "eur"),
        ("event_id", "evt-1"),
        ("operation_id", "op-1"),
        ("nonce", "0123456789ab"),
        ("unix_time", "1767261600"),
        ("unix_ms", "1767261600000"),
        ("rfc3339_time", "2026-01-01T10:00:00Z"),
        ("event_time", "2026-01-01 10:00:00"),
        ("livemode", "true"),
        ("testmode", "false"),
    ];
    let known = known.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for (name, value) in known.into_iter().chain(settings) {
        text = text.replace(&format!("{{{{{name}}}}}"), &value);
    }
    test_words(&text)
}

/// `{{live_or_test A | B}}` is `B`.
fn test_words(text: &str) -> String {
    let mut parts = text.split("{{live_or_test ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (words, rest) = part.split_once("}}").unwrap_or((part, ""));
        text + words.split_once(" | ").map_or(words, |(_, test)| test) + rest
    })
}
