//! For probes and scrapers, on a listener that is never public.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::sync::watch;

use crate::telemetry::Metrics;

/// Whether this process should get traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// Not now, and why, in a line for an operator.
    NotReady(String),
}

/// `/healthz` answers while the process runs, `/readyz` as `readiness` says, `/metrics` in Prometheus' format.
pub fn router(readiness: watch::Receiver<Readiness>, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(render).with_state(metrics))
}

async fn readyz(State(readiness): State<watch::Receiver<Readiness>>) -> Response {
    match &*readiness.borrow() {
        Readiness::Ready => "ready\n".into_response(),
        Readiness::NotReady(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response()
        }
    }
}

async fn render(State(metrics): State<Metrics>) -> Response {
    match metrics.render() {
        Ok(text) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use tower::ServiceExt as _;

    use super::*;

    async fn get(router: &Router, path: &str) -> (StatusCode, String) {
        let request = axum::extract::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.into()).unwrap())
    }

    #[tokio::test]
    async fn probes_and_scrapers_are_answered() {
        let metrics = Metrics::new().unwrap();
        metrics.callback(Some("stripe-eu"), "applied");
        let (readiness, seen) = watch::channel(Readiness::NotReady("the database is away".to_owned()));
        let router = router(seen, metrics);

        assert_eq!(get(&router, "/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
        let why = "not ready: the database is away\n".to_owned();
        assert_eq!(get(&router, "/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, why));
        readiness.send_replace(Readiness::Ready);
        assert_eq!(get(&router, "/readyz").await, (StatusCode::OK, "ready\n".to_owned()));
        assert!(get(&router, "/metrics").await.1.contains("payment_status_callbacks_total"));
        assert_eq!(get(&router, "/").await.0, StatusCode::NOT_FOUND);
    }
}
