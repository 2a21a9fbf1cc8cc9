//! What operators see of calls: durations by method and status, and one trace from gateway to service.

use std::{sync::Arc, sync::Mutex, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::HeaderMap,
    middleware::{Next, from_fn},
};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use payment_status::{
    adapter::{self, AdapterSettings},
    clock::Clock,
    listen::in_memory,
    proto::payment_status_client::PaymentStatusClient,
    telemetry::{Metrics, observe_rpcs, trace},
};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tower::ServiceExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

const PATIENCE: Duration = Duration::from_secs(10);

fn serve(router: Router) -> Channel {
    in_memory(router, PATIENCE, CancellationToken::new(), TaskTracker::new())
}

fn health() -> Router {
    let (_, service) = tonic_health::server::health_reporter();
    tonic::service::Routes::new(service).into_axum_router()
}

async fn eventually_in(metrics: &Metrics, line: &str) {
    let seen = async {
        while !metrics.render().unwrap().lines().any(|known| known == line) {
            tokio::task::yield_now().await;
        }
    };
    let seen = timeout(PATIENCE, seen).await;
    assert!(seen.is_ok(), "{line} is not in\n{}", metrics.render().unwrap());
}

#[tokio::test]
async fn calls_are_counted_by_method_and_status() {
    let metrics = Metrics::new().unwrap();
    let channel = serve(observe_rpcs(health(), metrics.clone()));
    let mut client = HealthClient::new(channel.clone());
    client.check(HealthCheckRequest::default()).await.unwrap();
    client.check(HealthCheckRequest { service: "nobody".to_owned() }).await.unwrap_err();
    let mut stream = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    stream.message().await.unwrap();
    drop(stream);
    let stranger = Request::post("http://x/a.B/C")
        .header("content-type", "application/grpc")
        .body(tonic::body::Body::empty());
    channel.oneshot(stranger.unwrap()).await.unwrap();

    for (method, code) in [
        ("grpc.health.v1.Health/Check", "OK"),
        ("grpc.health.v1.Health/Check", "NOT_FOUND"),
        ("grpc.health.v1.Health/Watch", "CANCELLED"),
        ("_OTHER", "UNIMPLEMENTED"),
    ] {
        let labels =
            format!(r#"rpc_method="{method}",rpc_response_status_code="{code}",rpc_system_name="grpc""#);
        eventually_in(&metrics, &format!("rpc_server_call_duration_seconds_count{{{labels}}} 1")).await;
    }
}

#[tokio::test]
async fn callbacks_are_counted_by_route_and_status() {
    let metrics = Metrics::new().unwrap();
    let settings = AdapterSettings::new(Clock::system(), metrics.clone());
    let adapter = adapter::router(PaymentStatusClient::new(serve(health())), settings);
    for path in ["/webhooks/a", "/webhooks/b", "/webhooks/C", "/x"] {
        adapter.clone().oneshot(Request::post(path).body(Body::empty()).unwrap()).await.unwrap();
    }
    for (status, route) in [("503", r#""/webhooks/{gateway}""#), ("404", r#""""#)] {
        let labels = format!(
            r#"http_request_method="POST",http_response_status_code="{status}",http_route={route},url_scheme="http""#
        );
        eventually_in(&metrics, &format!("http_server_request_duration_seconds_count{{{labels}}} 2")).await;
    }
}

#[tokio::test]
async fn one_trace_runs_from_the_gateway_into_the_service() {
    let provider = SdkTracerProvider::builder().build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _traced = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));

    let hops: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
    let seen = Arc::clone(&hops);
    let service = health().layer(from_fn(move |request: Request, next: Next| {
        seen.lock().unwrap().push(request.headers().clone());
        next.run(request)
    }));
    let settings = AdapterSettings::new(Clock::system(), Metrics::new().unwrap());
    let adapter = adapter::router(PaymentStatusClient::new(serve(service)), settings);
    adapter.oneshot(Request::post("/webhooks/a").body(Body::empty()).unwrap()).await.unwrap();

    let hops = hops.lock().unwrap();
    assert!(trace::traceparent(&hops[0]).is_some(), "a call carries its own span: {:?}", hops[0]);
}
