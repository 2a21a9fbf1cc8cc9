//! Recorded callbacks, and gateways to run them through.

use std::path::PathBuf;

use payment_status::{
    domain::Callback,
    gateways::{Gateway, GatewaySettings, Gateways, KindSource, Mode, Secret, Unregistered, built_in},
};
use serde_json::Value;
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
        for entry in std::fs::read_dir(folder.join(kind)).expect("a folder of vectors for each kind") {
            let path = entry.expect("a readable folder").path();
            let text = std::fs::read(&path).expect("a readable vector");
            let vector = serde_json::from_slice(&text).expect("a vector is JSON");
            fixtures.push(Fixture { kind, name: path.display().to_string(), text, vector });
        }
    }
    fixtures
}

/// Those that prove themselves.
pub(crate) fn valid() -> Vec<Fixture> {
    all().into_iter().filter(|fixture| fixture.vector["expect"]["valid"] == true).collect()
}

impl Fixture {
    pub(crate) fn now(&self) -> OffsetDateTime {
        let now = self.vector["now"].as_i64().expect("a clock");
        OffsetDateTime::from_unix_timestamp(now).expect("a time")
    }

    pub(crate) fn gateway(&self) -> Gateways {
        gateway(self.kind, self.vector["secret"].as_str().expect("a secret"), "")
    }

    pub(crate) fn callback(&self) -> Callback {
        let headers = self.vector["headers"].as_object().expect("headers").iter();
        let headers =
            headers.map(|(name, value)| (name.clone(), value.as_str().expect("text").as_bytes().to_vec()));
        callback(headers.collect(), self.vector["body"].as_str().expect("a body"))
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
    Secret { id: id.to_owned(), value: value.to_owned(), key_id: None, not_before: None, not_after: None }
}

pub(crate) fn shop(gateways: &Gateways) -> &Gateway {
    gateways.get("shop").expect("the one gateway")
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
