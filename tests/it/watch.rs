//! Watching: every committed change, in commit order, across cuts, restarts and replicas.

use std::{collections::BTreeSet, time::Duration};

use payment_status::proto::{
    TransactionFilter, TransactionStatus, TransactionUpdate, WatchStart, WatchTransactionsRequest,
    watch_transactions_response::Event,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{
    eventually,
    service::{Knobs, Service, Watcher, registration},
};
use crate::store::execute;

fn from(start: WatchStart) -> WatchTransactionsRequest {
    WatchTransactionsRequest { start: start.into(), ..Default::default() }
}

fn after(cursor: &str) -> WatchTransactionsRequest {
    WatchTransactionsRequest { after_cursor: cursor.to_owned(), ..Default::default() }
}

fn only_paid() -> Option<TransactionFilter> {
    Some(TransactionFilter { statuses: vec![TransactionStatus::Paid.into()], ..Default::default() })
}

#[track_caller]
fn is(status: &Status, code: Code, reason: &str) {
    let told = status.get_error_details().error_info().map(|info| info.reason.clone());
    assert_eq!((status.code(), told.as_deref()), (code, Some(reason)), "{status:?}");
}

/// What was heard: update ids, and the other events by name.
fn name(event: &Event) -> String {
    match event {
        Event::Updates(batch) => {
            batch.updates.iter().map(|u| u.update_id.clone()).collect::<Vec<_>>().join(" ")
        }
        Event::Snapshot(batch) => {
            let ids = batch.transactions.iter().map(|t| format!("{}@{}", t.transaction_id, t.version));
            ids.collect::<Vec<_>>().join(" ")
        }
        Event::SnapshotEnd(_) => "snapshot end".to_owned(),
        Event::CaughtUp(_) => "caught up".to_owned(),
        Event::Progress(_) => "progress".to_owned(),
    }
}

/// Reads so many messages: what each said, and its cursor.
async fn hear(watcher: &mut Watcher, count: usize) -> Vec<(String, String)> {
    let mut heard = Vec::new();
    for _ in 0..count {
        let message = watcher.next().await.unwrap().expect("the stream goes on");
        heard.push((name(&message.event.unwrap()), message.cursor));
    }
    heard
}

async fn expect(watcher: &mut Watcher, expected: &[&str]) -> Vec<String> {
    let (heard, cursors): (Vec<_>, Vec<_>) = hear(watcher, expected.len()).await.into_iter().unzip();
    assert_eq!(heard, expected);
    cursors
}

/// Reads until so many updates were heard.
async fn updates(watcher: &mut Watcher, count: usize) -> Vec<TransactionUpdate> {
    let mut heard = Vec::new();
    while heard.len() < count {
        match watcher.next().await.unwrap().expect("the stream goes on").event.unwrap() {
            Event::Updates(batch) => heard.extend(batch.updates),
            Event::CaughtUp(_) | Event::Progress(_) => {}
            other => panic!("{other:?}"),
        }
    }
    heard
}

async fn end(watcher: &mut Watcher) -> Result<(), Status> {
    while watcher.next().await?.is_some() {}
    Ok(())
}

/// Open streams, as the metrics tell.
fn watchers(service: &Service) -> usize {
    let metrics = service.metrics.render().unwrap();
    let line = metrics.lines().find(|line| line.starts_with("payment_status_feed_watchers")).unwrap();
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

on_both_stores! {
    async fn from_now_on_only_what_is_new_is_heard(database: Database) {
        let service = Service::start(&database.url).await;
        service.register("old").await;
        let mut watcher = service.watch(from(WatchStart::Unspecified)).await;
        expect(&mut watcher, &["caught up"]).await;
        service.register("new").await;
        expect(&mut watcher, &["new/1"]).await;
        service.pay("new").await;
        expect(&mut watcher, &["new/2"]).await;
    }

    async fn a_stream_that_was_cut_goes_on_after_any_of_its_cursors(database: Database) {
        let service = Service::start(&database.url).await;
        for id in ["a", "b", "c"] {
            service.register(id).await;
        }
        let mut watcher = service.watch(from(WatchStart::Earliest)).await;
        let cursors = expect(&mut watcher, &["a/1 b/1 c/1", "caught up"]).await;
        assert_eq!(cursors[0], cursors[1]);
        drop(watcher);
        service.pay("b").await;

        // Another process on the same database, as after a restart.
        let service = Service::start(&database.url).await;
        let mut again = service.watch(after(&cursors[0])).await;
        expect(&mut again, &["b/2", "caught up"]).await;
        service.pay("a").await;
        expect(&mut again, &["a/2"]).await;
    }

    async fn what_another_replica_commits_is_heard_too(database: Database) {
        let here = Service::start(&database.url).await;
        let there = Service::start(&database.url).await;
        let mut watcher = here.watch(from(WatchStart::Now)).await;
        expect(&mut watcher, &["caught up"]).await;
        there.register("a").await;
        expect(&mut watcher, &["a/1"]).await;
        here.pay("a").await;
        expect(&mut watcher, &["a/2"]).await;
    }

    async fn the_cursor_of_a_write_is_a_place_to_start(database: Database) {
        let service = Service::start(&database.url).await;
        let cursor = service.register("a").await;
        service.pay("a").await;
        expect(&mut service.watch(after(&cursor)).await, &["a/2", "caught up"]).await;
    }

    async fn a_snapshot_is_followed_by_what_comes_after_it(database: Database) {
        let service = Service::start(&database.url).await;
        for id in ["c", "a", "b"] {
            service.register(id).await;
        }
        service.pay("b").await;
        let mut watcher = service.watch(from(WatchStart::Snapshot)).await;
        let cursors = expect(&mut watcher, &["a@1 b@2 c@1", "snapshot end", "caught up"]).await;
        assert_eq!(cursors[1], cursors[2]);
        service.pay("c").await;
        expect(&mut watcher, &["c/2"]).await;
    }

    async fn a_snapshot_that_was_cut_is_completed(database: Database) {
        let service = Service::start(&database.url).await;
        let names: Vec<_> = (0..600).map(|number| format!("order-{number:03}")).collect();
        service.register_all(names).await;
        let mut watcher = service.watch(from(WatchStart::Snapshot)).await;
        let (first, cursor) = hear(&mut watcher, 1).await.remove(0);
        assert!(first.starts_with("order-000@1 ") && first.ends_with(" order-255@1"), "{first}");
        drop(watcher);

        service.pay("order-000").await;
        let heard = hear(&mut service.watch(after(&cursor)).await, 5).await;
        let heard: Vec<_> = heard.into_iter().map(|(name, _)| name).collect();
        assert!(heard[0].starts_with("order-256@1 ") && heard[0].ends_with(" order-511@1"), "{heard:?}");
        assert!(heard[1].starts_with("order-512@1 ") && heard[1].ends_with(" order-599@1"), "{heard:?}");
        assert_eq!(heard[2..], ["snapshot end", "order-000/2", "caught up"]);
    }

    async fn a_filter_passes_what_it_names_and_progress_tells_of_the_rest(database: Database) {
        let service = Service::start(&database.url).await;
        let request = WatchTransactionsRequest {
            filter: only_paid(),
            progress_interval: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
            ..from(WatchStart::Now)
        };
        let mut watcher = service.watch(request).await;
        let start = expect(&mut watcher, &["caught up"]).await.remove(0);
        service.register("a").await;
        let mut passed = start.clone();
        while passed == start {
            passed = expect(&mut watcher, &["progress"]).await.remove(0);
        }
        service.pay("a").await;
        // A tick may come first.
        let mut heard = hear(&mut watcher, 1).await.remove(0);
        while heard.0 == "progress" {
            heard = hear(&mut watcher, 1).await.remove(0);
        }
        assert_eq!(heard.0, "a/2");
        expect(&mut service.watch(after(&passed)).await, &["a/2", "caught up"]).await;
    }

    async fn a_stream_up_to_a_cursor_ends_well(database: Database) {
        let service = Service::start(&database.url).await;
        service.register("a").await;
        let until_cursor = service.register("b").await;
        service.register("c").await;
        let until = |request| WatchTransactionsRequest { until_cursor: until_cursor.clone(), ..request };

        let mut bounded = service.watch(until(from(WatchStart::Earliest))).await;
        expect(&mut bounded, &["a/1 b/1"]).await;
        assert_eq!(bounded.next().await.unwrap(), None);
        let mut passed_already = service.watch(until(from(WatchStart::Now))).await;
        assert_eq!(passed_already.next().await.unwrap(), None);
        let filtered = WatchTransactionsRequest { filter: only_paid(), ..until(from(WatchStart::Earliest)) };
        assert_eq!(service.watch(filtered).await.next().await.unwrap(), None);
        let mut snapshot = service.watch(until(from(WatchStart::Snapshot))).await;
        expect(&mut snapshot, &["a@1 b@1 c@1", "snapshot end"]).await;
        assert_eq!(snapshot.next().await.unwrap(), None);
    }

    async fn a_cursor_of_another_history_is_refused(database: Database) {
        let service = Service::start(&database.url).await;
        let elsewhere = crate::harness::sqlite();
        let foreign = Service::start(&elsewhere.url).await.register("a").await;
        let cursor = service.register("a").await;
        let watch = async |request| service.client.clone().watch_transactions(request).await.unwrap_err();
        let diverged = (Code::FailedPrecondition, "CURSOR_DIVERGED");
        is(&watch(after(&foreign)).await, diverged.0, diverged.1);
        let until = WatchTransactionsRequest { until_cursor: foreign, ..from(WatchStart::Now) };
        is(&watch(until).await, diverged.0, diverged.1);
        is(&watch(after("nonsense")).await, Code::InvalidArgument, "FIELD_INVALID");

        // A failover to a standby that was behind: the position is given again, to another change.
        let mut live = service.watch(after(&cursor)).await;
        expect(&mut live, &["caught up"]).await;
        execute(&database, "UPDATE updates SET version = 7").await;
        is(&watch(after(&cursor)).await, diverged.0, diverged.1);
        is(&end(&mut live).await.unwrap_err(), diverged.0, diverged.1);
    }

    async fn a_cursor_older_than_what_is_kept_is_told_to_take_a_snapshot(database: Database) {
        let service = Service::start(&database.url).await;
        let old = service.register("a").await;
        let last = service.register("b").await;
        let newest = service.register("c").await;
        execute(&database, "DELETE FROM updates WHERE position <= 2").await;
        execute(&database, "UPDATE feed_head SET floor = 2").await;
        let expired = service.client.clone().watch_transactions(after(&old)).await.unwrap_err();
        is(&expired, Code::OutOfRange, "CURSOR_EXPIRED");
        expect(&mut service.watch(after(&last)).await, &["c/1", "caught up"]).await;
        expect(&mut service.watch(after(&newest)).await, &["caught up"]).await;
        expect(&mut service.watch(from(WatchStart::Earliest)).await, &["c/1", "caught up"]).await;
    }

    async fn many_watchers_hear_the_same_while_many_write(database: Database) {
        const WATCHERS: usize = 20;
        const WRITERS: usize = 8;
        const EACH: usize = 50;
        let here = Service::start(&database.url).await;
        let there = Service::start(&database.url).await;
        let mut watching = tokio::task::JoinSet::new();
        for index in 0..WATCHERS {
            let mut watcher = [&here, &there][index % 2].watch(from(WatchStart::Earliest)).await;
            watching.spawn(async move { updates(&mut watcher, WRITERS * EACH * 2).await });
        }
        let mut writing = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let service = [&here, &there][writer % 2].clone();
            writing.spawn(async move {
                for number in 0..EACH {
                    let id = format!("{writer}-{number}");
                    service.register(&id).await;
                    service.pay(&id).await;
                }
            });
        }
        writing.join_all().await;
        let heard = watching.join_all().await;
        let order: Vec<_> = heard[0].iter().map(|update| update.update_id.as_str()).collect();
        for other in &heard {
            assert_eq!(other.iter().map(|update| update.update_id.as_str()).collect::<Vec<_>>(), order);
        }
        let kept = here.store.updates_after(0, 10_000).await.unwrap();
        assert_eq!(kept.len(), order.len());
        let listed = kept.iter().map(|u| format!("{}/{}", u.transaction.registration.transaction_id, u.transaction.version));
        assert!(listed.eq(order.iter().copied()), "in commit order, without a gap");
    }

    async fn a_reader_that_reads_nothing_is_let_go_and_misses_nothing(database: Database) {
        let knobs = Knobs { reader_patience: Duration::from_millis(300), ..Knobs::default() };
        let impatient = Service::start_with(&database.url, knobs).await;
        let service = Service::start(&database.url).await;
        let mut sleeper = impatient.watch(from(WatchStart::Now)).await;
        let mut awake = service.watch(from(WatchStart::Now)).await;
        let mut registering = tokio::task::JoinSet::new();
        for number in 0..400 {
            let mut large = registration(&format!("order-{number}"));
            large.labels = (0..32).map(|label| (label.to_string(), "x".repeat(255))).collect();
            let mut client = service.client.clone();
            registering.spawn(async move { client.register_transaction(large).await.unwrap() });
        }
        registering.join_all().await;
        assert_eq!(updates(&mut awake, 400).await.len(), 400, "nobody waits for the one that sleeps");
        eventually("the sleeper is let go", async || watchers(&impatient) == 0).await;

        let (mut heard, mut cursor) = (Vec::new(), String::new());
        let slow = loop {
            match sleeper.next().await {
                Ok(message) => {
                    let message = message.expect("not an end with OK");
                    cursor = message.cursor;
                    if let Some(Event::Updates(batch)) = message.event {
                        heard.extend(batch.updates);
                    }
                }
                Err(status) => break status,
            }
        };
        is(&slow, Code::ResourceExhausted, "SLOW_CONSUMER");
        assert!(heard.len() < 400, "{}", heard.len());
        heard.extend(updates(&mut service.watch(after(&cursor)).await, 400 - heard.len()).await);
        let distinct: BTreeSet<_> = heard.iter().map(|update| &update.update_id).collect();
        assert_eq!(distinct.len(), 400);
    }
}

#[tokio::test]
async fn a_follower_that_falls_out_of_the_ring_goes_on_where_it_was() {
    let database = crate::harness::sqlite();
    let service = Service::start(&database.url).await;
    let mut follower = service.feed.follow(service.feed.now().await.unwrap());
    assert!(follower.next().await.unwrap().updates().is_empty());
    assert!(follower.at_head());
    // More commits than the ring holds pages.
    for number in 0..100 {
        service.register(&number.to_string()).await;
    }
    let mut positions = Vec::new();
    while positions.len() < 100 {
        positions.extend(follower.next().await.unwrap().updates().iter().map(|update| update.position));
    }
    assert_eq!(positions, (1..=100).collect::<Vec<_>>());
    assert_eq!(follower.cursor(), &service.feed.now().await.unwrap());
}

#[tokio::test]
async fn a_shutdown_ends_streams_and_says_so() {
    let database = crate::harness::sqlite();
    let service = Service::start(&database.url).await;
    let mut watcher = service.watch(from(WatchStart::Now)).await;
    expect(&mut watcher, &["caught up"]).await;
    service.shutdown.cancel();
    let status = end(&mut watcher).await.unwrap_err();
    is(&status, Code::Unavailable, "SHUTTING_DOWN");
    assert!(status.get_error_details().retry_info().is_some());
}

#[tokio::test]
async fn a_client_that_leaves_is_not_watched_for() {
    let database = crate::harness::sqlite();
    let service = Service::start(&database.url).await;
    let mut watcher = service.watch(from(WatchStart::Now)).await;
    expect(&mut watcher, &["caught up"]).await;
    drop(watcher);
    eventually("no stream is open", async || watchers(&service) == 0).await;
}
