//! What a gateway must be asked about: kept with the callback that hints at it, once, and due at each hint.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use payment_status::{
    domain::Confirm,
    store::{DueQuery, Evidence, Outcome, Reading, StoreError},
};
use time::{Duration, OffsetDateTime};

use super::{Ledger, NOW, callback, count, delivery, execute, open, open_observed, outcomes, paid};

const SOON: OffsetDateTime = NOW.saturating_add(Duration::SECOND);

fn payment(id: &str) -> Confirm {
    Confirm::Payment(id.parse().unwrap())
}

/// The callback with this number, which says only that something became of these.
fn hint(number: u64, subjects: Vec<Confirm>) -> Evidence {
    Evidence { confirm: subjects, ..delivery(number, Reading::Ignored) }
}

async fn due(ledger: &Ledger) -> Vec<DueQuery> {
    ledger.store.due_queries(SOON, 1000).await.unwrap()
}

/// The names of what is due, and how often each was asked for.
async fn check_due(ledger: &Ledger, expected: &[(&str, u64)]) {
    let due = due(ledger).await;
    let shown: Vec<_> = due.iter().map(|query| (query.subject.name(), query.asks)).collect();
    assert_eq!(shown, expected);
}

on_both_stores! {
    async fn a_hint_is_held_and_its_question_is_due_at_once(database: Database) {
        let ledger = open(&database).await;
        let recorded = ledger.record(hint(1, vec![payment("p1")])).await;
        assert_eq!((recorded.outcome, recorded.transactions), (Outcome::Held, Vec::new()));
        assert_eq!(count(&database, "callbacks WHERE outcome = 5").await, 1);
        let expected = DueQuery {
            gateway: "shop".parse().unwrap(),
            subject: payment("p1"),
            due_at: NOW,
            asks: 1,
            first_callback: Some(recorded.callback_id),
            last_callback: Some(recorded.callback_id),
        };
        assert_eq!(due(&ledger).await, [expected]);
        assert_eq!(ledger.store.due_queries(NOW, 1000).await.unwrap(), []);
        assert_eq!(ledger.store.head().await.unwrap().mark.position, 0);
    }

    async fn what_needs_no_confirmation_asks_nothing(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        let recorded = ledger.record_all(vec![callback(vec![paid("p1", "t1")]), hint(1000, Vec::new())]).await;
        assert_eq!(outcomes(&recorded), [Outcome::Applied, Outcome::Ignored]);
        check_due(&ledger, &[]).await;
    }

    async fn a_callback_may_state_one_thing_and_hint_at_another(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        let both = Evidence { confirm: vec![payment("p2")], ..callback(vec![paid("p1", "t1")]) };
        assert_eq!(ledger.record(both).await.outcome, Outcome::Applied);
        assert_eq!(ledger.show("t1").await, "PAID");
        check_due(&ledger, &[("p2", 1)]).await;
    }

    async fn a_repeated_hint_is_a_duplicate_and_due_again(database: Database) {
        let ledger = open(&database).await;
        let first = ledger.record(hint(1, vec![payment("p1")])).await;
        // Somebody asked the gateway, and means to ask again tomorrow.
        execute(&database, "UPDATE due_queries SET due_at = due_at + 86400000000").await;
        check_due(&ledger, &[]).await;
        assert_eq!(ledger.record(hint(1, vec![payment("p1")])).await.outcome, Outcome::Duplicate);
        check_due(&ledger, &[("p1", 2)]).await;
        // Somebody asked the gateway, and has the answer.
        execute(&database, "DELETE FROM due_queries").await;
        assert_eq!(ledger.record(hint(1, vec![payment("p1")])).await.outcome, Outcome::Duplicate);
        check_due(&ledger, &[("p1", 1)]).await;

        let query = due(&ledger).await.remove(0);
        let kept = Some(first.callback_id);
        assert_eq!((query.first_callback, query.last_callback), (kept, kept), "of the delivery that is kept");
        assert_eq!(count(&database, "callbacks").await, 1);
    }

    async fn what_is_due_keeps_its_place_in_line(database: Database) {
        let ledger = open(&database).await;
        ledger.record_all(vec![hint(1, vec![payment("p1")]), hint(2, vec![payment("p2")])]).await;
        execute(&database, "UPDATE due_queries SET due_at = due_at - 1 WHERE subject = 'p2'").await;
        check_due(&ledger, &[("p2", 1), ("p1", 1)]).await;
        ledger.record(hint(3, vec![payment("p2")])).await;
        check_due(&ledger, &[("p2", 2), ("p1", 1)]).await;
    }

    async fn many_hints_at_one_payment_are_one_question(database: Database) {
        let ledger = open(&database).await;
        let mut hints: Vec<_> = (0..700).map(|number| hint(number, vec![payment("p1"), payment("p1")])).collect();
        hints.push(hint(0, vec![payment("p1")]));
        let recorded = ledger.record_all(hints).await;
        check_due(&ledger, &[("p1", 1401)]).await;
        let query = due(&ledger).await.remove(0);
        let first = Some(recorded[0].callback_id);
        assert_eq!((query.first_callback, query.last_callback), (first, first), "the last one repeats the first");
        assert_eq!(count(&database, "due_queries").await, 1);
    }

    async fn a_page_holds_no_more_than_asked_for(database: Database) {
        let ledger = open(&database).await;
        ledger.record_all((0..700).map(|number| hint(number, vec![payment(&format!("p{number:03}"))])).collect()).await;
        let page = ledger.store.due_queries(SOON, 3).await.unwrap();
        let names: Vec<_> = page.iter().map(|query| query.subject.name()).collect();
        assert_eq!(names, ["p000", "p001", "p002"]);
        assert_eq!(count(&database, "due_queries").await, 700);
    }

    async fn one_name_may_mean_several_things(database: Database) {
        let ledger = open(&database).await;
        let subjects = vec![
            payment("x"),
            Confirm::Reference("x".parse().unwrap()),
            Confirm::Refund("x".parse().unwrap()),
            Confirm::Dispute("x".parse().unwrap()),
        ];
        let elsewhere = Evidence { gateway: "bank".parse().unwrap(), ..hint(2, vec![payment("x")]) };
        ledger.record_all(vec![hint(1, subjects.clone()), elsewhere]).await;
        let due = due(&ledger).await;
        let shown: Vec<_> = due.into_iter().map(|query| (query.gateway.to_string(), query.subject)).collect();
        let shop = subjects.into_iter().map(|subject| ("shop".to_owned(), subject));
        let expected: Vec<_> = std::iter::once(("bank".to_owned(), payment("x"))).chain(shop).collect();
        assert_eq!(shown, expected);
    }

    async fn a_callback_that_is_rolled_back_asks_nothing(database: Database) {
        let ledger = open(&database).await;
        let sqlite = "CREATE TRIGGER poison BEFORE INSERT ON due_queries WHEN new.subject = 'poison'
                      BEGIN SELECT RAISE(ABORT, 'poison'); END";
        let postgres = "ALTER TABLE due_queries ADD CONSTRAINT poison CHECK (subject <> 'poison')";
        execute(&database, if database.url.starts_with("sqlite") { sqlite } else { postgres }).await;
        let batch = vec![
            hint(1, vec![payment("p1")]),
            hint(2, vec![payment("p1"), payment("p2"), payment("poison")]),
            hint(3, vec![payment("p3")]),
        ];
        let results = ledger.writer.record(batch).await;
        assert!(matches!(&results[1], Err(StoreError::Refused(_))), "{:?}", results[1]);
        check_due(&ledger, &[("p1", 1), ("p3", 1)]).await;
        assert_eq!(count(&database, "callbacks").await, 2);
    }

    async fn a_row_that_cannot_be_is_named(database: Database) {
        let ledger = open(&database).await;
        ledger.record(hint(1, vec![payment("p1")])).await;
        execute(&database, "UPDATE due_queries SET subject_kind = 9").await;
        let refused = ledger.store.due_queries(SOON, 1).await;
        assert!(
            matches!(&refused, Err(StoreError::Inconsistent { table: "due_queries", what }) if what.contains("shop p1")),
            "{refused:?}"
        );
    }

    async fn replicas_that_ask_the_same_in_other_orders_do_not_hinder_each_other(database: Database) {
        open(&database).await;
        let broken = Arc::new(AtomicUsize::new(0));
        let observed = || {
            let broken = Arc::clone(&broken);
            open_observed(&database, move |batch| {
                broken.fetch_add(usize::from(!batch.committed), Ordering::Relaxed);
            })
        };
        let (one, two) = tokio::join!(observed(), observed());
        let subjects: Vec<_> = (0..200).map(|number| payment(&format!("p{number}"))).collect();
        let backwards: Vec<_> = subjects.iter().rev().cloned().collect();
        let asking = async |ledger: &Ledger, from: u64, subjects: &[Confirm]| {
            for number in from..from + 40 {
                ledger.record(hint(number, subjects.to_vec())).await;
            }
        };
        tokio::join!(asking(&one, 0, &subjects), asking(&two, 1000, &backwards));
        assert_eq!(broken.load(Ordering::Relaxed), 0, "batches that had to be repeated");
        assert!(due(&one).await.iter().all(|query| query.asks == 80));
    }
}
