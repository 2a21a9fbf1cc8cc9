//! Every recorded vector of every kind, through `inspect`, field by field.

use payment_status::gateways::{KindSource, inspect::inspect};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::fixtures::{self, Fixture};

/// `after_fetch` is what the gateway's own API would add; asking it is not this library's part.
const NOT_OF_A_NOTIFICATION: [&str; 7] =
    ["valid", "reason", "events", "response_status", "response_body", "after_fetch", "note"];

#[test]
fn every_vector_comes_out_as_expected() {
    let fixtures = fixtures::all();
    assert!(fixtures.len() >= 21, "only {} vectors were found", fixtures.len());
    let check = |fixture: &Fixture| {
        let difference = check(fixture.kind, &fixture.vector, &fixture.text).err()?;
        Some(format!("{}: {difference}", fixture.name))
    };
    let wrong: Vec<String> = fixtures.iter().filter_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(kind: &str, vector: &Value, text: &[u8]) -> Result<(), String> {
    let expect = &vector["expect"];
    let report = shown(kind, vector, text)?;
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
            if !NOT_OF_A_NOTIFICATION.contains(&field.as_str()) {
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
    let secrets = vector["secret"].as_str().filter(|secret| !secret.is_empty());
    let secrets = secrets.map(|value| fixtures::secret("vector", value));
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
