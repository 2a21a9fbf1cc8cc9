//! Callbacks whose proof needs a certificate, as the adapter and the gateway meet them.

use axum::{
    body::Body,
    http::{Request, StatusCode, header::RETRY_AFTER},
};
use payment_status::{
    adapter::{self, AdapterSettings},
    certificates::Outbound,
    clock::Clock,
    domain::Callback,
    proto::{
        ProcessCallbackRequest, ProcessCallbackResponse, ProcessCallbacksRequest, RegisterTransactionRequest,
        TransactionStatus,
        callback_result::Result::{Error, Response},
    },
    telemetry::Metrics,
};
use tokio::time::timeout;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use super::{
    PATIENCE,
    outside::{Outside, PAYPAL_HOST, Proxy},
    paypal::{PayPal, handed_on},
};
use crate::harness::{
    Database, eventually,
    service::{NOW, Service, paid, registration, signed},
    shop::transaction,
    sqlite,
};

/// A service with a gateway `paypal`, and PayPal's site behind a proxy.
struct Scene {
    outside: Outside,
    paypal: PayPal,
    service: Service,
    _database: Database,
}

impl Scene {
    async fn set() -> Self {
        let (paypal, certificates) = PayPal::open();
        let outside = Outside::start_with(Proxy::Leads, certificates).await;
        let database = sqlite();
        // A site that hangs is meant to hang for as long as a test takes.
        let outbound = Outbound {
            patience: 10 * PATIENCE,
            ..Outbound::new(Some(outside.proxy.to_string()), outside.trust())
        };
        let service = Service::start_reaching(&database.url, outbound, paypal.gateway()).await;
        Self { outside, paypal, service, _database: database }
    }

    fn needy(&self, transaction_id: &str, certificate: &str) -> ProcessCallbackRequest {
        handed_on(self.paypal.paid(transaction_id, certificate))
    }

    async fn process(&self, callback: ProcessCallbackRequest) -> Result<ProcessCallbackResponse, Status> {
        let mut client = self.service.client.clone();
        let answer = timeout(PATIENCE, client.process_callback(callback)).await;
        answer.expect("an answer in time").map(tonic::Response::into_inner)
    }

    /// The status for the gateway of each callback of one call, or why there is none.
    async fn process_all(&self, callbacks: Vec<ProcessCallbackRequest>) -> Vec<String> {
        let mut client = self.service.client.clone();
        let answer = timeout(PATIENCE, client.process_callbacks(ProcessCallbacksRequest { callbacks })).await;
        let results = answer.expect("an answer in time").unwrap().into_inner().results;
        let word = |result| match result {
            Response(response) => response.reply.unwrap().status.to_string(),
            Error(error) => error.reason,
        };
        results.into_iter().map(|result| word(result.result.unwrap())).collect()
    }

    fn rejected(&self) -> String {
        let metrics = self.service.metrics.render().unwrap();
        metrics.lines().filter(|line| line.contains(r#"outcome="rejected""#)).collect()
    }
}

fn forged(mut callback: ProcessCallbackRequest) -> ProcessCallbackRequest {
    callback.body.push(b' ');
    callback
}

#[track_caller]
fn is_refused(status: &Status, why: &str) {
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((status.code(), &*info.reason), (Code::Unauthenticated, "SIGNATURE_INVALID"), "{status}");
    assert!(status.message().ends_with(&format!("was refused: {why}")), "{status}");
    assert_eq!(info.metadata["http_status"], "400", "what PayPal is to hear");
    assert!(details.retry_info().is_none(), "{status}");
}

#[tokio::test]
async fn one_is_proven_once_its_certificate_is_there() {
    let scene = Scene::set().await;
    for n in 0..3 {
        let answer = scene.process(scene.needy(&format!("t{n}"), "good")).await.unwrap();
        assert_eq!(answer.reply.unwrap().status, 200);
    }
    let status = scene.process(forged(scene.needy("t9", "good"))).await.unwrap_err();
    is_refused(&status, "bad_signature");
    assert_eq!(scene.outside.seen_by_site(), ["GET /v1/notifications/certs/good HTTP/1.1"]);
}

#[tokio::test]
async fn without_its_certificate_it_is_our_failure() {
    let scene = Scene::set().await;
    for _ in 0..2 {
        let status = scene.process(scene.needy("t", "missing")).await.unwrap_err();
        let details = status.get_error_details();
        let reason = &*details.error_info().unwrap().reason;
        assert_eq!((status.code(), reason), (Code::Unavailable, "CERTIFICATE_UNAVAILABLE"), "{status}");
        assert!(details.retry_info().is_some(), "{status}");
    }
    assert_eq!(scene.rejected(), "");
    assert_eq!(scene.outside.seen_by_site().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_may_not_be_trusted_proves_nothing() {
    for name in ["other-name", "name-inside", "other-authority", "expired"] {
        let scene = Scene::set().await;
        for _ in 0..2 {
            let status = scene.process(scene.needy("t", name)).await.unwrap_err();
            is_refused(&status, "untrusted_certificate");
        }
        assert_eq!(scene.outside.seen_by_site().len(), 1, "{name}: it was fetched, and only once");
        assert!(scene.rejected().ends_with(" 2"), "{name}: {}", scene.rejected());
    }
}

#[tokio::test]
async fn a_certificate_from_elsewhere_is_refused_before_anybody_is_asked() {
    let scene = Scene::set().await;
    for url in [
        "https://api.paypal.com.evil.example/v1/notifications/certs/good",
        "https://evil.example/v1/notifications/certs/good",
        "https://api.paypal.com@evil.example/v1/notifications/certs/good",
        "http://api.paypal.com/v1/notifications/certs/good",
        "https://api.paypal.com:8443/v1/notifications/certs/good",
        "https://api.paypal.com/v1/notifications/good",
        "https://api.paypal.com/v1/notifications/certs/../../good",
        "https://127.0.0.1/v1/notifications/certs/good",
    ] {
        let status = scene.process(handed_on(scene.paypal.paid_by("t", url))).await.unwrap_err();
        is_refused(&status, "untrusted_certificate_url");
    }
    assert!(scene.outside.seen_by_proxy().is_empty());
}

#[tokio::test]
async fn a_call_answers_each_in_its_place() {
    let scene = Scene::set().await;
    // All of them need a certificate: whoever needs none would bound the time of the others.
    scene.outside.gate.add_permits(1);
    let callbacks = vec![
        scene.needy("a", "held"),
        scene.needy("b", "good"),
        scene.needy("c", "missing"),
        forged(scene.needy("d", "good")),
        scene.needy("e", "expired"),
        scene.needy("f", "good"),
    ];
    let answers = scene.process_all(callbacks).await;
    let (refused, unavailable) = ("SIGNATURE_INVALID", "CERTIFICATE_UNAVAILABLE");
    assert_eq!(answers, ["200", "200", unavailable, refused, refused, "200"]);
}

#[tokio::test]
async fn nobody_waits_long_for_a_site_that_hangs() {
    let scene = Scene::set().await;
    let callbacks = vec![
        signed("shop", &paid("a", 1099)),
        scene.needy("b", "held"),
        forged(signed("shop", &paid("c", 1099))),
        signed("nobody", "{}"),
        signed("shop", &paid("d", 1099)),
    ];
    let answers = scene.process_all(callbacks).await;
    assert_eq!(answers, ["200", "CERTIFICATE_UNAVAILABLE", "SIGNATURE_INVALID", "GATEWAY_UNKNOWN", "200"]);

    // The fetch went on, so the gateway's next try finds the certificate and asks nobody.
    scene.outside.gate.add_permits(1);
    let fetched = r#"payment_status_certificate_fetches_total{outcome="fetched"} 1"#;
    eventually("it is fetched", async || scene.service.metrics.render().unwrap().contains(fetched)).await;
    let answer = scene.process(scene.needy("b", "held")).await.unwrap();
    assert_eq!(answer.reply.unwrap().status, 200);
    assert_eq!(scene.outside.seen_by_site().len(), 1);
}

#[tokio::test]
async fn those_who_need_the_same_certificate_alone_wait_for_it() {
    let scene = Scene::set().await;
    let callbacks = vec![scene.needy("a", "held"), scene.needy("b", "held")];
    let open = async {
        eventually("the site is asked", async || scene.outside.seen_by_site().len() == 1).await;
        scene.outside.gate.add_permits(1);
    };
    let (answers, ()) = tokio::join!(scene.process_all(callbacks), open);
    assert_eq!(answers, ["200", "200"]);
    assert_eq!(scene.outside.seen_by_site().len(), 1);
}

#[tokio::test]
async fn a_payment_at_paypal_is_paid() {
    let scene = Scene::set().await;
    let settings = AdapterSettings::new(Clock::fixed(NOW), Metrics::new().unwrap());
    let adapter = adapter::router(scene.service.client.clone(), settings);
    let deliver = async |callback: Callback| {
        let mut request = Request::builder().method(&*callback.method).uri(callback.path);
        for (name, value) in &callback.headers {
            request = request.header(name, &**value);
        }
        let request = request.body(Body::from(callback.body)).unwrap();
        let answer = timeout(PATIENCE, adapter.clone().oneshot(request)).await;
        let answer = answer.expect("an answer in time").unwrap();
        (answer.status(), answer.headers().contains_key(RETRY_AFTER))
    };
    let mut client = scene.service.client.clone();
    let request = RegisterTransactionRequest { gateway: "paypal".to_owned(), ..registration("order-1") };
    client.register_transaction(request).await.unwrap();

    let unavailable = deliver(scene.paypal.paid("order-1", "missing")).await;
    assert_eq!(unavailable, (StatusCode::SERVICE_UNAVAILABLE, true));
    let refused = deliver(scene.paypal.paid("order-1", "other-authority")).await;
    assert_eq!(refused, (StatusCode::BAD_REQUEST, false));
    assert_eq!(transaction(&mut client, "order-1").await.status(), TransactionStatus::Created);

    for _ in 0..2 {
        assert_eq!(deliver(scene.paypal.paid("order-1", "good")).await, (StatusCode::OK, false));
        let seen = transaction(&mut client, "order-1").await;
        let state = (seen.status(), seen.actionable, seen.version);
        assert_eq!(state, (TransactionStatus::Paid, true, 2), "{seen:?}");
    }
    let leads_there = format!("CONNECT {PAYPAL_HOST}:443 HTTP/1.1");
    assert!(scene.outside.seen_by_proxy().iter().all(|asked| *asked == leads_there));
}
