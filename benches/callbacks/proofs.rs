//! What proving and reading one callback costs, kind by kind, beside what of it nobody can do without.
//!
//! Each body is the kind's own sample, filled up to 2 KiB and signed as the gateway would sign it. All measurements
//! of a kind take turns, so that a busy moment of the machine hits them alike.

use std::{fs, hint::black_box, path::Path, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use payment_status::{
    domain::Callback,
    gateways::{
        Certificates, Gateway, Gateways, KindSource, Secret, built_in,
        inspect::{self, NAME},
    },
};
use serde_json::{Map, Value};
use sha2::Sha256;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{Result, latency::Percentiles, samples};

const ROUNDS: usize = 20_000;

/// Reads a body and looks at nothing in it: what is left is our reader of JSON.
const READER: &str = r#"
title = "Reader"
uncovered = "confirm"
[[auth]]
algorithm = "none"
covers = []
[reply]
success = { status = 200 }
refused = { status = 401 }
"#;

/// Medians, of one kind.
#[derive(Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) kind: &'static str,
    pub(crate) body_bytes: usize,
    /// Verified and parsed.
    pub(crate) whole: Duration,
    /// HMAC-SHA-256 over the body, its key schedule done.
    pub(crate) hmac: Duration,
    /// `None` where the body is not JSON.
    pub(crate) json: Option<Json>,
}

/// The body as JSON.
#[derive(Clone, Copy)]
pub(crate) struct Json {
    pub(crate) ours: Duration,
    pub(crate) serde: Duration,
}

/// Every built-in kind that signs a body with an HMAC.
pub(crate) fn measure() -> Result<Vec<Measured>> {
    let mut all = Vec::new();
    for kind in built_in() {
        match subject(kind)? {
            Some((gateways, callback)) => all.push(measured(kind, only(&gateways)?, &callback)?),
            None => eprintln!("  {kind}: left out, no HMAC over a body that can be filled up"),
        }
    }
    Ok(all)
}

fn measured(kind: &'static str, gateway: &Gateway, callback: &Callback) -> Result<Measured> {
    let keyed: Hmac<Sha256> = Hmac::new_from_slice(b"k3qXo0dT1yZ8bQw5nR7uVJmA2sLcE9fH")?;
    let reader = build(
        KindSource::File { name: "reader.toml".to_owned(), text: READER.to_owned() },
        None,
        &Map::new(),
    )?;
    let reader = only(&reader)?;
    let is_json = serde_json::from_slice::<Value>(&callback.body).is_ok();
    let mut samples: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let [whole, hmac, ours, serde] = &mut samples;
        whole.push(timed(|| reads(gateway, callback)));
        hmac.push(timed(|| keyed.clone().chain_update(&callback.body).finalize()));
        if is_json {
            ours.push(timed(|| reads(reader, callback)));
            serde.push(timed(|| serde_json::from_slice::<Value>(&callback.body)));
        }
    }
    let [whole, hmac, ours, serde] = samples.map(|samples| Percentiles::of(samples).p50);
    let json = is_json.then_some(Json { ours, serde });
    Ok(Measured { kind, body_bytes: callback.body.len(), whole, hmac, json })
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

/// Whether a callback is proven and can be read.
fn reads(gateway: &Gateway, callback: &Callback) -> bool {
    let verified = gateway.verify(black_box(callback), callback.received_at, &Certificates::default());
    verified.is_ok_and(|verified| black_box(gateway.parse(&verified)).is_ok())
}

/// A gateway with the keys of a recorded vector, and a signed callback of the kind's own.
fn subject(kind: &'static str) -> Result<Option<(Gateways, Callback)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let description = fs::read_to_string(root.join(format!("src/gateways/kinds/{kind}.toml")))?;
    let description: toml::Table = description.parse()?;
    if !signs_with_hmac(&description) {
        return Ok(None);
    }
    let Ok(vectors) = fs::read_dir(root.join("tests/fixtures").join(kind)) else { return Ok(None) };
    let mut vectors: Vec<_> = vectors.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    vectors.sort();
    for vector in vectors {
        let vector: Value = serde_json::from_slice(&fs::read(vector)?)?;
        let settings = vector.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
        let now = vector.get("now").and_then(Value::as_i64).unwrap_or_default();
        let now = OffsetDateTime::from_unix_timestamp(now)?;
        let gateways = build(
            KindSource::BuiltIn(kind.to_owned()),
            vector.get("secret").and_then(Value::as_str),
            &settings,
        )?;
        let callback = samples::filled_up(only(&gateways)?, &description, &settings, now);
        if let Some(callback) =
            callback.filter(|callback| only(&gateways).is_ok_and(|one| reads(one, callback)))
        {
            return Ok(Some((gateways, callback)));
        }
    }
    Ok(None)
}

fn signs_with_hmac(description: &toml::Table) -> bool {
    let auths = description.get("auth").and_then(toml::Value::as_array).into_iter().flatten();
    let mut algorithms = auths.filter_map(|auth| auth.get("algorithm")).map(toml::Value::to_string);
    algorithms.any(|algorithms| algorithms.contains("hmac-"))
}

fn build(kind: KindSource, secret: Option<&str>, settings: &Map<String, Value>) -> Result<Gateways> {
    let secret = secret.filter(|value| !value.is_empty()).map(|value| Secret {
        id: "vector".to_owned(),
        value: value.to_owned(),
        key_id: None,
        not_before: None,
        not_after: None,
    });
    Ok(inspect::gateways(kind, secret.into_iter().collect(), settings)?)
}

fn only(gateways: &Gateways) -> Result<&Gateway> {
    Ok(gateways.get(NAME).ok_or("no gateway")?)
}
