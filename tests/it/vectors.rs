//! Every recorded vector of every kind, through `inspect`, field by field.

use std::path::PathBuf;

use payment_status::gateways::{KindSource, Secret, inspect::inspect};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

#[test]
fn every_vector_comes_out_as_expected() {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut run = 0;
    let mut wrong = Vec::new();
    for kind in payment_status::gateways::built_in() {
        for entry in std::fs::read_dir(fixtures.join(kind)).expect("a folder of vectors for each kind") {
            let path = entry.expect("a readable folder").path();
            let text = std::fs::read(&path).expect("a readable vector");
            run += 1;
            if let Err(difference) = check(kind, &text) {
                wrong.push(format!("{}: {difference}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run >= 21, "only {run} vectors were found");
}

fn check(kind: &str, text: &[u8]) -> Result<(), String> {
    let vector: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let expect = &vector["expect"];
    let report = shown(kind, &vector, text)?;
    same(&report["valid"], &expect["valid"], "valid")?;
    same(&report["reason"], &expect["reason"], "reason")?;
    let notifications = report["notifications"].as_array().ok_or("no notifications")?;
    if expect["valid"] == json!(false) {
        return same(&json!(notifications.len()), &json!(0), "notifications");
    }
    let expected: Vec<&Value> = match expect["events"].as_array() {
        Some(events) => events.iter().collect(),
        None => vec![expect],
    };
    same(&json!(notifications.len()), &json!(expected.len()), "notifications")?;
    for (notification, expected) in notifications.iter().zip(expected) {
        for (field, value) in expected.as_object().ok_or("expect is no object")? {
            if !["valid", "reason", "events", "response_status", "response_body"].contains(&field.as_str()) {
                same(&notification[field], value, field)?;
            }
        }
    }
    for field in ["status", "body"] {
        if let Some(value) = expect.get(format!("response_{field}")) {
            same(&report["reply"][field], value, field)?;
        }
    }
    Ok(())
}

fn shown(kind: &str, vector: &Value, text: &[u8]) -> Result<Value, String> {
    let secrets = vector["secret"].as_str().filter(|secret| !secret.is_empty()).map(|value| Secret {
        id: "vector".to_owned(),
        value: value.to_owned(),
        not_before: None,
        not_after: None,
    });
    let settings = vector["config"].as_object().cloned().unwrap_or_else(Map::new);
    let now = vector["now"].as_i64().ok_or("no `now`")?;
    let now = OffsetDateTime::from_unix_timestamp(now).map_err(|error| error.to_string())?;
    let kind = KindSource::BuiltIn(kind.to_owned());
    let report = inspect(kind, secrets.into_iter().collect(), &settings, now, text)
        .map_err(|error| error.to_string())?;
    serde_json::to_value(&report).map_err(|error| error.to_string())
}

fn same(found: &Value, expected: &Value, field: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{field} is {found}, expected {expected}")) }
}
