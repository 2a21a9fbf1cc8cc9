//! Every instrument, in one table.
//!
//! Names follow OpenTelemetry's semantic conventions where they have one. Label values are bounded: routes,
//! RPCs, outcomes, and the gateways that are configured.

use std::{fmt, sync::Arc, time::Duration};

use axum::http::{Method, StatusCode};
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter, MeterProvider as _, UpDownCounter},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use time::OffsetDateTime;

const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

struct Instruments {
    http: Histogram<f64>,
    rpc: Histogram<f64>,
    callbacks: Counter<u64>,
    keys_used: Counter<u64>,
    keys_last_used: Gauge<u64>,
    certificate_fetches: Counter<u64>,
    hop_batch: Histogram<u64>,
    write_batch: Histogram<u64>,
    write_queue: Gauge<u64>,
    write_commit: Histogram<f64>,
    watchers: UpDownCounter<i64>,
}

#[rustfmt::skip]
fn instruments(meter: &Meter) -> Instruments {
    Instruments {
        http: seconds(meter, "http.server.request.duration", "Duration of HTTP server requests."),
        rpc: seconds(meter, "rpc.server.call.duration", "Duration of RPCs; of a stream, its whole life."),
        callbacks: counter(meter, "payment_status.callbacks", "{callback}", "Callbacks, by what became of them."),
        keys_used: counter(meter, "payment_status.callback.key.used", "{callback}", "Authentic callbacks, by the secret that proved them."),
        keys_last_used: gauge(meter, "payment_status.callback.key.last_used.timestamp", "s", "When a secret last proved a callback, in seconds since 1970."),
        certificate_fetches: counter(meter, "payment_status.certificate.fetches", "{fetch}", "Certificates asked for beyond those at hand, by what came of it."),
        hop_batch: sizes(meter, "payment_status.hop.batch.size", "{callback}", "Callbacks in one call to the service."),
        write_batch: sizes(meter, "payment_status.write.batch.size", "{write}", "Writes in one database transaction."),
        write_queue: gauge(meter, "payment_status.write.queue.depth", "{write}", "Writes that wait for their transaction."),
        write_commit: seconds(meter, "payment_status.write.commit.duration", "Duration of one transaction of writes."),
        watchers: up_down(meter, "payment_status.feed.watchers", "{stream}", "Open update streams."),
    }
}

/// The instruments of one process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    instruments: Instruments,
    registry: Registry,
    /// Instruments record nowhere once their provider is gone.
    _provider: SdkMeterProvider,
}

#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricsError(String);

impl Metrics {
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .map_err(|error| MetricsError(error.to_string()))?;
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        let instruments = instruments(&provider.meter(env!("CARGO_PKG_NAME")));
        Ok(Self(Arc::new(Inner { instruments, registry, _provider: provider })))
    }

    /// All values in Prometheus' text format.
    pub fn render(&self) -> Result<String, MetricsError> {
        TextEncoder::new()
            .encode_to_string(&self.0.registry.gather())
            .map_err(|error| MetricsError(error.to_string()))
    }

    /// A request was answered. `route` is the template, and absent where no route matched.
    pub fn http_request(
        &self,
        method: &Method,
        route: Option<&'static str>,
        status: StatusCode,
        duration: Duration,
    ) {
        let labels = [
            KeyValue::new("http.request.method", known_method(method)),
            KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("http.route", route.unwrap_or_default()),
        ];
        self.0.instruments.http.record(duration.as_secs_f64(), &labels);
    }

    /// An RPC ended. `method` is `package.Service/Method`, `code` the canonical name such as `NOT_FOUND`.
    pub fn rpc(&self, method: &str, code: &'static str, duration: Duration) {
        // A method that is not implemented has whatever name the caller invented.
        let method = if code == "UNIMPLEMENTED" { "_OTHER" } else { method };
        let labels = [
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", method.to_owned()),
            KeyValue::new("rpc.response.status_code", code),
        ];
        self.0.instruments.rpc.record(duration.as_secs_f64(), &labels);
    }

    /// Something became of a callback. `gateway` is a configured one; of any other name, none.
    pub fn callback(&self, gateway: Option<&str>, outcome: &'static str) {
        let labels = [
            KeyValue::new("gateway", gateway.unwrap_or("unknown").to_owned()),
            KeyValue::new("outcome", outcome),
        ];
        self.0.instruments.callbacks.add(1, &labels);
    }

    /// A gateway has this secret, and it proved nothing yet: a zero tells that apart from a secret nobody counts.
    pub fn key_configured(&self, gateway: &str, key: &str) {
        self.0.instruments.keys_used.add(0, &key_labels(gateway, key));
    }

    /// A secret of a configured gateway proved a callback. `key` is the secret's name, never its value.
    pub fn key_used(&self, gateway: &str, key: &str, now: OffsetDateTime) {
        let labels = key_labels(gateway, key);
        self.0.instruments.keys_used.add(1, &labels);
        let now = u64::try_from(now.unix_timestamp()).unwrap_or_default();
        self.0.instruments.keys_last_used.record(now, &labels);
    }

    /// A certificate that was not at hand was fetched, or was not; the outcome says why.
    pub fn certificate_fetch(&self, outcome: &'static str) {
        self.0.instruments.certificate_fetches.add(1, &[KeyValue::new("outcome", outcome)]);
    }

    /// The adapter sent so many callbacks in one call.
    pub fn hop_sent(&self, size: usize) {
        self.0.instruments.hop_batch.record(size as u64, &[]);
    }

    /// The store committed so many writes in one transaction, while so many waited.
    pub fn batch_committed(&self, size: usize, queue_depth: usize, commit: Duration) {
        self.0.instruments.write_batch.record(size as u64, &[]);
        self.0.instruments.write_queue.record(queue_depth as u64, &[]);
        self.0.instruments.write_commit.record(commit.as_secs_f64(), &[]);
    }

    /// Counts an update stream for as long as the value lives.
    #[must_use]
    pub fn watching(&self) -> Watching {
        self.0.instruments.watchers.add(1, &[]);
        Watching(self.clone())
    }
}

/// One open update stream.
#[derive(Debug)]
pub struct Watching(Metrics);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.0.instruments.watchers.add(-1, &[]);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn key_labels(gateway: &str, key: &str) -> [KeyValue; 2] {
    [KeyValue::new("gateway", gateway.to_owned()), KeyValue::new("key", key.to_owned())]
}

fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

fn seconds(meter: &Meter, name: &'static str, description: &'static str) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(SECONDS.to_vec())
        .build()
}

fn sizes(meter: &Meter, name: &'static str, unit: &'static str, description: &'static str) -> Histogram<u64> {
    meter
        .u64_histogram(name)
        .with_unit(unit)
        .with_description(description)
        .with_boundaries(SIZES.to_vec())
        .build()
}

fn counter(meter: &Meter, name: &'static str, unit: &'static str, description: &'static str) -> Counter<u64> {
    meter.u64_counter(name).with_unit(unit).with_description(description).build()
}

fn gauge(meter: &Meter, name: &'static str, unit: &'static str, description: &'static str) -> Gauge<u64> {
    meter.u64_gauge(name).with_unit(unit).with_description(description).build()
}

fn up_down(
    meter: &Meter,
    name: &'static str,
    unit: &'static str,
    description: &'static str,
) -> UpDownCounter<i64> {
    meter.i64_up_down_counter(name).with_unit(unit).with_description(description).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_reads_every_instrument() {
        let metrics = Metrics::new().unwrap();
        let second = Duration::from_secs(1);
        metrics.http_request(&Method::POST, Some("/webhooks/{gateway}"), StatusCode::OK, second);
        metrics.rpc("payment_status.v1.PaymentStatus/GetTransaction", "OK", second);
        metrics.callback(Some("stripe-eu"), "applied");
        metrics.key_configured("stripe-eu", "2025-01");
        metrics.key_used("stripe-eu", "2026-01", OffsetDateTime::UNIX_EPOCH + second);
        metrics.certificate_fetch("fetched");
        metrics.hop_sent(3);
        metrics.batch_committed(7, 2, second);
        let watching = metrics.watching();

        let text = metrics.render().unwrap();
        for line in [
            r#"http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",http_route="/webhooks/{gateway}",url_scheme="http"} 1"#,
            r#"rpc_server_call_duration_seconds_count{rpc_method="payment_status.v1.PaymentStatus/GetTransaction",rpc_response_status_code="OK",rpc_system_name="grpc"} 1"#,
            r#"payment_status_callbacks_total{gateway="stripe-eu",outcome="applied"} 1"#,
            r#"payment_status_callback_key_used_total{gateway="stripe-eu",key="2026-01"} 1"#,
            r#"payment_status_callback_key_used_total{gateway="stripe-eu",key="2025-01"} 0"#,
            r#"payment_status_callback_key_last_used_timestamp_seconds{gateway="stripe-eu",key="2026-01"} 1"#,
            r#"payment_status_certificate_fetches_total{outcome="fetched"} 1"#,
            "payment_status_hop_batch_size_sum 3",
            "payment_status_write_batch_size_sum 7",
            "payment_status_write_queue_depth 2",
            "payment_status_write_commit_duration_seconds_count 1",
            "payment_status_feed_watchers 1",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
        }

        drop(watching);
        assert!(metrics.render().unwrap().contains("payment_status_feed_watchers 0"));
    }

    #[test]
    fn strangers_cannot_invent_series() {
        let metrics = Metrics::new().unwrap();
        for n in 0..10 {
            metrics.callback(None, "unknown_gateway");
            metrics.rpc(&format!("a.B/{n}"), "UNIMPLEMENTED", Duration::ZERO);
            let method = Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
            metrics.http_request(&method, None, StatusCode::NOT_FOUND, Duration::ZERO);
        }
        let text = metrics.render().unwrap();
        for series in [
            "payment_status_callbacks_total{",
            "rpc_server_call_duration_seconds_count{",
            "http_server_request_duration_seconds_count{",
        ] {
            assert_eq!(text.lines().filter(|line| line.starts_with(series)).count(), 1, "{series}");
        }
    }
}
