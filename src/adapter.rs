//! Gateways' HTTP in, gRPC out. It knows no secret, no gateway and no database, so it can stand in the open
//! and be deployed alone; whatever it cannot prove it hands on untouched.
//!
//! The order of reading: [`router`] → `body` → `callback` → `hop` → `answer`.

mod answer;
mod body;
mod callback;
mod connect;
mod hop;
mod peer;

use std::{sync::Arc, time::Duration, time::Instant};

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, request::Parts},
    response::{IntoResponse as _, Response},
};
use ipnet::IpNet;
use tonic::transport::Channel;
use tracing::{Instrument as _, Span, field::Empty};

use crate::{
    clock::Clock,
    proto::payment_status_client::PaymentStatusClient,
    telemetry::{Metrics, trace},
};
use answer::Refusal;
use body::Bodies;
use hop::Hop;

pub use connect::{ServiceUrlError, connect};

/// The only route there is.
const ROUTE: &str = "/webhooks/{gateway}";
const PREFIX: &str = "/webhooks/";

#[derive(Clone, Debug)]
pub struct AdapterSettings {
    pub clock: Clock,
    pub metrics: Metrics,
    /// One body at most; a larger one is answered 413.
    pub max_body_bytes: usize,
    /// All large bodies together, before and while they are handed on.
    pub max_large_bytes: usize,
    /// From the head of a request to the end of its body; a slower one is answered 408.
    pub body_deadline: Duration,
    /// From the end of the body to the answer of the service, and of one call. After it: 503.
    pub service_deadline: Duration,
    /// Callbacks that wait for a call at most; more are answered 503.
    pub max_waiting: usize,
    /// Calls under way at once.
    pub max_calls: usize,
    /// Whose word on who calls is taken.
    pub trusted_proxies: Vec<IpNet>,
}

impl AdapterSettings {
    #[must_use]
    pub fn new(clock: Clock, metrics: Metrics) -> Self {
        Self {
            clock,
            metrics,
            max_body_bytes: 1024 * 1024,
            max_large_bytes: 64 * 1024 * 1024,
            body_deadline: Duration::from_secs(10),
            service_deadline: Duration::from_secs(8),
            max_waiting: 4096,
            max_calls: 4,
            trusted_proxies: Vec::new(),
        }
    }
}

/// `POST` and `GET` of `/webhooks/{gateway}`, and nothing else.
///
/// Call it inside the runtime: the calls to the service run in a task of their own, which ends with the router.
pub fn router(client: PaymentStatusClient<Channel>, settings: AdapterSettings) -> Router {
    let adapter = Adapter {
        bodies: Bodies::new(&settings),
        hop: Hop::start(client, &settings),
        clock: settings.clock,
        metrics: settings.metrics,
        trusted_proxies: settings.trusted_proxies,
    };
    Router::new().fallback(receive).with_state(Arc::new(adapter))
}

struct Adapter {
    bodies: Bodies,
    hop: Hop,
    clock: Clock,
    metrics: Metrics,
    trusted_proxies: Vec<IpNet>,
}

async fn receive(State(adapter): State<Arc<Adapter>>, request: Request) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = gateway_of(request.uri().path()).map(|_| ROUTE);
    let span = span(&request, route);

    let answer = adapter.process(request, &span).instrument(span.clone()).await;
    let answer = answer.unwrap_or_else(Refusal::into_response);

    span.record("http.response.status_code", answer.status().as_u16());
    adapter.metrics.http_request(&method, route, answer.status(), began.elapsed());
    answer
}

impl Adapter {
    async fn process(&self, request: Request, span: &Span) -> Result<Response, Refusal> {
        let (head, body) = request.into_parts();
        let gateway = match addressee(&head) {
            Ok(gateway) => gateway,
            Err(refusal) => return Err(self.bodies.refuse(refusal, &head.headers, body).await),
        };
        let body = self.bodies.read(&head.headers, body).await?;
        let address = peer::of(&head, &self.trusted_proxies);
        let (now, own) = (self.clock.now(), trace::of(span));
        let callback = callback::callback(&head, gateway, body.bytes, now, address, own);
        let result = self.hop.process(callback, body.room).await.ok_or(Refusal::Unavailable)?;
        answer::answer(result)
    }
}

fn addressee(head: &Parts) -> Result<&str, Refusal> {
    let gateway = gateway_of(head.uri.path()).ok_or(Refusal::NotFound)?;
    match head.method {
        Method::POST | Method::GET => Ok(gateway),
        _ => Err(Refusal::MethodNotAllowed),
    }
}

/// A gateway's name is of a few plain characters, so a path holds it as it is.
fn gateway_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix(PREFIX)?;
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (matches!(name.len(), 1..=255) && name.bytes().all(is_plain)).then_some(name)
}

fn span(request: &Request, route: Option<&str>) -> Span {
    let span = tracing::debug_span!(
        "http",
        otel.name = %format_args!("{} {}", request.method(), route.unwrap_or_default()),
        otel.kind = "server",
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = Empty,
        gateway = gateway_of(request.uri().path()),
    );
    if let Some(caller) = trace::traceparent(request.headers()) {
        trace::set_parent(&span, caller);
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_is_a_gateway() {
        assert_eq!(gateway_of("/webhooks/stripe-eu_2"), Some("stripe-eu_2"));
        for path in [
            "/",
            "/webhooks",
            "/webhooks/",
            "/webhooks/a/b",
            "/webhooks/a/",
            "/webhooks/A",
            "/webhooks/%61",
            "//webhooks/a",
        ] {
            assert_eq!(gateway_of(path), None, "{path}");
        }
        assert_eq!(gateway_of(&format!("/webhooks/{}", "a".repeat(256))), None);
    }
}
