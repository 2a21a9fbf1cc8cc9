//! Secrets: the configuration says where they are, and they are read once at start.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de::Error as _};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::Environment;

/// Far above any key or certificate; what is longer is not a secret but a wrong path.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Above any name that a gateway gives its keys.
const MAX_KEY_ID_BYTES: usize = 256;

/// Where a secret is, when it counts, and what the gateway calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSource {
    place: Place,
    key_id: Option<String>,
    not_before: Option<OffsetDateTime>,
    not_after: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Env(String),
    File(PathBuf),
}

/// A secret that was read. Its value is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    pub value: String,
    /// Where it came from, such as `env STRIPE_EU_SECRET`: its name in logs and errors.
    pub origin: String,
    /// The gateway's name for it, where its callbacks name the key that signed them.
    pub key_id: Option<String>,
    /// Inclusive.
    pub not_before: Option<OffsetDateTime>,
    /// Exclusive.
    pub not_after: Option<OffsetDateTime>,
}

impl SecretSource {
    /// The variable of this name.
    #[must_use]
    pub fn env(name: &str) -> Self {
        Self::at(Place::Env(name.to_owned()))
    }

    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self::at(Place::File(path.to_owned()))
    }

    /// The name that a secret read from here has in logs, metrics and records; see [`Secret::origin`].
    #[must_use]
    pub fn origin(&self) -> String {
        self.place.to_string()
    }

    fn at(place: Place) -> Self {
        Self { place, key_id: None, not_before: None, not_after: None }
    }

    /// Says what is wrong with the place, never what is in it.
    pub fn read(&self, env: &Environment) -> Result<Secret, String> {
        let origin = self.origin();
        let value = match &self.place {
            Place::Env(name) => env.get(name).ok_or_else(|| format!("{origin} is not set"))?.to_owned(),
            Place::File(path) => {
                read_bounded(path).map_err(|error| format!("{origin} cannot be read: {error}"))?
            }
        };
        if value.trim().is_empty() {
            return Err(format!("{origin} is empty"));
        }
        let Self { place: _, key_id, not_before, not_after } = self.clone();
        Ok(Secret { value, origin, key_id, not_before, not_after })
    }

    pub(super) fn resolve_path(&mut self, folder: &Path) {
        if let Place::File(path) = &mut self.place {
            *path = folder.join(&*path);
        }
    }
}

/// The file without its one trailing line end: editors add it, and no gateway's secret has it.
fn read_bounded(path: &Path) -> io::Result<String> {
    let mut value = String::new();
    fs::File::open(path)?.take(MAX_SECRET_BYTES + 1).read_to_string(&mut value)?;
    if u64::try_from(value.len()).is_ok_and(|length| length > MAX_SECRET_BYTES) {
        return Err(io::Error::other("it is larger than any secret"));
    }
    let secret =
        value.strip_suffix('\n').map_or(value.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(secret.to_owned())
}

/// Reads `secrets`, and says what is wrong without repeating what stands there: it may be a secret.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretSource>, D::Error> {
    let toml::Value::Array(items) = toml::Value::deserialize(deserializer)? else {
        return Err(D::Error::custom("must be a list such as [{ env = \"STRIPE_EU_SECRET\" }]"));
    };
    let each = items.into_iter().enumerate();
    each.map(|(index, item)| one(item).map_err(|what| D::Error::custom(format!("item {index} {what}"))))
        .collect()
}

fn one(item: toml::Value) -> Result<SecretSource, String> {
    let toml::Value::Table(mut table) = item else {
        return Err(
            "must be { env = \"…\" } or { file = \"…\" }; a secret itself does not belong here".to_owned()
        );
    };
    let place = match (table.remove("env"), table.remove("file")) {
        (Some(toml::Value::String(name)), None) => Place::Env(name),
        (None, Some(toml::Value::String(path))) => Place::File(path.into()),
        _ => return Err("must name one place: env = \"…\" or file = \"…\"".to_owned()),
    };
    let not_before = table.remove("not_before").map(|value| instant("not_before", &value)).transpose()?;
    let not_after = table.remove("not_after").map(|value| instant("not_after", &value)).transpose()?;
    let key_id = table.remove("key_id").map(key_id).transpose()?;
    if table.keys().next().is_some() {
        return Err("has an unknown key; it may have env, file, key_id, not_before and not_after".to_owned());
    }
    if not_before.zip(not_after).is_some_and(|(from, until)| from >= until) {
        return Err("never counts: not_before is not earlier than not_after".to_owned());
    }
    Ok(SecretSource { place, key_id, not_before, not_after })
}

/// Compared with what a callback says, so a blank one would be taken for one that says nothing.
fn key_id(value: toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) if !text.trim().is_empty() && text.len() <= MAX_KEY_ID_BYTES => Ok(text),
        _ => Err(format!("has a key_id that is not a text of 1 to {MAX_KEY_ID_BYTES} bytes")),
    }
}

/// Quoted or not, as TOML has both.
fn instant(key: &str, value: &toml::Value) -> Result<OffsetDateTime, String> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Datetime(datetime) => datetime.to_string(),
        _ => String::new(),
    };
    OffsetDateTime::parse(&text, &Rfc3339)
        .map_err(|_| format!("has a {key} that is not a time like 2027-01-31T00:00:00Z (RFC 3339)"))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("origin", &self.origin).finish_non_exhaustive()
    }
}
