use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::Deserialize;

use super::{ConfigError, Environment, Secret, SecretSource, secret};

/// `[gateways.<name>]`: one merchant account at a payment gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    pub kind: Kind,
    #[serde(default)]
    pub mode: Mode,
    #[serde(default)]
    pub unregistered: Unregistered,
    /// Where the gateway names the account in its events: only events of this one count.
    pub account: Option<String>,
    /// Any of them may prove a callback, so that secrets can be rotated without a gap. Whether one is needed is
    /// for the kind to say: some prove by a public key among the settings.
    #[serde(default, deserialize_with = "secret::list")]
    pub secrets: Vec<SecretSource>,
    /// What the kind needs beyond secrets, as its description names it.
    #[serde(default)]
    pub settings: toml::Table,
}

/// Which description reads this gateway.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(from = "String")]
pub enum Kind {
    /// One that is built in, such as `stripe`.
    BuiltIn(String),
    /// `file:our-bank.toml`, relative to the file that says so.
    File(PathBuf),
}

/// Whether real money moves here. An event of the other mode is held, never applied.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Live,
    Test,
}

/// What becomes of a payment that nobody registered.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unregistered {
    /// Its facts wait for the registration.
    #[default]
    Park,
    /// The callback creates the transaction, on hold.
    Adopt,
}

impl Gateway {
    /// Reads the secrets, in order. Fails where one is missing or empty; says which, never what.
    pub fn secrets(&self, name: &str, env: &Environment) -> Result<Vec<Secret>, ConfigError> {
        let at = format!("gateways.{name}.secrets");
        let each = self.secrets.iter().enumerate();
        each.map(|(index, source)| {
            source.read(env).map_err(|what| ConfigError::new(format!("{at}[{index}]"), what))
        })
        .collect()
    }

    /// Makes the files it names relative to the folder of the configuration.
    pub(super) fn resolve_paths(&mut self, folder: &Path) {
        if let Kind::File(path) = &mut self.kind {
            *path = folder.join(&*path);
        }
        for source in &mut self.secrets {
            source.resolve_path(folder);
        }
    }
}

impl From<String> for Kind {
    fn from(text: String) -> Self {
        match text.strip_prefix("file:") {
            Some(path) => Self::File(path.into()),
            None => Self::BuiltIn(text),
        }
    }
}

impl FromStr for Kind {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(text.to_owned()))
    }
}
