//! What an operator may set: one TOML file, under thirty keys, each with a default.
//!
//! Every key can be overridden by the environment: `database.url` by `PAYMENT_STATUS__DATABASE__URL`, and what
//! belongs to the gateway `stripe-eu` by `PAYMENT_STATUS__GATEWAYS__STRIPE_EU__…`. Unknown keys are refused, so a
//! typing error never silently means a default. Secrets do not stand in the file: it says where they are.

mod database_url;
mod environment;
mod gateway;
mod load;
mod outbound;
mod secret;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error as _};

pub use database_url::DatabaseUrl;
pub use environment::Environment;
pub use gateway::{Gateway, Kind, Mode, Unregistered};
pub use outbound::{Outbound, ProxyUrl};
pub use secret::{Secret, SecretSource};

/// The whole configuration, checked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub http: Http,
    pub grpc: Grpc,
    pub ops: Ops,
    pub database: Database,
    /// By name; the name is part of the gateway's URL: `/webhooks/<name>`.
    pub gateways: BTreeMap<String, Gateway>,
    pub outbound: Outbound,
    pub log: Log,
}

/// Why a configuration is refused: one line that names the key, never a secret's value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// `at` is the key, with the file and line or the variable that set it where that is known.
    #[must_use]
    pub fn new(at: impl std::fmt::Display, what: impl std::fmt::Display) -> Self {
        Self(format!("{at}: {what}"))
    }
}

/// `[http]`: the public listener that gateways call.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    #[serde(deserialize_with = "listen_address")]
    pub listen: SocketAddr,
    /// Connections open at once; more wait to be accepted.
    pub max_connections: NonZeroU32,
    /// Our own proxies: what they say in `X-Forwarded-For` is who calls. Matters to gateways that are known by their
    /// address.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
}

/// `[grpc]`: the listener that internal services call.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grpc {
    /// A loopback address, until there is TLS and caller authentication.
    #[serde(deserialize_with = "listen_address")]
    pub listen: SocketAddr,
    pub max_connections: NonZeroU32,
    /// Whether tools such as `buf curl` may ask for the schema.
    pub reflection: bool,
}

/// `[ops]`: health and metrics. Never public.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ops {
    #[serde(deserialize_with = "listen_address")]
    pub listen: SocketAddr,
}

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    pub url: DatabaseUrl,
    pub max_connections: NonZeroU32,
    pub migrate: Migrate,
}

/// Who brings the schema up to date.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Migrate {
    /// The program, at start.
    Auto,
    /// An operator, with `payment-status migrate`.
    Manual,
}

/// `[log]`: what goes to stderr.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    /// Directives as of `tracing`'s `EnvFilter`, such as `info,payment_status::store=debug`.
    pub filter: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Human,
    Json,
}

fn listen_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format!("`{text}` is not IP:PORT, such as 127.0.0.1:8080")))
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let network = |text: &String| {
        let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
        let wrong = || D::Error::custom(format!("`{text}` is no network, such as 10.0.0.0/8"));
        text.parse().ok().or_else(single).ok_or_else(wrong)
    };
    texts.iter().map(network).collect()
}

// === defaults

impl Default for Http {
    fn default() -> Self {
        Self { listen: loopback(8080), max_connections: at_least_one(4096), trusted_proxies: Vec::new() }
    }
}

impl Default for Grpc {
    fn default() -> Self {
        Self { listen: loopback(50051), max_connections: at_least_one(1024), reflection: true }
    }
}

impl Default for Ops {
    fn default() -> Self {
        Self { listen: loopback(9090) }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: DatabaseUrl::default(), max_connections: at_least_one(10), migrate: Migrate::Auto }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Human, filter: "info".to_owned() }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn at_least_one(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}
