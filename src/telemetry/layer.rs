//! Around every RPC: a span that continues the caller's trace, and its duration by method and status.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::HeaderMap,
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use http_body::{Frame, SizeHint};
use tonic::{Code, Status};
use tracing::{Instrument as _, Span, field::Empty};

use super::{Metrics, trace};

/// Observes every RPC of these routes.
pub fn observe_rpcs(routes: Router, metrics: Metrics) -> Router {
    routes.layer(from_fn_with_state(metrics, observe))
}

async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let mut call = Call::begin(metrics, &request);
    let response = next.run(request).instrument(call.span.clone()).await;
    call.look_for_status(response.headers());
    response.map(|body| Body::new(Observed { body, call }))
}

/// One RPC under way; told to the metrics when it is dropped, which a caller that hangs up does too.
struct Call {
    metrics: Metrics,
    method: String,
    began: Instant,
    span: Span,
    status: Option<Code>,
}

impl Call {
    fn begin(metrics: Metrics, request: &Request) -> Self {
        let method = request.uri().path().trim_start_matches('/').to_owned();
        let span = tracing::debug_span!(
            "rpc",
            otel.name = method,
            otel.kind = "server",
            rpc.system.name = "grpc",
            rpc.method = method,
            rpc.response.status_code = Empty,
        );
        if let Some(caller) = trace::traceparent(request.headers()) {
            trace::set_parent(&span, caller);
        }
        Self { metrics, method, began: Instant::now(), span, status: None }
    }

    /// An error without a message stands in the headers, everything else in the trailers.
    fn look_for_status(&mut self, headers: &HeaderMap) {
        self.status = self.status.or_else(|| Status::from_header_map(headers).map(|status| status.code()));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = code_name(self.status.unwrap_or(Code::Cancelled));
        self.span.record("rpc.response.status_code", code);
        self.metrics.rpc(&self.method, code, self.began.elapsed());
    }
}

struct Observed {
    body: Body,
    call: Call,
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let frame = this.call.span.in_scope(|| Pin::new(&mut this.body).poll_frame(cx));
        let frame = ready!(frame);
        if let Some(trailers) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.trailers_ref()) {
            this.call.look_for_status(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The name that the semantic conventions and gRPC's own documents use.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
