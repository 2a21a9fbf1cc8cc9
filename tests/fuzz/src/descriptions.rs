//! Descriptions: arbitrary TOML as a user's own kind. It loads, or says why not; then it runs without a panic.
//!
//! A first line `# stripe-1` lends it that vector's secret, settings and callback; without one it gets such that fit
//! most kinds.

use payment_status::{
    domain::{Callback, Currency, Money},
    gateways::{
        Gateway, KindSource, Signing,
        inspect::{self, NAME},
        simulate::{Payment, Scenario},
    },
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    lines, promises,
    vectors::{self, secret},
};

const SECRET: &str = "whsec_k3qXo0dT1yZ8bQw5nR7uVJmA2sLcE9fH";

pub fn run(data: &[u8]) {
    let (line, _) = lines::first(data);
    let text = lines::text(data).into_owned();
    let vector = line.strip_prefix(b"# ").map(vectors::chosen);
    let (secrets, settings) = match vector {
        Some(vector) => (vector.secrets(), vector.settings.clone()),
        None => (vec![secret(SECRET)], fitting_settings(&text)),
    };
    let kind = KindSource::File { name: "fuzzed.toml".to_owned(), text };
    let gateways = match inspect::gateways(kind, secrets, &settings) {
        Ok(gateways) => gateways,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error says what is wrong");
            return;
        }
    };
    let gateway = gateways.get(NAME).expect("the one gateway");
    let now = vector.map_or(OffsetDateTime::UNIX_EPOCH, |vector| vector.now);
    let _ = gateway.warnings();
    for callback in requests().chain(vector.map(|vector| vector.callback.clone())) {
        promises::counted(gateway, &callback, now);
    }
    play(gateway, now);
}

fn requests() -> impl Iterator<Item = Callback> {
    let post = |body: &str| vectors::bare("/webhooks/fuzzed".to_owned(), body.as_bytes().to_vec());
    let json = post(
        r#"{"id":"1","type":"paid","data":{"id":"p","amount":"10.99","currency":"EUR"},"list":[{"a":1}]}"#,
    );
    let form = post("id=1&type=paid&amount=1099&currency=EUR&sign=00");
    let get = Callback { method: "GET".to_owned(), query: "id=1&sign=00".to_owned(), ..post("") };
    [json, form, get].into_iter()
}

/// As a sender.
fn play(gateway: &Gateway, now: OffsetDateTime) {
    let amount = Currency::parse("KWD").and_then(|currency| Money::new(10_990, currency)).expect("money");
    let payment = Payment { payment_id: "p-1", merchant_reference: "o-1", amount, seed: 7 };
    for scenario in Scenario::ALL {
        for callback in gateway.simulate(*scenario, &payment, now).into_iter().flatten() {
            promises::counted(gateway, &callback, now);
        }
    }
    let signed = gateway.sign(&Signing::new(r#"{"id":"1","sign":"{{signature}}"}"#, "evt-1", now));
    if let Ok(callback) = signed {
        promises::counted(gateway, &callback, now);
    }
}

/// Something for every setting that the description cannot do without.
fn fitting_settings(text: &str) -> Map<String, Value> {
    let description: toml::Table = text.parse().unwrap_or_default();
    let settings = description.get("settings").and_then(toml::Value::as_table).into_iter().flatten();
    let required =
        settings.filter(|(_, setting)| says(setting, "required") == Some(&toml::Value::Boolean(true)));
    required.map(|(name, setting)| (name.clone(), fitting(setting))).collect()
}

fn fitting(setting: &toml::Value) -> Value {
    let one_of = says(setting, "one_of").and_then(toml::Value::as_array).and_then(|values| values.first());
    match says(setting, "takes").and_then(toml::Value::as_str) {
        Some("path") => json!("$.data.id"),
        Some("paths") => json!({"payment_id": "$.data.id"}),
        Some("status_map") => json!({"paid": "paid"}),
        Some("networks") => json!(["192.0.2.0/24"]),
        _ => json!(one_of.and_then(toml::Value::as_str).unwrap_or("shop-1")),
    }
}

fn says<'s>(setting: &'s toml::Value, key: &str) -> Option<&'s toml::Value> {
    setting.as_table()?.get(key)
}
