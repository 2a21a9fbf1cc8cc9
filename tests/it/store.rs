//! The store on both databases: the same suite, stamped twice.

mod concurrency;
mod correlation;
mod due_queries;
mod evidence;
mod feed_order;
mod schema;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use payment_status::{
    domain::{
        CallbackId, Correlation, Currency, Details, Fact, FactKey, Money, Phase, Registration, Tally,
        Transaction, TransactionId,
    },
    store::{
        Batch, BatcherSettings, Evidence, Outcome, Reading, Recorded, Store, StoreSettings, Unregistered,
        Writer,
    },
};
use sea_orm::{ConnectionTrait as _, Statement};
use time::{OffsetDateTime, macros::datetime};

use crate::harness::Database;

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

/// A store and its writer, as one process has them.
pub struct Ledger {
    pub store: Store,
    pub writer: Writer,
}

pub async fn open(database: &Database) -> Ledger {
    Store::migrate(&settings(database)).await.expect("the schema comes up");
    open_another(database).await
}

/// What a further replica does.
pub async fn open_another(database: &Database) -> Ledger {
    open_observed(database, |_| {}).await
}

/// One that tells of each of its batches.
pub async fn open_observed(database: &Database, observe: impl Fn(&Batch) + Send + Sync + 'static) -> Ledger {
    let store = Store::connect(&settings(database)).await.expect("the database answers");
    let batcher = BatcherSettings {
        max_batch: 64,
        max_queue: 100_000,
        max_in_flight: 2,
        now: Arc::new(|| NOW),
        observe: Arc::new(observe),
    };
    Ledger { writer: Writer::start(store.clone(), batcher), store }
}

pub fn settings(database: &Database) -> StoreSettings {
    StoreSettings { url: database.url.clone(), max_connections: 6, acquire_timeout: Duration::from_secs(20) }
}

impl Ledger {
    pub async fn register(&self, id: &str) -> Transaction {
        self.writer.register(registration(id), None).await.expect("registered").0
    }

    pub async fn record(&self, evidence: Evidence) -> Recorded {
        self.record_all(vec![evidence]).await.remove(0)
    }

    pub async fn record_all(&self, evidence: Vec<Evidence>) -> Vec<Recorded> {
        let results = self.writer.record(evidence).await;
        results.into_iter().map(|result| result.expect("recorded")).collect()
    }

    pub async fn get(&self, id: &str) -> Transaction {
        self.store.transaction(&id.parse().unwrap()).await.unwrap().expect("registered")
    }

    /// Its status and holds in one line.
    pub async fn show(&self, id: &str) -> String {
        let transaction = self.get(id).await;
        let holds: Vec<_> = transaction.state.holds.iter().map(|hold| hold.word()).collect();
        [&[transaction.state.status.word()], holds.as_slice()].concat().join(" ")
    }
}

/// How many rows `from` (a table, with a condition if need be) has, asked past the store.
pub async fn count(database: &Database, from: &str) -> i64 {
    let connection = sea_orm::Database::connect(&database.url).await.unwrap();
    let sql = format!("SELECT count(*) FROM {from}");
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let count = connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    connection.close().await.unwrap();
    count
}

/// Runs one statement past the store.
pub async fn execute(database: &Database, sql: &str) {
    let connection = sea_orm::Database::connect(&database.url).await.unwrap();
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

pub fn registration(id: &str) -> Registration {
    Registration {
        transaction_id: id.parse().unwrap(),
        order_id: format!("order of {id}"),
        gateway: "shop".parse().unwrap(),
        payment: None,
        expected: Some(eur(1000)),
        labels: BTreeMap::from([("channel".to_owned(), "web".to_owned())]),
        expire_time: None,
    }
}

pub fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap()).unwrap()
}

/// A fact of the payment `payment` (may be empty) with the reference `reference` (may be empty).
pub fn fact(phase: Phase, operation: &str, amount: Option<i64>, payment: &str, reference: &str) -> Fact {
    Fact {
        key: FactKey {
            phase,
            operation: operation.parse().unwrap(),
            round: 1,
            amount: amount.map(eur),
            tally: Tally::Single,
            held: None,
        },
        correlation: Correlation {
            payment: payment.parse().ok(),
            reference: reference.parse::<TransactionId>().ok(),
        },
        details: Details { occurred_at: Some(NOW), failure: None },
    }
}

/// The whole price captured.
pub fn paid(payment: &str, reference: &str) -> Fact {
    fact(Phase::Captured, &format!("capture of {payment}{reference}"), Some(1000), payment, reference)
}

/// A callback with these facts, never seen before.
pub fn callback(facts: Vec<Fact>) -> Evidence {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    delivery(number, Reading::Facts(facts))
}

/// The callback with this number: two with the same one are two deliveries of it.
pub fn delivery(number: u64, reading: Reading) -> Evidence {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut dedupe_key = [0; 16];
    // Spread, as digests are.
    dedupe_key[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    dedupe_key[8..].copy_from_slice(&number.to_be_bytes());
    Evidence {
        callback_id: CallbackId(
            0x0190_0000_0000_7000_8000 << 48 | u128::from(NEXT.fetch_add(1, Ordering::Relaxed)),
        ),
        gateway: "shop".parse().unwrap(),
        dedupe_key,
        received_at: NOW,
        request_line: "POST /webhooks/shop".to_owned(),
        headers: "content-type: application/json".to_owned(),
        body: b"{}".to_vec(),
        key_id: "SHOP_SECRET".to_owned(),
        reading,
        confirm: Vec::new(),
        unregistered: Unregistered::Park,
        traceparent: None,
    }
}

pub fn outcomes(recorded: &[Recorded]) -> Vec<Outcome> {
    recorded.iter().map(|recorded| recorded.outcome).collect()
}
