//! An order service and a gateway in one: registers payments over gRPC, calls back over HTTP, signed as Stripe signs.

use std::net::SocketAddr;

use payment_status::{
    clock::Clock,
    domain::{Callback, Currency, Money},
    gateways::{
        GatewaySettings, Gateways, KindSource, Mode, Secret, Unregistered,
        simulate::{Payment, Scenario},
    },
    proto::{
        GetTransactionRequest, Money as WireMoney, RegisterTransactionRequest, Transaction,
        get_transaction_request::Key, payment_status_client::PaymentStatusClient,
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::transport::Channel;

use super::Database;

/// The gateway's secret, as the environment that `Shop::config` names.
pub const SECRET: (&str, &str) = ("STRIPE_SECRET", "whsec_dGhpcyBpcyBhIHNlY3JldCBmb3IgdGVzdHM");

/// What every order costs.
pub const PRICE: i64 = 4_200;

#[derive(Debug)]
pub struct Shop {
    gateways: Gateways,
}

impl Shop {
    pub fn open() -> Self {
        let secret = Secret {
            id: "test".to_owned(),
            value: SECRET.1.to_owned(),
            key_id: None,
            not_before: None,
            not_after: None,
        };
        let settings = GatewaySettings {
            id: "stripe-eu".parse().unwrap(),
            kind: KindSource::BuiltIn("stripe".to_owned()),
            mode: Mode::Live,
            account: None,
            unregistered: Unregistered::Park,
            secrets: vec![secret],
            settings: toml::Table::new(),
        };
        Self { gateways: Gateways::build(vec![settings]).unwrap() }
    }

    /// A configuration with this shop's gateway, on this database.
    pub fn config(database: &Database) -> String {
        format!(
            "[database]\nurl = \"{}\"\n[gateways.stripe-eu]\nkind = \"stripe\"\nsecrets = [{{ env = \"STRIPE_SECRET\" }}]",
            database.url
        )
    }

    /// The signed callbacks of a scenario about this order.
    pub fn callbacks(&self, order: &str, scenario: Scenario) -> Vec<Callback> {
        let payment_id = format!("pi_{order}");
        let amount = Money::new(PRICE, Currency::parse("EUR").unwrap()).unwrap();
        let seed = order.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let payment =
            Payment { payment_id: &payment_id, merchant_reference: order, amount, seed: seed % (1 << 40) };
        let gateway = self.gateways.get("stripe-eu").unwrap();
        gateway.simulate(scenario, &payment, Clock::system().now()).unwrap()
    }
}

pub async fn register(client: &mut PaymentStatusClient<Channel>, order: &str) -> Transaction {
    let request = RegisterTransactionRequest {
        transaction_id: order.to_owned(),
        gateway: "stripe-eu".to_owned(),
        expected: Some(WireMoney { currency_code: "EUR".to_owned(), minor_units: PRICE }),
        ..RegisterTransactionRequest::default()
    };
    client.register_transaction(request).await.unwrap().into_inner().transaction.unwrap()
}

pub async fn transaction(client: &mut PaymentStatusClient<Channel>, order: &str) -> Transaction {
    let key = Some(Key::TransactionId(order.to_owned()));
    let request = GetTransactionRequest { key, ..GetTransactionRequest::default() };
    client.get_transaction(request).await.unwrap().into_inner().transaction.unwrap()
}

/// The status that the gateway hears; `None` where the connection broke before it did.
pub async fn deliver(http: SocketAddr, callback: &Callback) -> Option<u16> {
    answer_to(http, callback).await.map(|(status, _)| status)
}

/// Status and body.
pub async fn answer_to(http: SocketAddr, callback: &Callback) -> Option<(u16, String)> {
    let separator = if callback.query.is_empty() { "" } else { "?" };
    let Callback { method, path, query, .. } = callback;
    let mut head = format!("{method} {path}{separator}{query} HTTP/1.1\r\n");
    for (name, value) in &callback.headers {
        head.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value)));
    }
    exchange(http, &head, &callback.body).await
}

/// Status and body of what is at this path.
pub async fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    exchange(address, &format!("GET {path} HTTP/1.1\r\n"), &[]).await
}

async fn exchange(address: SocketAddr, head: &str, body: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let framing = format!("Host: test\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(framing.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
    Some((status, body.to_owned()))
}
