//! Two replicas at once end where one alone would, and a registration and a callback never miss each other.

use std::{collections::BTreeMap, future::Future};

use payment_status::{
    domain::{Phase, State, Update},
    store::{Evidence, Reading, Store},
};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use tokio::task::JoinSet;

use super::{Ledger, callback, count, delivery, fact, feed_order, open, open_another, paid, registration};
use crate::harness::{Database, eventually, postgres, sqlite};

const PAYMENTS: u64 = 500;
const CALLBACKS: u64 = 10_000;

/// The life of one payment, as numbered deliveries. Each number says the same thing whenever it comes.
fn story(number: u64) -> Evidence {
    let (payment, step) = (number % PAYMENTS, number / PAYMENTS);
    let (id, reference) = (format!("p{payment}"), format!("t{payment}"));
    let operation = format!("{id}-{step}");
    let fact = match step % 7 {
        0 => fact(Phase::Processing, &id, None, &id, &reference),
        1 => fact(Phase::Authorized, &id, Some(1000), &id, &reference),
        2 => fact(Phase::Captured, &operation, Some(300), &id, ""),
        3 => fact(Phase::Captured, &operation, Some(700), &id, &reference),
        4 => fact(Phase::Refunded, &operation, Some(50), &id, ""),
        5 => fact(Phase::DisputeOpened, &operation, Some(10), &id, ""),
        _ => fact(Phase::DisputeWon, &operation, None, &id, ""),
    };
    delivery(number, Reading::Facts(vec![fact]))
}

/// All deliveries, three in ten of them twice, in an order that a seed decides.
fn shuffled(seed: u64) -> Vec<u64> {
    let mut numbers: Vec<u64> = (0..CALLBACKS * 7 / 10).chain(0..CALLBACKS * 3 / 10).collect();
    let mut state = seed;
    for last in (1..numbers.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        numbers.swap(last, usize::try_from(state >> 33).unwrap() % (last + 1));
    }
    numbers
}

async fn states(store: &Store) -> BTreeMap<String, State> {
    let all = store.list_transactions(&payment_status::store::Filter::default(), None, 10_000).await.unwrap();
    all.into_iter().map(|found| (found.registration.transaction_id.to_string(), found.state)).collect()
}

/// Registers half of the payments before, the other half while callbacks arrive.
async fn register_from(ledger: &Ledger, payments: impl Iterator<Item = u64>) {
    for payment in payments {
        ledger.register(&format!("t{payment}")).await;
    }
}

async fn run_concurrently(one: &Ledger, two: &Ledger) {
    register_from(one, 0..PAYMENTS / 2).await;
    let mut tasks = JoinSet::new();
    for (index, chunk) in shuffled(42).chunks(17).enumerate() {
        let writer = if index % 2 == 0 { one.writer.clone() } else { two.writer.clone() };
        let batch: Vec<Evidence> = chunk.iter().map(|number| story(*number)).collect();
        tasks.spawn(async move {
            for result in writer.record(batch).await {
                result.expect("recorded");
            }
        });
        if index % 2 == 0 {
            let payment = PAYMENTS / 2 + u64::try_from(index / 2).unwrap();
            let writer = two.writer.clone();
            if payment < PAYMENTS {
                tasks.spawn(async move {
                    writer.register(registration(&format!("t{payment}")), None).await.expect("registered");
                });
            }
        }
    }
    tasks.join_all().await;
}

/// Follows the feed as a subscriber does, from the start until `done`.
async fn follow(store: Store, done: tokio_util::sync::CancellationToken) -> Vec<Update> {
    let mut seen: Vec<Update> = Vec::new();
    loop {
        let finishing = done.is_cancelled();
        let after = seen.last().map_or(0, |update| update.position);
        let page = store.updates_after(after, 500).await.unwrap();
        if page.is_empty() && finishing {
            return seen;
        }
        seen.extend(page);
        tokio::task::yield_now().await;
    }
}

async fn check_two_replicas(database: Database, reference: Database) {
    let alone = open(&reference).await;
    register_from(&alone, 0..PAYMENTS).await;
    for chunk in (0..CALLBACKS * 7 / 10).collect::<Vec<_>>().chunks(100) {
        alone.record_all(chunk.iter().map(|number| story(*number)).collect()).await;
    }

    let (one, two) = (open(&database).await, open_another(&database).await);
    let done = tokio_util::sync::CancellationToken::new();
    let follower = tokio::spawn(follow(two.store.clone(), done.clone()));
    run_concurrently(&one, &two).await;
    done.cancel();

    assert_eq!(states(&one.store).await, states(&alone.store).await);
    assert_eq!(count(&database, "callbacks").await, i64::try_from(CALLBACKS * 7 / 10).unwrap());
    assert_eq!(count(&database, "facts WHERE transaction_id IS NULL").await, 0);
    let feed = feed_order::read_feed(&one).await;
    assert_eq!(follower.await.unwrap(), feed, "who followed live saw the very same feed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_on_postgres_end_where_one_alone_would() {
    if let (Some(database), Some(reference)) = (postgres(), postgres()) {
        check_two_replicas(database, reference).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_sqlite_file_end_where_one_alone_would() {
    check_two_replicas(sqlite(), sqlite()).await;
}

/// Holds every commit that takes the feed's head until the two writes stand in each other's way.
async fn interleave<A, B>(
    database: &Database,
    first: impl Future<Output = A> + Send + 'static,
    second: impl Future<Output = B> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    let gate = sea_orm::Database::connect(&database.url).await.unwrap();
    let held = gate.begin().await.unwrap();
    held.execute_unprepared("SELECT position FROM feed_head FOR UPDATE").await.unwrap();
    let waiting = "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let first = tokio::spawn(first);
    eventually("the first write waits for the head", async || count(database, waiting).await == 1).await;
    let second = tokio::spawn(second);
    eventually("the second write waits too", async || count(database, waiting).await == 2).await;
    held.commit().await.unwrap();
    gate.close().await.unwrap();
    (first.await.unwrap(), second.await.unwrap())
}

/// The orphan comes with a callback that changes something, so that its batch takes the head of the feed.
fn orphan_with_company() -> Vec<Evidence> {
    vec![callback(vec![paid("known", "t0")]), callback(vec![paid("p1", "t1")])]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_parks_while_its_transaction_is_registered_is_not_stranded() {
    let Some(database) = postgres() else { return };
    let (one, two) = (open(&database).await, open_another(&database).await);
    one.register("t0").await;
    let parking = async move { one.record_all(orphan_with_company()).await };
    let registering = async move { two.register("t1").await };
    let (_, transaction) = interleave(&database, parking, registering).await;
    assert_eq!(transaction.state.status.word(), "PAID");
    assert_eq!(count(&database, "facts WHERE transaction_id IS NULL").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_that_commits_while_its_callback_looks_is_not_missed() {
    let Some(database) = postgres() else { return };
    let (one, two) = (open(&database).await, open_another(&database).await);
    let registering = async move { one.register("t1").await };
    let recording = async move { two.record(callback(vec![paid("p1", "t1")])).await };
    interleave(&database, registering, recording).await;
    assert_eq!(open_another(&database).await.show("t1").await, "PAID");
    assert_eq!(count(&database, "facts WHERE transaction_id IS NULL").await, 0);
}
