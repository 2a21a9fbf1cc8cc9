//! The kinds' own samples, with values in them and filled up to the length that is measured.

use payment_status::{
    domain::Callback,
    gateways::{Gateway, Signing},
};
use serde_json::Value;
use time::OffsetDateTime;

const BODY_BYTES: usize = 2048;
/// A sample that is still shorter then cannot be filled up.
const MAX_LINES: usize = 64;

/// A callback about money with a body of 2 KiB or a little more; `None` where the kind sends none.
pub(crate) fn filled_up(
    gateway: &Gateway,
    description: &toml::Table,
    settings: &serde_json::Map<String, Value>,
    now: OffsetDateTime,
) -> Option<Callback> {
    let samples = description.get("simulate")?;
    let sample = ["paid", "captured", "authorized"].into_iter().find_map(|step| samples.get(step))?;
    let part = |name: &str| sample.get(name).and_then(toml::Value::as_str).unwrap_or_default();
    let body = filled(sample.as_str().unwrap_or_else(|| part("body")), settings, now);
    let inner = filled(part("inner"), settings, now);
    let query = filled(part("query"), settings, now);
    (0..MAX_LINES).find_map(|lines| {
        let (body, inner) = match inner.is_empty() {
            true => (with_lines(&body, lines), String::new()),
            false => (body.clone(), with_lines(&inner, lines)),
        };
        let signing = Signing {
            query: &query,
            inner: Some(inner.as_str()).filter(|inner| !inner.is_empty()),
            headers: headers(sample, settings, now),
            ..Signing::new(&body, "evt-bench", now)
        };
        let callback = gateway.sign(&signing).ok()?;
        (callback.body.len() >= BODY_BYTES).then_some(callback)
    })
}

fn headers(
    sample: &toml::Value,
    settings: &serde_json::Map<String, Value>,
    now: OffsetDateTime,
) -> Vec<(String, String)> {
    let headers = sample.get("headers").and_then(toml::Value::as_table).into_iter().flatten();
    let text = |value: &toml::Value| filled(value.as_str().unwrap_or_default(), settings, now);
    headers.map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Lines of an order, as gateways echo them: in an object of their own, or as more fields of a form.
fn with_lines(text: &str, lines: usize) -> String {
    let Some(rest) = text.strip_prefix('{').filter(|_| lines > 0) else {
        let is_form = !text.starts_with(['{', '[', '<']) && !text.is_empty();
        let field = |line| format!("\nline_{line}=Café crème, 1 × {line} & more");
        return text.to_owned() + &(0..lines).filter(|_| is_form).map(field).collect::<String>();
    };
    let line = |line| {
        format!("\"line_{line}\": {{\"name\": \"Café crème\", \"quantity\": {line}, \"gift\": false}}")
    };
    let lines: Vec<String> = (0..lines).map(line).collect();
    format!("{{\n  \"lines\": {{{}}},{rest}", lines.join(",\n    "))
}

/// The marks for the signature and the inner document stay.
fn filled(text: &str, settings: &serde_json::Map<String, Value>, now: OffsetDateTime) -> String {
    let seconds = now.unix_timestamp();
    let mut text = text.trim_start().to_owned();
    for (name, value) in settings.iter().filter_map(|(name, value)| Some((name, value.as_str()?))) {
        text = text.replace(&format!("{{{{setting:{name}}}}}"), value);
    }
    for (name, value) in [
        ("amount", "1099"),
        ("full_amount", "1099"),
        ("payment_number", "1001"),
        ("currency", "EUR"),
        ("currency_lower", "eur"),
        ("livemode", "true"),
        ("testmode", "false"),
        ("rfc3339_time", "2026-01-01T10:00:00Z"),
        ("event_time", "2026-01-01 10:00:00"),
        ("unix_time", &seconds.to_string()),
        ("unix_ms", &format!("{seconds}000")),
    ] {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    for name in ["payment_id", "merchant_reference", "account", "event_id", "operation_id", "nonce"] {
        text = text.replace(&format!("{{{{{name}}}}}"), "bench0123456");
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
