//! The feed: dense positions in commit order, dense versions, nothing skipped.

use std::collections::BTreeMap;

use payment_status::domain::{Cause, Mark, Phase, Status, Update};

use super::{Ledger, callback, fact, open, paid};

/// Reads the whole feed in pages and checks what is promised of it.
pub async fn read_feed(ledger: &Ledger) -> Vec<Update> {
    let mut updates: Vec<Update> = Vec::new();
    loop {
        let after = updates.last().map_or(0, |update| update.position);
        let page = ledger.store.updates_after(after, 333).await.unwrap();
        if page.is_empty() {
            break;
        }
        updates.extend(page);
    }
    check_feed(&updates);
    let head = ledger.store.head().await.unwrap();
    assert_eq!(head.mark, updates.last().map_or(Mark::default(), mark));
    updates
}

pub fn check_feed(updates: &[Update]) {
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    for (place, update) in (1..).zip(updates) {
        assert_eq!(update.position, place, "positions are dense");
        let id = update.transaction.registration.transaction_id.to_string();
        let version = versions.entry(id.clone()).or_default();
        *version += 1;
        assert_eq!(update.transaction.version, *version, "versions of {id} are dense");
    }
}

fn mark(update: &Update) -> Mark {
    Mark::of(update.position, &update.transaction.registration.transaction_id, update.transaction.version)
}

on_both_stores! {
    async fn each_change_is_one_update_with_its_cause(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        let mut first = callback(vec![fact(Phase::Authorized, "p1", Some(1000), "p1", "t1")]);
        first.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
        let second = callback(vec![paid("p1", "")]);
        let recorded = ledger.record_all(vec![first.clone(), second.clone()]).await;

        let updates = read_feed(&ledger).await;
        let told: Vec<_> = updates.iter().map(|u| (u.previous_status, u.transaction.state.status, u.cause.clone())).collect();
        assert_eq!(told, [
            (None, Status::Created, Cause::Registration),
            (Some(Status::Created), Status::Authorized, Cause::Callback(first.callback_id)),
            (Some(Status::Authorized), Status::Paid, Cause::Callback(second.callback_id)),
        ]);
        assert_eq!(updates[1].traceparent, first.traceparent);
        assert_eq!(recorded[0].mark, mark(&updates[2]));
        assert_eq!(ledger.store.mark_at(3).await.unwrap(), Some(mark(&updates[2])));
        assert_eq!(ledger.store.updates_of(&"t1".parse().unwrap(), 1, 10).await.unwrap(), updates[1..]);
    }

    async fn the_doorbell_rings_after_the_commit(database: Database) {
        let ledger = open(&database).await;
        let mut committed = ledger.writer.committed();
        ledger.register("t1").await;
        committed.wait_for(|mark| mark.position == 1).await.unwrap();
        assert_eq!(ledger.store.updates_after(0, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_rings_at_the_other_replicas() {
    let Some(database) = crate::harness::postgres() else { return };
    let (one, two) = (open(&database).await, super::open_another(&database).await);
    let mut bell = two.store.bell(two.writer.committed());
    let _speaking = one.store.bell(one.writer.committed());
    let mut registered = 0;
    crate::harness::eventually("the bell rings", async || {
        // A ring before the other listens is lost, as it may be; the next one is heard.
        registered += 1;
        one.register(&format!("t{registered}")).await;
        bell.has_changed().unwrap()
    })
    .await;
    assert!(*bell.borrow_and_update() <= registered);
}
