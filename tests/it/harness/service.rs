//! The gRPC service on a real socket, over a database of its own, at a time that stands still.

use std::{sync::Arc, time::Duration};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use payment_status::{
    certificates::{CertificateCache, Outbound, Trust},
    clock::Clock,
    feed::Feed,
    gateways::{GatewaySettings, Gateways, KindSource, Mode, Secret, Unregistered},
    proto::{
        Header, Money, ProcessCallbackRequest, RegisterTransactionRequest, WatchTransactionsRequest,
        WatchTransactionsResponse, payment_status_client::PaymentStatusClient,
    },
    service::{self, Health, PaymentStatusService},
    store::{BatcherSettings, Store, StoreSettings, Writer},
    telemetry::Metrics,
};
use sha2::Sha256;
use time::{OffsetDateTime, macros::datetime};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Streaming,
    transport::{Channel, Server},
};

pub const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);
const SECRET: &str = "whsec_5f0c1e9d7a3b4468";
/// Generous, since it only ever bounds a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running service with a gateway `shop` of kind `stripe`, which parks, and one `adopting`, which adopts.
#[derive(Clone, Debug)]
pub struct Service {
    pub client: PaymentStatusClient<Channel>,
    pub channel: Channel,
    url: String,
    pub store: Store,
    pub feed: Feed,
    pub health: Health,
    pub metrics: Metrics,
    pub shutdown: CancellationToken,
}

/// What may differ from one test to another.
#[derive(Clone, Copy, Debug)]
pub struct Knobs {
    pub max_queue: usize,
    pub reader_patience: Duration,
}

impl Default for Knobs {
    fn default() -> Self {
        Self { max_queue: 4096, reader_patience: Duration::from_secs(30) }
    }
}

impl Service {
    pub async fn start(url: &str) -> Self {
        Self::start_with(url, Knobs::default()).await
    }

    pub async fn start_with(url: &str, knobs: Knobs) -> Self {
        Self::start_over(url, knobs, gateways(Vec::new())).await
    }

    /// With other gateways than `shop` and `adopting`.
    pub async fn start_over(url: &str, knobs: Knobs, gateways: Gateways) -> Self {
        Self::run(url, knobs, gateways, Outbound::new(None, Trust::new(None).unwrap())).await
    }

    /// With one gateway more, whose certificates are fetched this way.
    pub async fn start_reaching(url: &str, outbound: Outbound, gateway: GatewaySettings) -> Self {
        Self::run(url, Knobs::default(), gateways(vec![gateway]), outbound).await
    }

    async fn run(
        url: &str,
        Knobs { max_queue, reader_patience }: Knobs,
        gateways: Gateways,
        outbound: Outbound,
    ) -> Self {
        let settings = StoreSettings {
            url: url.to_owned(),
            max_connections: 8,
            acquire_timeout: Duration::from_secs(10),
        };
        Store::migrate(&settings).await.unwrap();
        let store = Store::connect(&settings).await.unwrap();
        let batcher = BatcherSettings {
            max_batch: 256,
            max_queue,
            max_in_flight: 2,
            now: Arc::new(|| NOW),
            observe: Arc::new(|_| {}),
        };
        let writer = Writer::start(store.clone(), batcher);
        let feed = Feed::start(store.clone(), writer.committed()).await.unwrap();
        let (health, metrics, shutdown) =
            (Health::default(), Metrics::new().unwrap(), CancellationToken::new());
        let service = PaymentStatusService {
            gateways: Arc::new(gateways),
            certificates: CertificateCache::new(outbound, metrics.clone()),
            store: store.clone(),
            writer,
            feed: feed.clone(),
            clock: Clock::fixed(NOW),
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
            reader_patience,
        };
        let routes = service::routes(service, &health, true).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let incoming = TcpListenerStream::new(listener);
        tokio::spawn(Server::builder().add_routes(routes).serve_with_incoming(incoming));
        let channel = Channel::from_shared(url.clone()).unwrap().connect().await.unwrap();
        let client = PaymentStatusClient::new(channel.clone());
        Self { client, channel, url, store, feed, health, metrics, shutdown }
    }

    /// Registers a payment of 10.99 EUR at the gateway `shop` and returns the cursor.
    pub async fn register(&self, transaction_id: &str) -> String {
        let request = registration(transaction_id);
        self.client.clone().register_transaction(request).await.unwrap().into_inner().cursor
    }

    /// Registers all of them, many at once.
    pub async fn register_all(&self, transaction_ids: impl IntoIterator<Item = String>) {
        let mut registering = JoinSet::new();
        for id in transaction_ids {
            let service = self.clone();
            registering.spawn(async move { service.register(&id).await });
        }
        registering.join_all().await;
    }

    /// The gateway says that the payment of this transaction succeeded.
    pub async fn pay(&self, transaction_id: &str) {
        let callback = signed("shop", &paid(transaction_id, 1099));
        self.client.clone().process_callback(callback).await.unwrap();
    }

    /// Watches on a connection of its own: all streams of one connection share its flow control.
    pub async fn watch(&self, request: WatchTransactionsRequest) -> Watcher {
        let mut client = PaymentStatusClient::connect(self.url.clone()).await.unwrap();
        Watcher(client.watch_transactions(request).await.unwrap().into_inner())
    }
}

/// A stream that fails a test rather than letting it hang.
#[derive(Debug)]
pub struct Watcher(Streaming<WatchTransactionsResponse>);

impl Watcher {
    /// The next message, `None` at an end with OK.
    pub async fn next(&mut self) -> Result<Option<WatchTransactionsResponse>, tonic::Status> {
        timeout(PATIENCE, self.0.message()).await.expect("a message in time")
    }
}

pub fn registration(transaction_id: &str) -> RegisterTransactionRequest {
    RegisterTransactionRequest {
        transaction_id: transaction_id.to_owned(),
        order_id: format!("order of {transaction_id}"),
        gateway: "shop".to_owned(),
        expected: Some(Money { currency_code: "EUR".to_owned(), minor_units: 1099 }),
        ..Default::default()
    }
}

pub fn paid(transaction_id: &str, minor_units: i64) -> String {
    let created = NOW.unix_timestamp();
    format!(
        r#"{{"id":"evt_{transaction_id}","created":{created},"livemode":true,"type":"payment_intent.succeeded",
        "data":{{"object":{{"id":"pi_{transaction_id}","object":"payment_intent","amount":{minor_units},
        "amount_received":{minor_units},"currency":"eur","metadata":{{"order_id":"{transaction_id}"}}}}}}}}"#
    )
}

/// A callback as Stripe signs it.
pub fn signed(gateway: &str, body: &str) -> ProcessCallbackRequest {
    let time = NOW.unix_timestamp();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    let proof = HEXLOWER.encode(&mac.finalize().into_bytes());
    ProcessCallbackRequest {
        gateway: gateway.to_owned(),
        method: "POST".to_owned(),
        path: format!("/webhooks/{gateway}"),
        headers: vec![Header {
            name: "Stripe-Signature".to_owned(),
            value: format!("t={time},v1={proof}").into_bytes(),
        }],
        body: body.as_bytes().to_vec(),
        remote_address: "192.0.2.7".to_owned(),
        ..Default::default()
    }
}

fn gateways(more: Vec<GatewaySettings>) -> Gateways {
    let settings = |name: &str, unregistered| GatewaySettings {
        id: name.parse().unwrap(),
        kind: KindSource::BuiltIn("stripe".to_owned()),
        mode: Mode::Live,
        account: None,
        unregistered,
        secrets: vec![Secret {
            id: "SHOP_SECRET".to_owned(),
            value: SECRET.to_owned(),
            key_id: None,
            not_before: None,
            not_after: None,
        }],
        settings: toml::Table::new(),
    };
    let all = [settings("shop", Unregistered::Park), settings("adopting", Unregistered::Adopt)];
    Gateways::build(all.into_iter().chain(more).collect()).unwrap()
}
