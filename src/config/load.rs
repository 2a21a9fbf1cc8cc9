//! File, then environment, then the checks that look at more than one key.

use std::{fs, path::Path};

use serde::Deserialize as _;

use super::{Config, ConfigError, Environment, environment::Override};

/// Far above any real configuration.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

impl Config {
    /// Reads the file, if there is one, and lays the environment over it.
    ///
    /// The error names the key, and the file and line or the variable where it was set.
    pub fn load(file: Option<&Path>, env: &Environment) -> Result<Self, ConfigError> {
        let (name, text) = match file {
            Some(path) => (path.display().to_string(), read(path)?),
            None => ("configuration".to_owned(), String::new()),
        };
        let mut config = from_file(&name, &text, env)?;
        if let Some(folder) = file.and_then(Path::parent) {
            config.gateways.values_mut().for_each(|gateway| gateway.resolve_paths(folder));
            config.outbound.resolve_paths(folder);
        }
        config.refuse_open_grpc()?;
        Ok(config)
    }

    /// Whoever reaches the gRPC listener may register and read every payment.
    fn refuse_open_grpc(&self) -> Result<(), ConfigError> {
        if self.grpc.listen.ip().is_loopback() {
            return Ok(());
        }
        let why = format!(
            "{} is not a loopback address, and without TLS and caller authentication anybody who reaches it could \
             read and register payments: listen on 127.0.0.1 and put a proxy that authenticates callers before it",
            self.grpc.listen
        );
        Err(ConfigError::new("grpc.listen", why))
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let cannot =
        |what: &dyn std::fmt::Display| ConfigError::new(path.display(), format!("cannot be read: {what}"));
    let size = fs::metadata(path).map_err(|error| cannot(&error))?.len();
    if size > MAX_FILE_BYTES {
        return Err(cannot(&"it is larger than 4 MiB"));
    }
    fs::read_to_string(path).map_err(|error| cannot(&error))
}

fn from_file(name: &str, text: &str, env: &Environment) -> Result<Config, ConfigError> {
    let overrides: Vec<Override<'_>> = env.overrides().collect();
    if overrides.is_empty() {
        return file_alone(name, text);
    }
    let mut table: toml::Table = toml::from_str(text).map_err(|error| in_file(name, text, "", &error))?;
    for change in &overrides {
        apply(&mut table, change)?;
    }
    serde_path_to_error::deserialize(table).map_err(|error| {
        let key = error.path().to_string();
        let blame = |change: &Override<'_>| problem(change.variable, &key, error.inner().message());
        if let Some(change) = overrides.iter().find(|change| change.set(&key)) {
            return blame(change);
        }
        // Read by itself, the file knows its lines.
        let culprit = || overrides.iter().find(|change| change.made(&key)).map(blame);
        let unknown = || problem(name, &key, error.inner().message());
        file_alone(name, text).err().or_else(culprit).unwrap_or_else(unknown)
    })
}

fn file_alone(name: &str, text: &str) -> Result<Config, ConfigError> {
    let parsed = toml::Deserializer::parse(text).map_err(|error| in_file(name, text, "", &error))?;
    serde_path_to_error::deserialize(parsed)
        .map_err(|error| in_file(name, text, &error.path().to_string(), error.inner()))
}

fn in_file(name: &str, text: &str, key: &str, error: &toml::de::Error) -> ConfigError {
    let Some(span) = error.span() else { return problem(name, key, error.message()) };
    let line = text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1;
    problem(&format!("{name}:{line}"), key, error.message())
}

/// One line, without the values that serde repeats: a secret may stand in the wrong place.
fn problem(place: &str, key: &str, message: &str) -> ConfigError {
    let message = message.replace("unknown field", "unknown key").replace('\n', " ");
    let message = match message.split_once("invalid type: string \"") {
        Some((_, rest)) => {
            let expected = rest.rsplit_once("\", ").map_or("another type", |(_, expected)| expected);
            format!("text does not belong here, {expected}")
        }
        None => message,
    };
    match key {
        "" | "." => ConfigError::new(place, message),
        key => ConfigError::new(format!("{place}: {key}"), message),
    }
}

/// Puts one variable's value where its path says. A gateway that the file names with `-` is found by `_`.
fn apply(table: &mut toml::Table, change: &Override<'_>) -> Result<(), ConfigError> {
    let nowhere =
        || ConfigError::new(change.variable, "does not name a key, such as PAYMENT_STATUS__DATABASE__URL");
    let (last, parents) = change.path.split_last().ok_or_else(nowhere)?;
    let mut place = table;
    for (depth, part) in parents.iter().enumerate() {
        let is_gateway = depth == 1 && parents.first().is_some_and(|section| section == "gateways");
        let key = if is_gateway { gateway_named(place, part) } else { part.clone() };
        let inner = place.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = inner.as_table_mut().ok_or_else(nowhere)?;
    }
    place.insert(last.clone(), value_of(change, last)?);
    Ok(())
}

/// Without one in the file, underscores become dashes, as URLs have them.
fn gateway_named(gateways: &toml::Table, part: &str) -> String {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let known = gateways.keys().find(|name| plain(name) == part);
    known.cloned().unwrap_or_else(|| part.replace('_', "-"))
}

/// Text, except for the few keys of another type, which are written as in the file.
fn value_of(change: &Override<'_>, key: &str) -> Result<toml::Value, ConfigError> {
    if !matches!(key, "max_connections" | "reflection" | "secrets" | "settings") {
        return Ok(toml::Value::String(change.value.to_owned()));
    }
    toml::Value::deserialize(
        toml::de::ValueDeserializer::parse(change.value).map_err(|error| bad(change, &error))?,
    )
    .map_err(|error| bad(change, &error))
}

fn bad(change: &Override<'_>, error: &toml::de::Error) -> ConfigError {
    problem(change.variable, &change.path.join("."), error.message())
}
