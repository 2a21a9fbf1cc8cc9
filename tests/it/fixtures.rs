//! Recorded callbacks, and gateways to run them through.

use std::path::PathBuf;

use payment_status::{
    domain::Callback,
    gateways::{
        Gateway, GatewaySettings, Gateways, KindSource, Mode, Secret, Unregistered, built_in,
        inspect::{self, NAME},
    },
};
use serde_json::{Map, Value};
use time::OffsetDateTime;

pub(crate) struct Fixture {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
    pub(crate) vector: Value,
}

/// Every vector of every built-in kind.
pub(crate) fn all() -> Vec<Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut fixtures = Vec::new();
    for kind in built_in() {
        let entries = std::fs::read_dir(folder.join(kind)).unwrap_or_else(|_| panic!("no vectors of {kind}"));
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            let text = std::fs::read(&path).expect("a readable vector");
            let vector = serde_json::from_slice(&text).expect("a vector is JSON");
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            fixtures.push(Fixture { kind, name, text, vector });
        }
    }
    fixtures
}

/// Those that prove themselves.
pub(crate) fn valid() -> Vec<Fixture> {
    all().into_iter().filter(|fixture| fixture.vector["expect"]["valid"] == true).collect()
}

/// The first of a kind that proves itself.
pub(crate) fn first(kind: &str) -> Fixture {
    let mut all = valid();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all.into_iter().find(|fixture| fixture.kind == kind).unwrap_or_else(|| panic!("no vector of {kind}"))
}

impl Fixture {
    pub(crate) fn now(&self) -> OffsetDateTime {
        let now = self.vector["now"].as_i64().expect("a clock");
        OffsetDateTime::from_unix_timestamp(now).expect("a time")
    }

    /// With the vector's own secret and settings; whatever the mode.
    pub(crate) fn gateway(&self) -> Gateways {
        self.gateway_with(self.secrets(), &self.settings())
    }

    pub(crate) fn gateway_with(&self, secrets: Vec<Secret>, settings: &Map<String, Value>) -> Gateways {
        let kind = KindSource::BuiltIn(self.kind.to_owned());
        inspect::gateways(kind, secrets, settings).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let value = self.vector["secret"].as_str().filter(|secret| !secret.is_empty());
        value.map(|value| secret("vector", value)).into_iter().collect()
    }

    pub(crate) fn settings(&self) -> Map<String, Value> {
        self.vector["config"].as_object().cloned().unwrap_or_default()
    }

    pub(crate) fn callback(&self) -> Callback {
        let text = |name: &str| self.vector[name].as_str().unwrap_or_default().to_owned();
        let headers = self.vector["headers"].as_object().into_iter().flatten();
        let headers =
            headers.map(|(name, value)| (name.clone(), value.as_str().expect("text").as_bytes().to_vec()));
        let mut callback = callback(headers.collect(), &text("body"));
        if self.vector["body_encoding"] == "base64" {
            callback.body = data_encoding::BASE64.decode(&callback.body).expect("base64");
        }
        callback.method = text("method");
        callback.path = text("path");
        callback.query = text("query");
        if let Some(address) = self.vector["source_ip"].as_str() {
            address.clone_into(&mut callback.remote_address);
        }
        callback
    }
}

/// One gateway named `shop` that takes events of either mode.
pub(crate) fn gateway(kind: &str, secret: &str, settings: &str) -> Gateways {
    build(KindSource::BuiltIn(kind.to_owned()), Mode::Any, secret, settings).expect("a sound gateway")
}

pub(crate) fn build(kind: KindSource, mode: Mode, secret: &str, settings: &str) -> Result<Gateways, String> {
    Gateways::build(vec![GatewaySettings {
        id: "shop".parse().expect("an id"),
        kind,
        mode,
        account: None,
        unregistered: Unregistered::Park,
        secrets: vec![self::secret("SHOP_SECRET", secret)],
        settings: settings.parse().expect("settings are TOML"),
    }])
    .map_err(|error| error.to_string())
}

pub(crate) fn secret(id: &str, value: &str) -> Secret {
    Secret { id: id.to_owned(), value: value.to_owned(), not_before: None, not_after: None, key_id: None }
}

/// The one gateway, whether it was built by hand or from a vector.
pub(crate) fn shop(gateways: &Gateways) -> &Gateway {
    gateways.get("shop").or_else(|| gateways.get(NAME)).expect("the one gateway")
}

pub(crate) fn callback(headers: Vec<(String, Vec<u8>)>, body: &str) -> Callback {
    Callback {
        gateway: "shop".parse().expect("an id"),
        method: "POST".to_owned(),
        path: "/webhooks/shop".to_owned(),
        query: String::new(),
        headers,
        body: body.as_bytes().to_vec(),
        remote_address: "192.0.2.1".to_owned(),
        received_at: OffsetDateTime::UNIX_EPOCH,
        traceparent: None,
    }
}
