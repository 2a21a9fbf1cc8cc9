//! From the configuration's sections to what each part wants to know.

use std::time::Duration;

use super::StartError;
use crate::{
    config::{self, Config, Environment},
    gateways::Gateways,
    store::StoreSettings,
    telemetry::{LogFormat, TelemetrySettings},
};

/// How long a request waits for a free connection before it is told to come again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

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
    let _ = (config, environment);
    Err(StartError::new("not wired yet"))
}
