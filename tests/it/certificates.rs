//! Certificates from a gateway's own site: fetched once, kept, and nothing that a stranger or a broken site does
//! costs more than a bounded time.

mod in_the_service;
mod outside;
mod paypal;

use std::time::Duration;

use payment_status::{
    certificates::{CertificateCache, FetchError, Outbound, Trust},
    gateways::CertificateUrl,
    telemetry::Metrics,
};
use time::OffsetDateTime;
use tokio::{net::TcpSocket, task::JoinSet, time::timeout};

use crate::harness::{eventually, service::NOW};
use outside::{HOST, Outside, Proxy};

/// Only bounds a failure.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);

fn url(host: &str, name: &str) -> CertificateUrl {
    let url = format!("https://{host}/certs/{name}");
    CertificateUrl::allowed(&url, &[host.to_owned()], "/certs/").expect("it is on the list")
}

fn cache(outside: &Outside, patience: Duration) -> CertificateCache {
    cache_with(outside, outside.trust(), patience, &Metrics::new().unwrap())
}

fn cache_with(outside: &Outside, trust: Trust, patience: Duration, metrics: &Metrics) -> CertificateCache {
    let outbound = Outbound { patience, ..Outbound::new(Some(outside.proxy.to_string()), trust) };
    CertificateCache::new(outbound, metrics.clone())
}

async fn error_of(cache: &CertificateCache, url: &CertificateUrl, now: OffsetDateTime) -> FetchError {
    let fetched = timeout(PATIENCE, cache.fetch(url, now)).await.expect("it ends in time");
    assert!(cache.at_hand(now).get(url).is_none());
    fetched.expect_err("there is no certificate")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_need_the_same_certificate_cause_one_fetch() {
    let (outside, metrics) = (Outside::start(Proxy::Leads).await, Metrics::new().unwrap());
    let cache = cache_with(&outside, outside.trust(), PATIENCE, &metrics);
    let url = url(HOST, "held");
    assert!(cache.at_hand(NOW).is_empty());
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let (cache, url) = (cache.clone(), url.clone());
        callers.spawn(async move { cache.fetch(&url, NOW).await });
    }
    eventually("the site is asked", async || outside.seen_by_site().len() == 1).await;
    outside.gate.add_permits(50);
    for certificates in callers.join_all().await {
        assert_eq!(certificates.unwrap().get(&url).map(AsRef::as_ref), Some(outside.pem.as_str()));
    }
    assert_eq!(outside.seen_by_site(), ["GET /certs/held HTTP/1.1"]);
    assert_eq!(outside.seen_by_proxy(), [format!("CONNECT {HOST}:443 HTTP/1.1")]);
    let counted = metrics.render().unwrap();
    assert!(
        counted.contains(r#"payment_status_certificate_fetches_total{outcome="fetched"} 1"#),
        "{counted}"
    );
}

#[tokio::test]
async fn a_certificate_serves_for_a_day() {
    let outside = Outside::start(Proxy::Leads).await;
    let (cache, url) = (cache(&outside, PATIENCE), url(HOST, "good"));
    let (later, day_after) = (NOW + time::Duration::hours(23), NOW + time::Duration::hours(24));
    for now in [NOW, later] {
        cache.fetch(&url, now).await.unwrap();
        assert_eq!(cache.at_hand(now).len(), 1);
    }
    assert_eq!(outside.seen_by_site().len(), 1);
    assert!(cache.at_hand(day_after).is_empty());
    cache.fetch(&url, day_after).await.unwrap();
    assert_eq!(outside.seen_by_site().len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_no_certificate_is_a_failure() {
    let outside = Outside::start(Proxy::Leads).await;
    let cases = [
        ("moved", "the host answered 302, and only 200 counts"),
        ("missing", "the host answered 404, and only 200 counts"),
        ("text", "the answer is not a certificate in PEM"),
        ("key", "the answer is not a certificate in PEM"),
        ("not-utf8", "the answer is not a certificate in PEM"),
        ("large", "the answer is larger than 64 KiB"),
        ("endless", "the answer is larger than 64 KiB"),
        ("endless-head", "the connection broke: "),
        ("not-http", "the connection broke: "),
        ("half", "there was no answer in time"),
    ];
    for (name, expected) in cases {
        let patience = if name == "half" { SHORT } else { PATIENCE };
        let error = error_of(&cache(&outside, patience), &url(HOST, name), NOW).await.to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
    }
    let leads_there = format!("CONNECT {HOST}:443 HTTP/1.1");
    assert!(outside.seen_by_proxy().iter().all(|asked| *asked == leads_there), "nobody else is asked");
    assert_eq!(outside.seen_by_site().len(), 10, "each was asked once");
}

#[tokio::test]
async fn whoever_hangs_holds_nobody_longer_than_the_limit() {
    for (proxy, name) in [(Proxy::Leads, "silent"), (Proxy::IsSilent, "good"), (Proxy::LeadsNowhere, "good")]
    {
        let outside = Outside::start(proxy).await;
        let error = error_of(&cache(&outside, SHORT), &url(HOST, name), NOW).await;
        assert_eq!(error, FetchError::TimedOut, "{proxy:?}");
    }
}

#[tokio::test]
async fn a_host_that_cannot_prove_itself_is_not_asked() {
    let outside = Outside::start(Proxy::Leads).await;
    let other = url("api.other.example", "good");
    let error = error_of(&cache(&outside, PATIENCE), &other, NOW).await;
    assert!(matches!(error, FetchError::Untrusted(_)), "another name: {error}");

    let strangers = cache_with(&outside, Trust::new(None).unwrap(), PATIENCE, &Metrics::new().unwrap());
    let error = error_of(&strangers, &url(HOST, "good"), NOW).await;
    assert!(matches!(error, FetchError::Untrusted(_)), "an unknown authority: {error}");
    assert!(outside.seen_by_site().is_empty());
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_away_is_named() {
    let outside = Outside::start(Proxy::Refuses).await;
    let error = error_of(&cache(&outside, PATIENCE), &url(HOST, "good"), NOW).await;
    assert_eq!(error.to_string(), "the proxy answered 403 to CONNECT");

    // Its port is taken, and nobody listens.
    let nobody = TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let outbound = Outbound::new(Some(nobody.local_addr().unwrap().to_string()), outside.trust());
    let cache = CertificateCache::new(outbound, Metrics::new().unwrap());
    let error = error_of(&cache, &url(HOST, "good"), NOW).await.to_string();
    assert!(error.starts_with("nobody can be connected to: the proxy: "), "{error}");
}

#[tokio::test]
async fn what_failed_is_asked_for_again_only_after_some_seconds() {
    let outside = Outside::start(Proxy::Leads).await;
    let (cache, url) = (cache(&outside, PATIENCE), url(HOST, "missing"));
    let soon = NOW + time::Duration::seconds(9);
    assert_eq!(error_of(&cache, &url, NOW).await, FetchError::Status(404));
    assert_eq!(error_of(&cache, &url, soon).await, FetchError::HeldOff);
    assert_eq!(outside.seen_by_site().len(), 1);
    assert_eq!(error_of(&cache, &url, NOW + time::Duration::seconds(10)).await, FetchError::Status(404));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_with_many_wrong_paths_does_not_make_us_hammer_the_host() {
    let outside = Outside::start(Proxy::Leads).await;
    // The site's certificate has another name, so every path of this host fails.
    let cache = cache(&outside, PATIENCE);
    let mut strangers = JoinSet::new();
    for n in 0..300 {
        let (cache, url) = (cache.clone(), url("api.other.example", &format!("invented-{n}")));
        strangers.spawn(async move { cache.fetch(&url, NOW).await });
    }
    let answers = timeout(PATIENCE, strangers.join_all()).await.expect("all are answered");
    assert!(answers.iter().all(Result::is_err));
    let asked = outside.seen_by_proxy().len();
    assert!((8..8 + 4).contains(&asked), "eight may fail, and those under way meanwhile: {asked}");
    cache.fetch(&url(HOST, "good"), NOW).await.expect("another host is not punished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_fetches_run_at_once_and_the_others_take_their_turn() {
    let outside = Outside::start(Proxy::Leads).await;
    let cache = cache(&outside, PATIENCE);
    let mut callers = JoinSet::new();
    for n in 0..12 {
        let (cache, url) = (cache.clone(), url(HOST, &format!("held-{n}")));
        callers.spawn(async move { cache.fetch(&url, NOW).await });
    }
    eventually("four are under way", async || outside.seen_by_site().len() == 4).await;
    outside.gate.add_permits(12);
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(outside.most_at_once(), 4);
    assert_eq!(cache.at_hand(NOW).len(), 12);
}

#[tokio::test]
async fn a_fetch_goes_on_when_nobody_waits_any_more() {
    let outside = Outside::start(Proxy::Leads).await;
    let (cache, url) = (cache(&outside, PATIENCE), url(HOST, "held"));
    let caller = tokio::spawn({
        let (cache, url) = (cache.clone(), url.clone());
        async move { cache.fetch(&url, NOW).await }
    });
    eventually("the site is asked", async || outside.seen_by_site().len() == 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    outside.gate.add_permits(1);
    eventually("it is at hand", async || cache.at_hand(NOW).get(&url).is_some()).await;
}
