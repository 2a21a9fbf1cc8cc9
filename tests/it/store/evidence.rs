//! What is kept of callbacks, and that a bad one harms nobody else.

use payment_status::{
    domain::Phase,
    store::{Outcome, Reading, Rejected, StoreError},
};

use super::{NOW, callback, count, delivery, execute, fact, open, paid};
use crate::harness::eventually;

on_both_stores! {
    async fn what_cannot_be_read_or_is_not_about_payments_is_kept(database: Database) {
        let ledger = open(&database).await;
        let unreadable = delivery(1, Reading::Unreadable("body: a key stands twice".to_owned()));
        assert_eq!(ledger.record(unreadable).await.outcome, Outcome::Unreadable);
        assert_eq!(ledger.record(delivery(2, Reading::Ignored)).await.outcome, Outcome::Ignored);
        assert_eq!(count(&database, "callbacks WHERE reason IS NOT NULL").await, 1);
        assert_eq!(count(&database, "callbacks").await, 2);
    }

    async fn a_poisoned_callback_in_a_batch_fails_alone(database: Database) {
        let ledger = open(&database).await;
        for id in ["t1", "t2", "t3"] {
            ledger.register(id).await;
        }
        // The database itself refuses one row, as a constraint of a later schema might.
        let sqlite = "CREATE TRIGGER poison BEFORE INSERT ON callbacks WHEN new.key_id = 'poison'
                      BEGIN SELECT RAISE(ABORT, 'poison'); END";
        let postgres = "ALTER TABLE callbacks ADD CONSTRAINT poison CHECK (key_id <> 'poison')";
        execute(&database, if database.url.starts_with("sqlite") { sqlite } else { postgres }).await;

        let mut batch: Vec<_> = ["t1", "t2", "t3"].iter().map(|id| callback(vec![paid(&format!("p-{id}"), id)])).collect();
        batch[1].key_id = "poison".to_owned();
        let results = ledger.writer.record(batch).await;
        assert!(matches!(&results[1], Err(StoreError::Refused(_))), "{:?}", results[1]);
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2);
        let shown = [ledger.show("t1").await, ledger.show("t2").await, ledger.show("t3").await];
        assert_eq!(shown, ["PAID", "CREATED", "PAID"]);
        assert_eq!(ledger.store.head().await.unwrap().mark.position, 5);
    }

    async fn texts_that_a_database_cannot_hold_do_no_harm(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        let mut nul = callback(vec![paid("p1", "t1")]);
        nul.headers = "x: a\0b".to_owned();
        nul.body = vec![0, 255, 254];
        assert_eq!(ledger.record(nul).await.outcome, Outcome::Applied);
    }

    async fn two_reports_of_one_fact_are_completed_whichever_comes_first(database: Database) {
        let ledger = open(&database).await;
        let report = |seconds: i64, payment: &str| {
            let mut cancel = fact(Phase::Cancelled, payment, None, payment, "");
            cancel.details.occurred_at = Some(NOW + time::Duration::seconds(seconds));
            callback(vec![cancel])
        };
        for (id, payment, first, second) in [("t1", "p1", 5, -5), ("t2", "p2", -5, 5)] {
            ledger.register(id).await;
            ledger.record(callback(vec![paid(payment, id)])).await;
            ledger.record(report(first, payment)).await;
            ledger.record(report(second, payment)).await;
        }
        // The earlier cancel, five seconds before the money, counts in both orders.
        assert_eq!(ledger.show("t1").await, "PAID LATE_MONEY");
        assert_eq!(ledger.show("t2").await, "PAID LATE_MONEY");
    }

    async fn evidence_of_forgeries_stays_within_its_quota(database: Database) {
        let ledger = open(&database).await;
        let forged = |gateway: &str, size: usize| Rejected {
            gateway: gateway.parse().unwrap(),
            received_at: NOW,
            remote_address: "192.0.2.1".to_owned(),
            request_line: "POST /webhooks/shop".to_owned(),
            headers: String::new(),
            body: vec![b'x'; size],
            reason: "bad_signature".to_owned(),
        };
        ledger.writer.reject(forged("quiet", 10));
        for _ in 0..1000 {
            ledger.writer.reject(forged("shop", 1_000_000));
        }
        eventually("the quiet gateway's evidence is there", async || {
            count(&database, "rejected_callbacks WHERE gateway = 'quiet'").await == 1
        }).await;
        assert!(count(&database, "rejected_callbacks").await < 300);
        assert_eq!(count(&database, "rejected_callbacks WHERE length(body) > 4096").await, 0);
    }
}
