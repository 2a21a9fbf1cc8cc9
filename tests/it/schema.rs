//! The JSON Schema by which editors check descriptions says what the loader takes: key by key, word by word.

use std::collections::BTreeSet;

use payment_status::gateways::{KindSource, Mode};
use serde_json::Value;

use self::spot::{Spot, samples};
use crate::fixtures::build;

mod spot;

const SCHEMA: &str = include_str!("../../src/gateways/kinds/description.schema.json");

/// A key, and a word, that no description knows.
const STRANGER: &str = "zzz";

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

/// What the loader says of a description that holds this alone; nothing where it takes it.
fn told(spot: &Spot<'_>, value: toml::Value) -> String {
    let text = spot.description(value);
    let kind = KindSource::File { name: "it.toml".to_owned(), text };
    build(kind, Mode::Live, "0123456789abcdef0123456789abcdef", "").err().unwrap_or_default()
}

/// The words that an error allows for the stranger; `None` where it is no stranger there.
fn allowed<'e>(error: &'e str, unknown: &str) -> Option<BTreeSet<&'e str>> {
    let (before, after) = error.split_once(&format!("`{STRANGER}`, expected "))?;
    before.contains(unknown).then(|| after.split('`').skip(1).step_by(2).collect())
}

fn text(word: &str) -> toml::Value {
    toml::Value::String(word.to_owned())
}

fn table<'k>(keys: impl IntoIterator<Item = (&'k str, toml::Value)>) -> toml::Value {
    toml::Value::Table(keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

#[test]
fn the_schema_and_the_loader_know_the_same_keys() {
    let schema = schema();
    let spots = Spot::all(&schema);
    assert!(spots.len() > 200, "only {} spots", spots.len());
    for spot in spots {
        let error = told(&spot, table([(STRANGER, toml::Value::Integer(1))]));
        let known = spot.tables().flat_map(|table| table.keys().map(String::as_str)).collect();
        let known = Some(known).filter(|known: &BTreeSet<&str>| !known.is_empty());
        assert_eq!(allowed(&error, "unknown key "), known, "{spot}: {error}");
    }
}

#[test]
fn the_schema_and_the_loader_know_the_same_words() {
    let schema = schema();
    for spot in Spot::all(&schema) {
        let error = told(&spot, text(STRANGER));
        let known = Some(spot.words()).filter(|known| !known.is_empty());
        assert_eq!(allowed(&error, "unknown "), known, "{spot}: {error}");
        for word in known.into_iter().flatten() {
            let error = told(&spot, text(word));
            assert!(!error.contains("unknown"), "{spot}: {error}");
        }
    }
}

#[test]
fn the_schema_and_the_loader_need_the_same_keys() {
    let schema = schema();
    for spot in Spot::all(&schema) {
        for required in spot.required() {
            let all = samples(&schema, &required);
            let missing = |error: &str| match spot.is_whole() {
                true => error.contains(", missing key "),
                false => error.contains(&format!("key `{spot}`: missing key ")),
            };
            let whole = told(&spot, table(all.clone()));
            assert!(!missing(&whole), "{spot}: {whole}");
            for (left_out, _) in &all {
                let error = told(&spot, table(all.iter().filter(|(key, _)| key != left_out).cloned()));
                assert!(missing(&error) && error.ends_with(&format!("`{left_out}`")), "{spot}: {error}");
            }
        }
    }
}

#[test]
fn the_loader_takes_every_example_of_the_schema() {
    let schema = schema();
    for (spot, example) in
        Spot::all(&schema).iter().flat_map(|spot| spot.examples().map(move |one| (spot, one)))
    {
        let example = toml::Value::try_from(example).expect("an example is TOML too");
        let error = told(spot, example.clone());
        let refused = ['`', '.', '['].iter().any(|end| error.contains(&format!("key `{spot}{end}")));
        assert!(!refused, "{spot} = {example}: {error}");
    }
}

#[test]
fn every_key_is_described() {
    fn undescribed(at: &str, value: &Value, found: &mut Vec<String>) {
        let Value::Object(members) = value else { return };
        for (name, member) in members {
            undescribed(&format!("{at}/{name}"), member, found);
        }
        let properties = members.get("properties").filter(|_| members.contains_key("additionalProperties"));
        for (key, property) in properties.and_then(Value::as_object).into_iter().flatten() {
            let is_told = property.get("description").is_some() || property.get("$ref").is_some();
            found.extend((!is_told).then(|| format!("{at}: {key}")));
        }
        for (key, definition) in members.get("$defs").and_then(Value::as_object).into_iter().flatten() {
            found.extend(definition.get("description").is_none().then(|| key.clone()));
        }
    }
    let mut found = Vec::new();
    undescribed("", &schema(), &mut found);
    assert_eq!(found, [""; 0]);
}
