//! What gateways hear from the adapter, whatever becomes of their callbacks behind it.

mod scripted;

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode},
};
use opentelemetry::trace::TracerProvider as _;
use payment_status::{
    adapter::{self, AdapterSettings},
    clock::Clock,
    listen::{Limits, in_memory, serve_grpc, serve_http},
    proto::payment_status_client::PaymentStatusClient,
    telemetry::Metrics,
};
use time::OffsetDateTime;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use scripted::Scripted;

const PATIENCE: Duration = Duration::from_secs(10);
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

impl Scripted {
    fn adapter(&self, settings: AdapterSettings) -> Router {
        let channel = in_memory(self.routes(), PATIENCE, CancellationToken::new(), TaskTracker::new());
        adapter::router(PaymentStatusClient::new(channel), settings)
    }
}

fn settings() -> AdapterSettings {
    AdapterSettings::new(Clock::fixed(OffsetDateTime::UNIX_EPOCH), Metrics::new().unwrap())
}

async fn send(adapter: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let answer =
        timeout(PATIENCE, adapter.clone().oneshot(request)).await.expect("an answer in time").unwrap();
    let (head, body) = answer.into_parts();
    (head.status, head.headers, to_bytes(body, usize::MAX).await.unwrap())
}

fn post(gateway: &str) -> Request<Body> {
    Request::post(format!("/webhooks/{gateway}")).body(Body::from("{}")).unwrap()
}

async fn status_of(adapter: &Router, request: Request<Body>) -> u16 {
    send(adapter, request).await.0.as_u16()
}

/// Until it holds; the test fails if it never does.
async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn each_outcome_has_its_answer() {
    let adapter = Scripted::default().adapter(settings());
    for (gateway, status, body, retry_after) in [
        ("stripe-eu", 202, "[accepted]", false),
        ("no-reply", 200, "", false),
        ("forged", 401, "", false),
        ("forged-particular", 400, "fail", false),
        ("stranger", 404, "", false),
        ("malformed", 400, "", false),
        ("overloaded", 503, "", true),
        ("down", 503, "", true),
        ("slow", 503, "", true),
        ("broken", 503, "", true),
        ("odd-reply", 503, "", true),
        ("short", 503, "", true),
        ("failed-call", 503, "", true),
    ] {
        let (was, headers, text) = send(&adapter, post(gateway)).await;
        assert_eq!((was.as_u16(), &text[..]), (status, body.as_bytes()), "{gateway}");
        assert_eq!(headers.contains_key("retry-after"), retry_after, "{gateway}");
        assert_eq!(headers.contains_key("content-type"), !body.is_empty(), "{gateway}");
    }
}

#[tokio::test]
async fn there_is_nothing_else_to_find() {
    let service = Scripted::default();
    let adapter = service.adapter(settings());
    for path in ["/", "/webhooks", "/webhooks/", "/webhooks/a/b", "/webhooks/A", "/healthz", "/metrics"] {
        assert_eq!(
            status_of(&adapter, Request::post(path).body(Body::empty()).unwrap()).await,
            404,
            "{path}"
        );
    }
    for method in ["PUT", "DELETE", "HEAD", "OPTIONS", "BREW"] {
        let request =
            Request::builder().method(method).uri("/webhooks/stripe-eu").body(Body::empty()).unwrap();
        let (status, headers, _) = send(&adapter, request).await;
        assert_eq!((status.as_u16(), &headers["allow"]), (405, &"GET, POST".parse().unwrap()), "{method}");
    }
    assert!(service.batch_sizes().is_empty());
}

#[tokio::test]
async fn a_callback_arrives_as_it_was_sent() {
    let service = Scripted::default();
    let mut request = Request::get("/webhooks/vnpay?b=%20&a=1")
        .header("x-signature", "one")
        .header("x-signature", &b"\xfft\xfewo"[..])
        .header("x-forwarded-for", "1.2.3.4")
        .header("traceparent", TRACEPARENT)
        .body(Body::from(&b"\x00\xff"[..]))
        .unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4711))));
    assert_eq!(status_of(&service.adapter(settings()), request).await, 202);

    let callback = service.only_callback();
    let headers: Vec<_> = callback.headers.iter().map(|header| (&*header.name, &*header.value)).collect();
    assert_eq!(callback.gateway, "vnpay");
    assert_eq!(
        (&*callback.method, &*callback.path, &*callback.query),
        ("GET", "/webhooks/vnpay", "b=%20&a=1")
    );
    assert_eq!(callback.body, b"\x00\xff");
    assert!(headers.contains(&("x-forwarded-for", b"1.2.3.4")));
    let signatures: Vec<_> = headers.iter().filter(|(name, _)| *name == "x-signature").collect();
    assert_eq!(signatures, [&("x-signature", &b"one"[..]), &("x-signature", b"\xfft\xfewo")]);
    assert_eq!(callback.remote_address, "192.0.2.7");
    assert_eq!(callback.receive_time.unwrap().seconds, 0);
    assert_eq!(callback.traceparent, TRACEPARENT);
}

#[tokio::test]
async fn a_malformed_trace_context_does_not_travel() {
    let service = Scripted::default();
    let request =
        Request::post("/webhooks/stripe-eu").header("traceparent", "00-<script>").body(Body::empty());
    assert_eq!(status_of(&service.adapter(settings()), request.unwrap()).await, 202);
    assert_eq!(service.only_callback().traceparent, "");
}

#[tokio::test]
async fn a_body_is_counted_while_it_comes() {
    let service = Scripted::default();
    let adapter = service.adapter(settings());
    const MIB: usize = 1024 * 1024;
    for (size, status) in [(MIB, 202), (MIB + 1, 413), (20 * MIB, 413)] {
        let whole = Request::post("/webhooks/stripe-eu").body(Body::from(vec![b'x'; size])).unwrap();
        assert_eq!(status_of(&adapter, whole).await, status, "{size} bytes, as it says itself");
        let chunk = Bytes::from(vec![b'x'; size / 4 + 1]);
        let chunks = vec![chunk; 4].into_iter().map(Ok::<_, std::io::Error>);
        let chunks = Body::from_stream(tokio_stream::iter(chunks));
        let chunked = Request::post("/webhooks/stripe-eu").body(chunks).unwrap();
        assert_eq!(status_of(&adapter, chunked).await, 413, "{size} bytes and up to four more, in chunks");
    }
    assert_eq!(service.only_callback().body.len(), MIB);
}

#[tokio::test]
async fn a_client_that_writes_too_much_reads_413_and_not_a_reset() {
    let adapter = Scripted::default().adapter(settings());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(serve_http(listener, adapter, Limits::default(), CancellationToken::new()));
    let body = vec![b'x'; 5_000_000];
    let head =
        format!("POST /webhooks/stripe-eu HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&body).await.unwrap();
    let mut answer = [0; 12];
    timeout(PATIENCE, client.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_trace_that_is_recorded_continues_in_the_callback() {
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _traced = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let service = Scripted::default();
    let request = Request::post("/webhooks/stripe-eu").header("traceparent", TRACEPARENT).body(Body::empty());
    assert_eq!(status_of(&service.adapter(settings()), request.unwrap()).await, 202);
    let traceparent = service.only_callback().traceparent;
    assert_eq!(traceparent[..35], TRACEPARENT[..35], "the same trace");
    assert_ne!(traceparent, TRACEPARENT, "the adapter's own span");
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let adapter = Scripted::default()
        .adapter(AdapterSettings { body_deadline: Duration::from_millis(50), ..settings() });
    let never = Body::from_stream(tokio_stream::pending::<Result<Bytes, std::io::Error>>());
    assert_eq!(status_of(&adapter, Request::post("/webhooks/stripe-eu").body(never).unwrap()).await, 408);
    let broken = Body::from_stream(tokio_stream::once(Err::<Bytes, _>(std::io::Error::other("reset"))));
    assert_eq!(status_of(&adapter, Request::post("/webhooks/stripe-eu").body(broken).unwrap()).await, 400);
}

#[tokio::test]
async fn large_bodies_share_a_budget_and_small_ones_pass() {
    let service = Scripted::default();
    let adapter = service.adapter(AdapterSettings { max_large_bytes: 100_000, ..settings() });
    let large = |gateway| {
        let body = Body::from(vec![b'x'; 150_000]);
        Request::post(format!("/webhooks/{gateway}")).body(body).unwrap()
    };
    let held = tokio::spawn(adapter.clone().oneshot(large("held")));
    eventually("a large one is under way", async || service.batch_sizes() == [1]).await;
    assert_eq!(status_of(&adapter, large("stripe-eu")).await, 503);
    assert_eq!(status_of(&adapter, post("stripe-eu")).await, 202);
    service.gate.add_permits(1);
    held.await.unwrap().unwrap();
    assert_eq!(status_of(&adapter, large("stripe-eu")).await, 202);
}

#[tokio::test]
async fn many_callbacks_share_a_call() {
    let service = Scripted::default();
    let adapter = service.adapter(settings());
    let mut requests = JoinSet::new();
    for _ in 0..1000 {
        requests.spawn(adapter.clone().oneshot(post("stripe-eu")));
    }
    for answer in requests.join_all().await {
        assert_eq!(answer.unwrap().status(), 202);
    }
    let sizes = service.batch_sizes();
    assert_eq!(sizes.iter().sum::<usize>(), 1000);
    assert!(sizes.len() < 100 && sizes.iter().all(|size| *size <= 256), "{sizes:?}");
}

#[tokio::test]
async fn large_headers_do_not_make_a_call_too_large() {
    let service = Scripted::default();
    let adapter = service.adapter(AdapterSettings { max_calls: 1, ..settings() });
    let held = tokio::spawn(adapter.clone().oneshot(post("held")));
    eventually("one is under way", async || service.batch_sizes() == [1]).await;
    let mut requests = JoinSet::new();
    for _ in 0..300 {
        let large = Request::post("/webhooks/stripe-eu").header("x-large", "x".repeat(32 * 1024));
        requests.spawn(adapter.clone().oneshot(large.body(Body::from("{}")).unwrap()));
    }
    tokio::task::yield_now().await;
    service.gate.add_permits(1);
    for answer in requests.join_all().await {
        assert_eq!(answer.unwrap().status(), 202);
    }
    assert_eq!(held.await.unwrap().unwrap().status(), 202);
}

#[tokio::test]
async fn a_lone_callback_does_not_wait_for_company_or_for_others() {
    let service = Scripted::default();
    let adapter = service.adapter(settings());
    let held = tokio::spawn(adapter.clone().oneshot(post("held")));
    eventually("one is under way", async || service.batch_sizes() == [1]).await;
    assert_eq!(status_of(&adapter, post("stripe-eu")).await, 202);
    assert_eq!(service.batch_sizes(), [1, 1]);
    service.gate.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap().status(), 202);
}

#[tokio::test]
async fn a_gateway_that_hangs_up_harms_nobody_and_its_callback_is_sent() {
    let service = Scripted::default();
    let adapter = service.adapter(AdapterSettings { max_calls: 1, ..settings() });
    let gone = tokio::spawn(adapter.clone().oneshot(post("held")));
    eventually("one is under way", async || service.batch_sizes() == [1]).await;
    let also_gone = tokio::spawn(adapter.clone().oneshot(post("adyen")));
    let stays = tokio::spawn(adapter.clone().oneshot(post("stripe-eu")));
    tokio::task::yield_now().await;
    gone.abort();
    also_gone.abort();
    service.gate.add_permits(1);
    assert_eq!(stays.await.unwrap().unwrap().status(), 202);
    let gateways: Vec<_> =
        service.batches.lock().unwrap().concat().into_iter().map(|one| one.gateway).collect();
    assert_eq!(gateways, ["held", "adyen", "stripe-eu"]);
}

#[tokio::test]
async fn a_full_queue_or_a_hung_service_is_503() {
    let service = Scripted::default();
    let hurried = Duration::from_millis(300);
    let adapter = service.adapter(AdapterSettings {
        max_calls: 1,
        max_waiting: 1,
        service_deadline: hurried,
        ..settings()
    });
    let hung = tokio::spawn(adapter.clone().oneshot(post("held")));
    eventually("one is under way", async || service.batch_sizes() == [1]).await;
    let waits = tokio::spawn(adapter.clone().oneshot(post("held")));
    tokio::task::yield_now().await;
    let (status, headers, _) = send(&adapter, post("stripe-eu")).await;
    assert_eq!((status.as_u16(), headers.contains_key("retry-after")), (503, true), "the queue is full");
    for hung in [hung, waits] {
        assert_eq!(hung.await.unwrap().unwrap().status(), 503);
    }
}

#[tokio::test]
async fn a_lost_service_is_503_until_it_is_back() {
    let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let adapter = adapter::router(adapter::connect(&format!("http://{address}")).unwrap(), settings());
    assert_eq!(status_of(&adapter, post("stripe-eu")).await, 503);

    for _ in 0..2 {
        let (service, shutdown) = (Scripted::default(), CancellationToken::new());
        let listener = TcpListener::bind(address).await.unwrap();
        let serving = serve_grpc(listener, service.routes(), Limits::default(), shutdown.clone());
        let serving = tokio::spawn(serving);
        eventually("it heals", async || status_of(&adapter, post("stripe-eu")).await == 202).await;
        shutdown.cancel();
        serving.await.unwrap();
        assert_eq!(status_of(&adapter, post("stripe-eu")).await, 503);
    }
}
