//! Every kind through the front door: HTTP in, the gateway's own answer out, the payment's state over gRPC.

use std::{collections::BTreeMap, net::SocketAddr};

use payment_status::{
    adapter::{self, AdapterSettings},
    clock::Clock,
    domain::{Callback, Currency, Money},
    gateways::{
        Gateways, built_in,
        simulate::{Payment, Scenario},
    },
    listen::{Limits, serve_http},
    proto::{self, Hold, RegisterTransactionRequest},
};
use tokio::net::TcpListener;

use crate::{
    harness::{
        Database,
        service::{Knobs, NOW, Service},
        shop::{answer_to, transaction},
    },
    stories::cast::{self, Role},
};

/// What a gateway hears that wants more than an empty 200: after a new callback, the same again, a forged one.
const ANSWERS: &[(&str, [(u16, &str); 3])] = &[
    ("adyen", [(200, "[accepted]"), (200, "[accepted]"), (401, "")]),
    ("alipay", [(200, "success"), (200, "success"), (200, "failure")]),
    ("bitpay", [(200, ""), (200, ""), (400, "")]),
    ("bkash", [(200, ""), (200, ""), (403, "")]),
    ("braintree", [(200, ""), (200, ""), (400, "")]),
    ("coinbase-commerce", [(200, ""), (200, ""), (400, "")]),
    ("computop", [(200, ""), (200, ""), (400, "")]),
    ("gocardless", [(204, ""), (204, ""), (498, "")]),
    ("klarna", [(200, ""), (200, ""), (400, "")]),
    ("mollie", [(200, ""), (200, ""), (400, "")]),
    ("momo", [(204, ""), (204, ""), (400, "")]),
    (
        "opayo",
        [
            (200, "Status=OK\r\nRedirectURL=https://www.example.com/\r\nStatusDetail="),
            (200, "Status=OK\r\nRedirectURL=https://www.example.com/\r\nStatusDetail="),
            (
                200,
                "Status=INVALID\r\nRedirectURL=https://www.example.com/\r\nStatusDetail=Signature mismatch",
            ),
        ],
    ),
    ("paddle", [(200, ""), (200, ""), (403, "")]),
    ("payfast", [(200, ""), (200, ""), (400, "")]),
    ("paypal", [(200, ""), (200, ""), (400, "")]),
    ("paytr", [(200, "OK"), (200, "OK"), (400, "PAYTR notification failed: bad hash")]),
    ("payu-india", [(200, ""), (200, ""), (400, "")]),
    ("payu-latam", [(200, ""), (200, ""), (400, "")]),
    ("polar", [(202, ""), (202, ""), (403, "")]),
    ("przelewy24", [(200, ""), (200, ""), (400, "")]),
    ("razorpay", [(200, ""), (200, ""), (400, "")]),
    ("redsys", [(200, ""), (200, ""), (400, "")]),
    ("revolut", [(204, ""), (204, ""), (403, "")]),
    ("square", [(200, ""), (200, ""), (403, "")]),
    ("sslcommerz", [(200, ""), (200, ""), (400, "")]),
    ("tbank", [(200, "OK"), (200, "OK"), (400, "")]),
    (
        "vnpay",
        [
            (200, "{\"RspCode\":\"00\",\"Message\":\"Confirm Success\"}"),
            (200, "{\"RspCode\":\"02\",\"Message\":\"Order already confirmed\"}"),
            (200, "{\"RspCode\":\"97\",\"Message\":\"Fail checksum\"}"),
        ],
    ),
    ("wechatpay", [(200, ""), (200, ""), (401, "{\"code\":\"FAIL\",\"message\":\"invalid signature\"}")]),
    ("wise", [(200, ""), (200, ""), (400, "")]),
    ("worldpay", [(200, ""), (200, ""), (400, "")]),
    ("yoco", [(200, ""), (200, ""), (403, "")]),
    ("yookassa", [(200, ""), (200, ""), (403, "")]),
    (
        "zalopay",
        [
            (200, "{\"return_code\":1,\"return_message\":\"success\"}"),
            (200, "{\"return_code\":2,\"return_message\":\"duplicate\"}"),
            (200, "{\"return_code\":-1,\"return_message\":\"mac not equal\"}"),
        ],
    ),
];

/// All kinds at once, each a gateway of its own name.
struct Stage {
    service: Service,
    http: SocketAddr,
    gateways: Gateways,
    currencies: BTreeMap<&'static str, String>,
}

impl Stage {
    async fn start(database: &Database) -> Self {
        let roles = || built_in().map(|kind| Role::of(kind, kind));
        let gateways =
            || Gateways::build(roles().map(|role| role.settings).collect()).expect("sound gateways");
        let service = Service::start_over(&database.url, Knobs::default(), gateways()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let http = listener.local_addr().expect("an address");
        let settings = AdapterSettings {
            trusted_proxies: vec!["127.0.0.1/32".parse().expect("a network")],
            ..AdapterSettings::new(Clock::fixed(NOW), service.metrics.clone())
        };
        let router = adapter::router(service.client.clone(), settings);
        tokio::spawn(serve_http(listener, router, Limits::default(), service.shutdown.clone()));
        let currencies = built_in().zip(roles().map(|role| role.currency)).collect();
        Self { service, http, gateways: gateways(), currencies }
    }

    fn callbacks(&self, kind: &str, scenario: Scenario) -> Vec<Callback> {
        let currency = Currency::parse(&self.currencies[kind]).expect("a code");
        let amount = Money::new(1000, currency).expect("an amount");
        let (id, reference) = (format!("PAY-{kind}"), format!("order-{kind}"));
        let payment = Payment { payment_id: &id, merchant_reference: &reference, amount, seed: 7 };
        let gateway = self.gateways.get(kind).expect("the kind's gateway");
        gateway.simulate(scenario, &payment, NOW).expect(kind)
    }

    async fn register(&self, kind: &str) {
        let expected = proto::Money { currency_code: self.currencies[kind].clone(), minor_units: 1000 };
        let request = RegisterTransactionRequest {
            transaction_id: format!("order-{kind}"),
            gateway: kind.to_owned(),
            // Not every kind's callbacks bring the order's own name back.
            gateway_payment_id: format!("PAY-{kind}"),
            expected: Some(expected),
            ..Default::default()
        };
        self.service.client.clone().register_transaction(request).await.expect(kind);
    }

    /// By way of a proxy that says who calls, as gateways that are known by their address need.
    async fn deliver(&self, callback: &Callback) -> (u16, String) {
        let mut callback = callback.clone();
        callback.headers.push(("X-Forwarded-For".to_owned(), callback.remote_address.clone().into_bytes()));
        answer_to(self.http, &callback).await.expect("an answer")
    }

    async fn ending(&self, kind: &str) -> String {
        let found = transaction(&mut self.service.client.clone(), &format!("order-{kind}")).await;
        let word = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_owned();
        let mut ending = word(found.status().as_str_name(), "TRANSACTION_STATUS_");
        ending.push_str(" none");
        for hold in found.holds() {
            ending.push_str(&format!(" {}", word(Hold::as_str_name(&hold), "HOLD_")));
        }
        ending
    }
}

on_both_stores! {
    async fn every_gateway_hears_what_it_wants_to_hear_and_its_payment_ends_as_it_should(database: Database) {
        let stage = Stage::start(&database).await;
        let mut wrong = Vec::new();
        for kind in built_in() {
            stage.register(kind).await;
            let mut heard = Vec::new();
            for scenario in [Scenario::Success, Scenario::Success, Scenario::Forged] {
                let mut answer = (0, String::new());
                for callback in stage.callbacks(kind, scenario) {
                    answer = stage.deliver(&callback).await;
                }
                heard.push(answer);
            }
            let expected = ANSWERS.iter().find(|(own, _)| *own == kind).map_or([(200, ""), (200, ""), (401, "")], |(_, all)| *all);
            let heard: Vec<(u16, &str)> = heard.iter().map(|(status, body)| (*status, body.as_str())).collect();
            if heard != expected {
                wrong.push(format!("(\"{kind}\", {heard:?}),"));
            }
            let (found, expected) = (stage.ending(kind).await, cast::ending(kind, Scenario::Success));
            if found != expected {
                wrong.push(format!("{kind}: {found}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
