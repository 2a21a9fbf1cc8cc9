//! Recorded callbacks, each with the gateway that takes it. All are built once, since building costs more than a run.

use std::{collections::HashMap, fs, path::Path, path::PathBuf, sync::OnceLock};

use payment_status::{
    domain::{Callback, Fact},
    gateways::{
        Gateway, Gateways, KindSource, Secret, built_in,
        inspect::{self, NAME},
    },
};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::promises;

/// A callback as it was recorded.
pub struct Vector {
    pub name: String,
    pub now: OffsetDateTime,
    pub callback: Callback,
    /// What counts of it as it was recorded.
    pub counted: Vec<Fact>,
    secret: Option<String>,
    pub settings: Map<String, Value>,
    gateways: Gateways,
}

/// Every vector that proves itself, of every kind that is built in. A kind without vectors has none here.
pub fn all() -> &'static [Vector] {
    static ALL: OnceLock<Vec<Vector>> = OnceLock::new();
    ALL.get_or_init(|| {
        let all: Vec<Vector> = built_in().flat_map(of_kind).collect();
        assert!(!all.is_empty(), "no vectors were found");
        all
    })
}

/// The one of this name, so that a corpus keeps its meaning when kinds are added; any other text picks one by its
/// first byte.
pub fn chosen(name: &[u8]) -> &'static Vector {
    static PLACES: OnceLock<HashMap<&'static [u8], usize>> = OnceLock::new();
    let places = PLACES.get_or_init(|| {
        all().iter().enumerate().map(|(place, vector)| (vector.name.as_bytes(), place)).collect()
    });
    let any = || usize::from(name.first().copied().unwrap_or_default()) % all().len();
    &all()[places.get(name).copied().unwrap_or_else(any)]
}

impl Vector {
    pub fn gateway(&self) -> &Gateway {
        self.gateways.get(NAME).expect("the one gateway")
    }

    pub fn secrets(&self) -> Vec<Secret> {
        self.secret.iter().map(|value| secret(value)).collect()
    }
}

pub fn secret(value: &str) -> Secret {
    Secret {
        id: "vector".to_owned(),
        value: value.to_owned(),
        key_id: None,
        not_before: None,
        not_after: None,
    }
}

fn of_kind(kind: &'static str) -> Vec<Vector> {
    let Ok(folder) = fs::read_dir(fixtures().join(kind)) else { return Vec::new() };
    let paths = folder.map(|entry| entry.expect("a readable folder").path());
    let mut vectors: Vec<Vector> = paths.filter_map(|path| read(kind, &path)).collect();
    vectors.sort_by(|one, other| one.name.cmp(&other.name));
    vectors
}

/// Beside this crate, or in the tests of the program.
fn fixtures() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [here.join("../fixtures"), here.join("tests/fixtures")];
    places.into_iter().find(|place| place.is_dir()).expect("the vectors' folder")
}

/// `None` for what proves nothing, or belongs to a kind that is still being written.
fn read(kind: &str, path: &Path) -> Option<Vector> {
    let vector: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let secret = vector["secret"].as_str().filter(|secret| !secret.is_empty()).map(str::to_owned);
    let settings = vector["config"].as_object().cloned().unwrap_or_default();
    let now = OffsetDateTime::from_unix_timestamp(vector["now"].as_i64()?).ok()?;
    let secrets = secret.iter().map(|value| self::secret(value)).collect();
    let gateways = inspect::gateways(KindSource::BuiltIn(kind.to_owned()), secrets, &settings).ok()?;
    let callback = callback(&vector)?;
    let counted = promises::counted(gateways.get(NAME)?, &callback, now)?;
    let name = path.file_stem()?.to_str()?.to_owned();
    Some(Vector { name, now, callback, counted, secret, settings, gateways })
}

/// Bodies in base64 are left out: as text they would only be noise here.
fn callback(vector: &Value) -> Option<Callback> {
    let text = |name: &str| vector[name].as_str().unwrap_or_default().to_owned();
    if vector["body_encoding"] == "base64" {
        return None;
    }
    let headers = vector["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| Some((name.clone(), value.as_str()?.as_bytes().to_vec())));
    let headers = headers.collect::<Option<_>>()?;
    Some(Callback {
        method: text("method"),
        query: text("query"),
        headers,
        remote_address: vector["source_ip"].as_str().unwrap_or("192.0.2.1").to_owned(),
        ..bare(text("path"), text("body").into_bytes())
    })
}

pub fn bare(path: String, body: Vec<u8>) -> Callback {
    Callback {
        gateway: NAME.parse().expect("an id"),
        method: "POST".to_owned(),
        path,
        query: String::new(),
        headers: Vec::new(),
        body,
        remote_address: "192.0.2.1".to_owned(),
        received_at: OffsetDateTime::UNIX_EPOCH,
        traceparent: None,
    }
}
