//! What the operator configures for each gateway.

use std::fmt;

use time::OffsetDateTime;

use crate::domain::GatewayId;

/// One configured gateway, as the configuration says it. [`super::Gateways::build`] checks it.
#[derive(Debug)]
pub struct GatewaySettings {
    pub id: GatewayId,
    pub kind: KindSource,
    pub mode: Mode,
    /// The merchant account that events must be about, where the kind's events name one.
    pub account: Option<String>,
    pub unregistered: Unregistered,
    /// All are tried, so that a new one can be brought in before the old one goes.
    pub secrets: Vec<Secret>,
    /// `[gateways.X.settings]`: what the kind needs beyond secrets.
    pub settings: toml::Table,
}

/// Which description runs a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindSource {
    /// One that is built in, by its name: `stripe`.
    BuiltIn(String),
    /// The user's own: the name of its file, for error texts, and what stands in it.
    File { name: String, text: String },
}

/// Which world's events count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Live,
    Test,
    /// No check, for looking at captured callbacks.
    Any,
}

/// What to do with events of a payment that nobody registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unregistered {
    /// Keep them until it is registered.
    #[default]
    Park,
    /// Make a transaction from them, with a hold.
    Adopt,
}

/// A secret that proves callbacks, or the public key that does.
pub struct Secret {
    /// A name that is safe to show and store: the variable or the file it came from.
    pub id: String,
    pub value: String,
    /// The gateway's name for it, where its callbacks name the key that signed them.
    pub key_id: Option<String>,
    /// It proves nothing before this time.
    pub not_before: Option<OffsetDateTime>,
    /// From this time on it proves nothing.
    pub not_after: Option<OffsetDateTime>,
}

/// Why the configured gateways cannot run. Names the gateway and the key, never a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("gateways.{gateway}: {what}")]
pub struct SettingsError {
    gateway: String,
    what: String,
}

impl SettingsError {
    pub(crate) fn new(gateway: &GatewayId, what: impl fmt::Display) -> Self {
        Self { gateway: gateway.to_string(), what: what.to_string() }
    }
}

impl Secret {
    pub(crate) fn is_in_force(&self, now: OffsetDateTime) -> bool {
        self.not_before.is_none_or(|start| start <= now) && self.not_after.is_none_or(|end| now < end)
    }

    /// Why nobody should rely on it.
    pub(crate) fn weakness(&self) -> Option<&'static str> {
        if self.value.trim().is_empty() {
            return Some("is empty");
        }
        if self.value.trim() != self.value {
            return Some("has white space around it");
        }
        looks_like_a_placeholder(&self.value).then_some("is a placeholder, not a secret")
    }
}

/// Words that examples and templates put where a secret should stand.
const PLACEHOLDERS: [&str; 26] = [
    "changeme",
    "change",
    "replace",
    "placeholder",
    "example",
    "password",
    "secret",
    "whsec",
    "webhook",
    "signing",
    "stripe",
    "adyen",
    "hmac",
    "your",
    "here",
    "test",
    "todo",
    "insert",
    "dummy",
    "token",
    "with",
    "this",
    "key",
    "not",
    "the",
    "me",
];

/// Nothing but such words and a few repeated characters.
fn looks_like_a_placeholder(value: &str) -> bool {
    let mut rest = value.to_ascii_lowercase();
    for word in PLACEHOLDERS {
        rest = rest.replace(word, "");
    }
    let mut left: Vec<char> = rest.chars().filter(char::is_ascii_alphanumeric).collect();
    left.sort_unstable();
    left.dedup();
    left.len() < 4
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("id", &self.id).finish_non_exhaustive()
    }
}
