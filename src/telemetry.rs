//! What the process says of itself: logs on stderr, traces by OTLP, metrics for Prometheus.
//!
//! Callback bodies, headers and secrets never reach any of them; gateways' names do only where they are
//! configured ones, so that strangers can not invent series.

mod layer;
mod metrics;
pub mod trace;

use std::{io::IsTerminal as _, time::Duration};

use axum::http::{Uri, uri::InvalidUri};
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
    /// What traces call this process; users expect `OTEL_SERVICE_NAME` to win here.
    pub service_name: String,
    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT`, such as `http://localhost:4317`; unset or empty, no traces.
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
    let endpoint = settings.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty());
    let provider = endpoint.map(|endpoint| provider(settings, endpoint)).transpose()?;
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
        self.flush_within(FLUSH_PATIENCE).await;
    }

    async fn flush_within(self, patience: Duration) {
        let Some(provider) = self.provider else { return };
        let flush = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(patience));
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
    let wrong = |reason: String| TelemetryError::Endpoint { endpoint: endpoint.to_owned(), reason };
    let uri: Uri = endpoint.parse().map_err(|error: InvalidUri| wrong(error.to_string()))?;
    if uri.scheme_str() != Some("http") {
        return Err(wrong("write it like http://localhost:4317, only gRPC without TLS is spoken".to_owned()));
    }
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(|error| wrong(error.to_string()))?;
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

#[cfg(test)]
mod tests {
    use opentelemetry::trace::Tracer as _;
    use tokio::{net::TcpListener, time::timeout};

    use super::*;

    fn settings(log_filter: &str) -> TelemetrySettings {
        TelemetrySettings {
            log_format: LogFormat::Json,
            log_filter: log_filter.to_owned(),
            service_name: "test".to_owned(),
            otlp_endpoint: None,
        }
    }

    #[test]
    fn a_wrong_filter_is_named() {
        assert!(logs(&settings("info,payment_status=debug")).is_ok());
        let error = logs(&settings("info,payment_status=louder")).err().unwrap().to_string();
        assert!(error.contains("louder"), "{error}");
    }

    #[tokio::test]
    async fn a_wrong_endpoint_is_named() {
        for endpoint in ["localhost:4317", "https://collector:4317", "http://", "collector"] {
            let error = provider(&settings("info"), endpoint).unwrap_err().to_string();
            assert!(error.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT"), "{error}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_collector_that_swallows_everything_does_not_hold_the_exit() {
        let black_hole = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", black_hole.local_addr().unwrap());
        let provider = provider(&settings("info"), &endpoint).unwrap();
        provider.tracer("test").in_span("work", |_| {});
        let guard = Guard { provider: Some(provider) };
        let flush = guard.flush_within(Duration::from_millis(100));
        timeout(Duration::from_secs(10), flush).await.expect("the exit goes on");
    }
}
