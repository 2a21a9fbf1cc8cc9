//! From the configuration's sections to what each part wants to know.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use super::StartError;
use crate::{
    certificates::{Outbound, Trust},
    config::{self, Config, Environment, Kind},
    gateways::{GatewaySettings, Gateways, KindSource, Mode, Secret, Unregistered},
    store::StoreSettings,
    telemetry::{LogFormat, TelemetrySettings},
};

/// How long a request waits for a free connection before it is told to come again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest description that is built in has some ten thousand.
const MAX_DESCRIPTION_BYTES: u64 = 1024 * 1024;
/// All public authorities together have a fifth of it.
const MAX_AUTHORITIES_BYTES: u64 = 1024 * 1024;

#[must_use]
pub fn store_settings(database: &config::Database) -> StoreSettings {
    StoreSettings {
        url: database.url.as_str().to_owned(),
        max_connections: database.max_connections.get(),
        acquire_timeout: ACQUIRE_TIMEOUT,
    }
}

/// Where logs and traces go; OpenTelemetry's own variables say where a collector is.
#[must_use]
pub fn telemetry_settings(log: &config::Log, environment: &Environment) -> TelemetrySettings {
    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    TelemetrySettings {
        log_format: match log.format {
            config::LogFormat::Human => LogFormat::Human,
            config::LogFormat::Json => LogFormat::Json,
        },
        log_filter: log.filter.clone(),
        service_name: variable("OTEL_SERVICE_NAME").unwrap_or_else(|| "payment-status".to_owned()),
        otlp_endpoint: variable("OTEL_EXPORTER_OTLP_ENDPOINT"),
    }
}

/// The gateways, with their descriptions and secrets read and checked. At least one is needed.
pub fn gateways(config: &Config, environment: &Environment) -> Result<Gateways, StartError> {
    if config.gateways.is_empty() {
        let example = "[gateways.stripe-eu] kind = \"stripe\" secrets = [{ env = \"STRIPE_EU_SECRET\" }]";
        return Err(StartError::new(format!("gateways: at least one is needed, such as {example}")));
    }
    let each = config.gateways.iter().map(|(name, gateway)| gateway_settings(name, gateway, environment));
    Gateways::build(each.collect::<Result<_, _>>()?).map_err(StartError::new)
}

fn gateway_settings(
    name: &str,
    gateway: &config::Gateway,
    environment: &Environment,
) -> Result<GatewaySettings, StartError> {
    let config::Gateway { kind, mode, unregistered, account, secrets: _, settings } = gateway;
    let secrets = gateway.secrets(name, environment).map_err(StartError::new)?;
    Ok(GatewaySettings {
        id: name.parse().map_err(|what| StartError::new(format!("gateways.{name}: a name {what}")))?,
        kind: kind_source(kind).map_err(|what| StartError::new(format!("gateways.{name}.kind: {what}")))?,
        mode: match mode {
            config::Mode::Live => Mode::Live,
            config::Mode::Test => Mode::Test,
        },
        account: account.clone(),
        unregistered: match unregistered {
            config::Unregistered::Park => Unregistered::Park,
            config::Unregistered::Adopt => Unregistered::Adopt,
        },
        secrets: secrets.into_iter().map(secret).collect(),
        settings: settings.clone(),
    })
}

/// The way to the gateways' own sites, with the authorities read and checked.
pub fn outbound(outbound: &config::Outbound) -> Result<Outbound, StartError> {
    let config::Outbound { proxy, root_certificates } = outbound;
    let trust = match root_certificates {
        None => Trust::new(None).map_err(StartError::new)?,
        Some(path) => trust_in(path).map_err(|what| {
            StartError::new(format!("outbound.root_certificates: {}: {what}", path.display()))
        })?,
    };
    Ok(Outbound::new(proxy.as_ref().map(|proxy| proxy.authority().to_owned()), trust))
}

fn trust_in(path: &Path) -> Result<Trust, StartError> {
    let pem = read_bounded(path, MAX_AUTHORITIES_BYTES)
        .map_err(|error| StartError::new(format!("cannot be read: {error}")))?;
    Trust::new(Some(&pem)).map_err(StartError::new)
}

/// Reads the description, where it is the user's own.
pub fn kind_source(kind: &Kind) -> Result<KindSource, StartError> {
    match kind {
        Kind::BuiltIn(name) => Ok(KindSource::BuiltIn(name.clone())),
        Kind::File(path) => {
            let name = path.display().to_string();
            let text = read_bounded(path, MAX_DESCRIPTION_BYTES)
                .map_err(|error| StartError::new(format!("{name} cannot be read: {error}")))?;
            Ok(KindSource::File { name, text })
        }
    }
}

fn read_bounded(path: &Path, max_bytes: u64) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(max_bytes).read_to_string(&mut text)?;
    Ok(text)
}

#[must_use]
pub fn secret(secret: config::Secret) -> Secret {
    let config::Secret { value, origin, key_id, not_before, not_after } = secret;
    Secret { id: origin, value, key_id, not_before, not_after }
}
