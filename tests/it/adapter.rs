//! What gateways hear from the adapter, whatever becomes of their callbacks behind it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode},
};
use payment_status::{
    adapter::{self, AdapterSettings},
    clock::Clock,
    listen::{Limits, in_memory, serve_grpc},
    proto::{
        self, CallbackError, CallbackResult, HttpReply, ProcessCallbackRequest, ProcessCallbackResponse,
        ProcessCallbacksRequest, ProcessCallbacksResponse, callback_result,
        payment_status_client::PaymentStatusClient,
        payment_status_server::{PaymentStatus, PaymentStatusServer},
    },
    telemetry::Metrics,
};
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Code, Response, Status, async_trait};
use tower::ServiceExt as _;

const PATIENCE: Duration = Duration::from_secs(10);
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A service that answers each callback by the name of its gateway.
#[derive(Clone)]
struct Scripted {
    batches: Arc<Mutex<Vec<Vec<ProcessCallbackRequest>>>>,
    /// Calls with a callback of the gateway `held` are answered when they get a permit.
    gate: Arc<Semaphore>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self { batches: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
    }
}

fn script(gateway: &str) -> callback_result::Result {
    let reply = |status, body: &str| {
        let body = body.as_bytes().to_vec();
        Some(HttpReply { status, content_type: "text/plain".to_owned(), body })
    };
    let error = |code: Code, reply| {
        let (code, message) = (code as i32, "do not show this".to_owned());
        callback_result::Result::Error(CallbackError { code, message, reply, reason: String::new() })
    };
    match gateway {
        "forged" => error(Code::Unauthenticated, None),
        "forged-particular" => error(Code::Unauthenticated, reply(400, "fail")),
        "stranger" => error(Code::NotFound, None),
        "malformed" => error(Code::InvalidArgument, None),
        "overloaded" => error(Code::ResourceExhausted, None),
        "down" => error(Code::Unavailable, None),
        "slow" => error(Code::DeadlineExceeded, None),
        "broken" => error(Code::Internal, None),
        "odd-reply" => callback_result::Result::Response(ProcessCallbackResponse {
            reply: reply(7, ""),
            ..ProcessCallbackResponse::default()
        }),
        "no-reply" => callback_result::Result::Response(ProcessCallbackResponse::default()),
        _ => callback_result::Result::Response(ProcessCallbackResponse {
            reply: reply(202, "[accepted]"),
            ..ProcessCallbackResponse::default()
        }),
    }
}

#[async_trait]
impl PaymentStatus for Scripted {
    async fn process_callbacks(
        &self,
        request: tonic::Request<ProcessCallbacksRequest>,
    ) -> Result<Response<ProcessCallbacksResponse>, Status> {
        let callbacks = request.into_inner().callbacks;
        let has = |gateway| callbacks.iter().any(|callback| callback.gateway == gateway);
        let (held, short, failed) = (has("held"), has("short"), has("failed-call"));
        let mut results: Vec<_> = callbacks
            .iter()
            .map(|callback| CallbackResult { result: Some(script(&callback.gateway)) })
            .collect();
        self.batches.lock().unwrap().push(callbacks);
        if held {
            self.gate.acquire().await.unwrap().forget();
        }
        if short {
            results.pop();
        }
        if failed {
            return Err(Status::unauthenticated("the adapter itself is not let in"));
        }
        Ok(Response::new(ProcessCallbacksResponse { results }))
    }

    async fn process_callback(
        &self,
        _: tonic::Request<ProcessCallbackRequest>,
    ) -> Result<Response<ProcessCallbackResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn register_transaction(
        &self,
        _: tonic::Request<proto::RegisterTransactionRequest>,
    ) -> Result<Response<proto::RegisterTransactionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_transaction(
        &self,
        _: tonic::Request<proto::GetTransactionRequest>,
    ) -> Result<Response<proto::GetTransactionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn batch_get_transactions(
        &self,
        _: tonic::Request<proto::BatchGetTransactionsRequest>,
    ) -> Result<Response<proto::BatchGetTransactionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_transactions(
        &self,
        _: tonic::Request<proto::ListTransactionsRequest>,
    ) -> Result<Response<proto::ListTransactionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_transaction_updates(
        &self,
        _: tonic::Request<proto::ListTransactionUpdatesRequest>,
    ) -> Result<Response<proto::ListTransactionUpdatesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    type WatchTransactionsStream = tokio_stream::Empty<Result<proto::WatchTransactionsResponse, Status>>;

    async fn watch_transactions(
        &self,
        _: tonic::Request<proto::WatchTransactionsRequest>,
    ) -> Result<Response<Self::WatchTransactionsStream>, Status> {
        Err(Status::unimplemented(""))
    }
}

impl Scripted {
    fn routes(&self) -> Router {
        let server = PaymentStatusServer::new(self.clone()).max_decoding_message_size(8 * 1024 * 1024);
        tonic::service::Routes::new(server).into_axum_router()
    }

    fn adapter(&self, settings: AdapterSettings) -> Router {
        let channel = in_memory(self.routes(), PATIENCE, CancellationToken::new(), TaskTracker::new());
        adapter::router(PaymentStatusClient::new(channel), settings)
    }

    fn batch_sizes(&self) -> Vec<usize> {
        self.batches.lock().unwrap().iter().map(Vec::len).collect()
    }

    fn only_callback(&self) -> ProcessCallbackRequest {
        let batches = self.batches.lock().unwrap();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
        batches[0][0].clone()
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
