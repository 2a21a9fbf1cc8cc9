//! Callbacks that prove nothing of what they say: kept, acknowledged, held, and asked about.

use payment_status::{
    domain::Confirm,
    gateways::{GatewaySettings, Gateways, KindSource, Mode, Unregistered},
    proto::{
        CallbackOutcome, Header, Hold, ProcessCallbackRequest, RegisterTransactionRequest, TransactionStatus,
    },
};
use time::Duration;

use crate::harness::{
    service::{Knobs, NOW, Service, registration},
    shop::transaction,
};

/// A gateway that signs nothing: Mollie's classic webhook says only the id of a payment.
fn unsigned() -> Gateways {
    Gateways::build(vec![GatewaySettings {
        id: "shop".parse().expect("an id"),
        kind: KindSource::BuiltIn("mollie".to_owned()),
        mode: Mode::Live,
        account: None,
        unregistered: Unregistered::Park,
        secrets: Vec::new(),
        settings: toml::Table::new(),
    }])
    .expect("a kind that works without a secret")
}

fn hint(payment: &str) -> ProcessCallbackRequest {
    ProcessCallbackRequest {
        gateway: "shop".to_owned(),
        method: "POST".to_owned(),
        path: "/webhooks/shop".to_owned(),
        headers: vec![Header {
            name: "Content-Type".to_owned(),
            value: b"application/x-www-form-urlencoded".to_vec(),
        }],
        body: format!("id={payment}").into_bytes(),
        remote_address: "192.0.2.7".to_owned(),
        ..Default::default()
    }
}

async fn due(service: &Service) -> Vec<(Confirm, u64)> {
    let due = service.store.due_queries(NOW + Duration::seconds(1), 10).await.expect("readable");
    due.into_iter().map(|query| (query.subject, query.asks)).collect()
}

on_both_stores! {
    async fn a_hint_pays_nothing_and_makes_the_gateway_be_asked_each_time(database: Database) {
        let service = Service::start_over(&database.url, Knobs::default(), unsigned()).await;
        let mut client = service.client.clone();
        let named = RegisterTransactionRequest { gateway_payment_id: "tr_1".to_owned(), ..registration("order-1") };
        client.register_transaction(named).await.unwrap();

        let first = client.process_callback(hint("tr_1")).await.unwrap().into_inner();
        assert_eq!(first.outcome(), CallbackOutcome::Held);
        assert_eq!(first.reply.unwrap().status, 200);
        let found = transaction(&mut client, "order-1").await;
        assert_eq!((found.status(), found.actionable), (TransactionStatus::Created, false));
        assert_eq!(found.holds().collect::<Vec<_>>(), [Hold::ConfirmationRequired]);
        let payment = Confirm::Payment("tr_1".parse().unwrap());
        assert_eq!(due(&service).await, [(payment.clone(), 1)]);

        // The same bytes again may tell of another change, so they are asked about again and change nothing else.
        let again = client.process_callback(hint("tr_1")).await.unwrap().into_inner();
        assert_eq!(again.outcome(), CallbackOutcome::Duplicate);
        assert_eq!(due(&service).await, [(payment, 2)]);
        assert_eq!(transaction(&mut client, "order-1").await.version, found.version);
    }

    async fn a_hint_about_a_payment_that_nobody_knows_is_parked_and_asked_about(database: Database) {
        let service = Service::start_over(&database.url, Knobs::default(), unsigned()).await;
        let answer = service.client.clone().process_callback(hint("tr_9")).await.unwrap().into_inner();
        assert_eq!(answer.reply.unwrap().status, 200, "strangers learn nothing of which ids exist");
        assert_eq!(due(&service).await, [(Confirm::Payment("tr_9".parse().unwrap()), 1)]);
    }
}
