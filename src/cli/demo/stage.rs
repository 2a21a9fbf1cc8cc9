//! What the story is told with: an order service, gateways, and somebody who watches.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use tonic::{Status, Streaming, transport::Channel};

use super::{Addresses, breathe};
use crate::{
    cli::{
        Failure,
        output::line,
        sender,
        table::{Colour, Table},
    },
    clock::Clock,
    domain::{Callback, Currency, Money},
    gateways::{
        Gateways,
        simulate::{Payment, Scenario},
    },
    proto::{
        self, GetTransactionRequest, RegisterTransactionRequest, TransactionUpdate, WatchStart,
        WatchTransactionsRequest, WatchTransactionsResponse, get_transaction_request::Key,
        payment_status_client::PaymentStatusClient, watch_transactions_response::Event,
    },
};

/// Far longer than anything on this machine takes.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Stage {
    table: Table,
    gateways: Gateways,
    webhooks: String,
    client: PaymentStatusClient<Channel>,
    updates: Streaming<WatchTransactionsResponse>,
    clock: Clock,
    /// The last version of each transaction that was shown.
    shown: BTreeMap<String, u64>,
}

/// An order and the payment that belongs to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) id: &'static str,
    /// The configured gateway that it is paid at.
    pub(super) gateway: &'static str,
    pub(super) payment_id: &'static str,
    pub(super) minor_units: i64,
    pub(super) currency: &'static str,
}

impl Stage {
    pub(super) async fn open(
        gateways: Gateways,
        addresses: &Addresses,
        table: Table,
    ) -> Result<Self, Failure> {
        let connecting = PaymentStatusClient::connect(addresses.grpc.clone()).await;
        let mut client = connecting.map_err(|error| Failure::because(&addresses.grpc, &error))?;
        let from_the_start = WatchTransactionsRequest {
            start: WatchStart::Earliest.into(),
            ..WatchTransactionsRequest::default()
        };
        let updates =
            client.watch_transactions(from_the_start).await.map_err(|status| failed(&status))?.into_inner();
        let webhooks = format!("{}/webhooks", addresses.http);
        Ok(Self {
            table,
            gateways,
            webhooks,
            client,
            updates,
            clock: Clock::system(),
            shown: BTreeMap::new(),
        })
    }

    /// One sentence for whoever looks.
    pub(super) async fn say(&self, sentence: &str) -> Result<(), Failure> {
        breathe().await;
        line(format_args!("\n{}", self.table.paint(Colour::Bold, sentence)))
    }

    pub(super) fn header(&self) -> Result<(), Failure> {
        line(self.table.header())
    }

    /// What the order service does before the customer pays.
    pub(super) async fn register(&mut self, order: &Order) -> Result<(), Failure> {
        let Order { id, gateway, payment_id: _, minor_units, currency } = *order;
        let request = RegisterTransactionRequest {
            transaction_id: id.to_owned(),
            order_id: id.to_owned(),
            gateway: gateway.to_owned(),
            expected: Some(proto::Money { currency_code: currency.to_owned(), minor_units }),
            ..RegisterTransactionRequest::default()
        };
        self.client.register_transaction(request).await.map_err(|status| failed(&status))?;
        self.show_until_now(id).await
    }

    /// The callbacks of a scenario, signed as the order's gateway signs them.
    pub(super) fn callbacks(&self, order: &Order, scenario: Scenario) -> Result<Vec<Callback>, Failure> {
        let wrong = |error: &dyn std::error::Error| Failure::because(order.id, error);
        let gateway = self
            .gateways
            .get(order.gateway)
            .ok_or_else(|| Failure(format!("no gateway {}", order.gateway)))?;
        let currency = Currency::parse(order.currency).map_err(|error| wrong(&error))?;
        let payment = Payment {
            payment_id: order.payment_id,
            merchant_reference: order.id,
            amount: Money::new(order.minor_units, currency).map_err(|error| wrong(&error))?,
            seed: order.id.bytes().fold(7, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte)),
        };
        gateway.simulate(scenario, &payment, self.clock.now()).map_err(|error| wrong(&error))
    }

    /// Sends one callback over a real connection, shows the answer and then what came of it.
    pub(super) async fn deliver(&mut self, order: &Order, callback: &Callback) -> Result<(), Failure> {
        let url = format!("{}/{}", self.webhooks, order.gateway);
        let answer = sender::send(&url, callback).await?;
        let colour = if answer.status == 200 { Colour::Dim } else { Colour::Red };
        let told = format!("          POST /webhooks/{} → {} {}", order.gateway, answer.status, answer.body);
        line(self.table.paint(colour, told.trim_end()))?;
        self.show_until_now(order.id).await
    }

    /// Sends all callbacks of a scenario, in its order.
    pub(super) async fn play(&mut self, order: &Order, scenario: Scenario) -> Result<(), Failure> {
        for callback in self.callbacks(order, scenario)? {
            self.deliver(order, &callback).await?;
        }
        Ok(())
    }

    /// Shows what the stream brings, until it has brought the transaction's current version.
    async fn show_until_now(&mut self, transaction_id: &str) -> Result<(), Failure> {
        let Some(version) = self.version_of(transaction_id).await? else { return Ok(()) };
        let is_shown = |stage: &Self| stage.shown.get(transaction_id).is_some_and(|shown| *shown >= version);
        while !is_shown(self) {
            let next = timeout(PATIENCE, self.updates.next()).await;
            let late = || Failure(format!("the update {transaction_id}/{version} did not come"));
            let response = next.map_err(|_| late())?.ok_or_else(late)?.map_err(|status| failed(&status))?;
            if let Some(Event::Updates(batch)) = response.event {
                batch.updates.iter().try_for_each(|update| self.show(update))?;
            }
        }
        Ok(())
    }

    fn show(&mut self, update: &TransactionUpdate) -> Result<(), Failure> {
        if let Some(transaction) = &update.transaction {
            self.shown.insert(transaction.transaction_id.clone(), transaction.version);
        }
        line(self.table.row(update))
    }

    async fn version_of(&mut self, transaction_id: &str) -> Result<Option<u64>, Failure> {
        let key = Some(Key::TransactionId(transaction_id.to_owned()));
        let request = GetTransactionRequest { key, ..GetTransactionRequest::default() };
        match self.client.get_transaction(request).await {
            Ok(response) => Ok(response.into_inner().transaction.map(|transaction| transaction.version)),
            Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
            Err(status) => Err(failed(&status)),
        }
    }
}

fn failed(status: &Status) -> Failure {
    Failure(format!("the service said {:?}: {}", status.code(), status.message()))
}
