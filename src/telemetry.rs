//! What the process says of itself: logs on stderr, traces by OTLP, metrics for Prometheus.
//!
//! Callback bodies, headers and secrets never reach any of them; gateways' names do only where they are
//! configured ones, so that strangers can not invent series.

mod layer;
mod metrics;
pub mod trace;

use std::{io::IsTerminal as _, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::filter_fn, layer::SubscriberExt as _, registry::LookupSpan,
    util::SubscriberInitExt as _,
};

pub use layer::observe_rpcs;
pub use metrics::{Metrics, MetricsError};

/// A collector that does not answer delays the exit by no more than this.
const FLUSH_PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    pub log_format: LogFormat,
    /// As in `RUST_LOG`, such as `info` or `info,payment_status=debug`.
    pub log_filter: String,
    pub service_name: String,
    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT`, such as `http://localhost:4317`; without it no traces.
    pub otlp_endpoint: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for a person, coloured on a terminal.
    #[default]
    Human,
    /// One JSON object on each line.
    Json,
}

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("log filter {filter:?}: {reason}")]
    Filter { filter: String, reason: String },
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT {endpoint:?}: {reason}")]
    Endpoint { endpoint: String, reason: String },
    #[error("logging was already set up in this process")]
    Twice,
}

/// Sets up logs and traces of this process, once. Call it inside the runtime: the exporter runs there.
pub fn init(settings: &TelemetrySettings) -> Result<Guard, TelemetryError> {
    let mut layers = vec![logs(settings)?];
    let provider = settings.otlp_endpoint.as_deref().map(|to| provider(settings, to)).transpose()?;
    if let Some(provider) = &provider {
        layers.push(traces(provider));
    }
    tracing_subscriber::registry().with(layers).try_init().map_err(|_| TelemetryError::Twice)?;
    Ok(Guard { provider })
}

/// Holds the traces that are not sent yet. The last thing that ends.
#[derive(Debug)]
#[must_use = "spans of the last seconds are lost unless it is flushed"]
pub struct Guard {
    provider: Option<SdkTracerProvider>,
}

impl Guard {
    /// Sends what is left, but waits for the collector only so long.
    pub async fn flush(self) {
        let Some(provider) = self.provider else { return };
        let flush = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_PATIENCE));
        if !matches!(flush.await, Ok(Ok(()))) {
            tracing::warn!("the last traces did not reach the collector");
        }
    }
}

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

fn logs(settings: &TelemetrySettings) -> Result<BoxedLayer, TelemetryError> {
    let filter = EnvFilter::try_new(&settings.log_filter).map_err(|reason| TelemetryError::Filter {
        filter: settings.log_filter.clone(),
        reason: reason.to_string(),
    })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    Ok(match settings.log_format {
        LogFormat::Human => lines.with_ansi(std::io::stderr().is_terminal()).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    })
}

fn provider(settings: &TelemetrySettings, endpoint: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter =
        SpanExporter::builder().with_tonic().with_endpoint(endpoint).build().map_err(|reason| {
            TelemetryError::Endpoint { endpoint: endpoint.to_owned(), reason: reason.to_string() }
        })?;
    let resource = Resource::builder().with_service_name(settings.service_name.clone()).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

fn traces<S>(provider: &SdkTracerProvider) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))
        .with_location(false)
        .with_threads(false)
        .with_filter(filter_fn(is_traced).with_max_level_hint(LevelFilter::DEBUG))
        .boxed()
}

/// Our spans are at DEBUG: while no collector is set, the default log filter makes them cost one comparison.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("payment_status")
        && (metadata.is_span() || *metadata.level() <= Level::INFO)
}
