//! Facts find their transaction, whoever comes first and by whichever name.

use payment_status::{
    domain::{Phase, Registration, Status},
    store::{Outcome, Reading, StoreError, Unregistered},
};

use super::{callback, count, delivery, fact, open, outcomes, paid, registration};

on_both_stores! {
    async fn a_payment_registered_and_paid_is_paid(database: Database) {
        let ledger = open(&database).await;
        assert_eq!(ledger.register("t1").await.state.status, Status::Created);
        let recorded = ledger.record(callback(vec![fact(Phase::Processing, "p1", None, "p1", "t1")])).await;
        assert_eq!((recorded.outcome, recorded.transactions.len()), (Outcome::Applied, 1));
        ledger.record(callback(vec![paid("p1", "")])).await;

        let transaction = ledger.get("t1").await;
        assert_eq!((transaction.state.status, transaction.state.captured, transaction.version), (Status::Paid, 1000, 3));
        assert_eq!(transaction.registration, registration("t1"));
        let by_payment = ledger.store.transaction_of_payment(&"shop".parse().unwrap(), &"p1".parse().unwrap()).await;
        assert_eq!(by_payment.unwrap(), Some(transaction));
    }

    async fn a_delivery_repeated_changes_nothing(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        let once = || delivery(7, Reading::Facts(vec![paid("p1", "t1")]));
        assert_eq!(ledger.record(once()).await.outcome, Outcome::Applied);
        let again = ledger.record_all(vec![once(), once()]).await;
        assert_eq!(outcomes(&again), [Outcome::Duplicate, Outcome::Duplicate]);
        assert_eq!(again[0].transactions, ["t1".parse().unwrap()]);
        assert_eq!(ledger.get("t1").await.version, 2);
        assert_eq!(count(&database, "callbacks").await, 1);
    }

    async fn the_same_fact_in_another_event_makes_no_new_version(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        ledger.record(callback(vec![paid("p1", "t1")])).await;
        assert_eq!(ledger.record(callback(vec![paid("p1", "t1")])).await.outcome, Outcome::Applied);
        assert_eq!(ledger.get("t1").await.version, 2);
        assert_eq!((count(&database, "callbacks").await, count(&database, "facts").await), (2, 1));
    }

    async fn a_callback_before_its_registration_waits_for_it(database: Database) {
        let ledger = open(&database).await;
        assert_eq!(ledger.record(callback(vec![paid("p1", "t1")])).await.outcome, Outcome::Parked);
        let transaction = ledger.register("t1").await;
        assert_eq!((transaction.state.status, transaction.version), (Status::Paid, 1));
        assert_eq!(count(&database, "facts WHERE transaction_id IS NULL").await, 0);
        assert_eq!(ledger.record(callback(vec![fact(Phase::Refunded, "r1", Some(100), "p1", "")])).await.outcome, Outcome::Applied);
    }

    async fn a_callback_that_knows_only_the_payment_waits_until_another_binds_it(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        let early = callback(vec![fact(Phase::Refunded, "r1", Some(1000), "p1", "")]);
        assert_eq!(ledger.record(early).await.outcome, Outcome::Parked);
        ledger.record(callback(vec![paid("p1", "t1")])).await;
        assert_eq!(ledger.show("t1").await, "REFUNDED");
    }

    async fn waiting_facts_lead_to_further_waiting_facts(database: Database) {
        let ledger = open(&database).await;
        ledger.record(callback(vec![fact(Phase::Refunded, "r1", Some(1000), "p1", "")])).await;
        ledger.record(callback(vec![paid("p1", "t1")])).await;
        assert_eq!(ledger.register("t1").await.state.status, Status::Refunded);
        assert_eq!(count(&database, "facts WHERE transaction_id IS NULL").await, 0);
    }

    async fn a_payment_registered_by_its_gateway_id_is_found_by_it(database: Database) {
        let ledger = open(&database).await;
        ledger.record(callback(vec![fact(Phase::Processing, "p1", None, "p1", "")])).await;
        let with_payment = Registration { payment: "p1".parse().ok(), ..registration("t1") };
        let (transaction, _) = ledger.writer.register(with_payment, None).await.unwrap();
        assert_eq!(transaction.state.status, Status::Pending);
        ledger.record(callback(vec![paid("p1", "")])).await;
        assert_eq!(ledger.show("t1").await, "PAID");
    }

    async fn another_card_makes_another_payment_of_the_same_transaction(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        ledger.record(callback(vec![fact(Phase::AttemptFailed, "p1", None, "p1", "t1")])).await;
        assert_eq!(ledger.show("t1").await, "FAILED");
        ledger.record(callback(vec![paid("p2", "t1")])).await;
        let transaction = ledger.get("t1").await;
        assert_eq!((transaction.state.status, transaction.state.payment), (Status::Paid, "p2".parse().ok()));
        ledger.record(callback(vec![fact(Phase::Refunded, "r1", Some(1000), "p2", "")])).await;
        assert_eq!(ledger.show("t1").await, "REFUNDED");
    }

    async fn a_payment_belongs_to_one_transaction_for_ever(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        ledger.register("t2").await;
        ledger.record(callback(vec![paid("p1", "t1")])).await;
        // The same payment, said to be for another order, stays with the first.
        ledger.record(callback(vec![fact(Phase::Captured, "again", Some(1000), "p1", "t2")])).await;
        assert_eq!(ledger.get("t2").await.state.status, Status::Created);
        let thief = Registration { payment: "p1".parse().ok(), ..registration("t3") };
        let refused = ledger.writer.register(thief, None).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }

    async fn a_reference_counts_only_within_its_gateway(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        let mut foreign = callback(vec![paid("p1", "t1")]);
        foreign.gateway = "other".parse().unwrap();
        assert_eq!(ledger.record(foreign).await.outcome, Outcome::Parked);
        assert_eq!(ledger.show("t1").await, "CREATED");
    }

    async fn the_same_registration_again_is_the_same_and_another_is_refused(database: Database) {
        let ledger = open(&database).await;
        let first = ledger.register("t1").await;
        assert_eq!(ledger.register("t1").await, first);
        let other = Registration { order_id: "another".to_owned(), ..registration("t1") };
        let refused = ledger.writer.register(other, None).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        assert_eq!(ledger.get("t1").await, first);
    }

    async fn an_adopted_payment_is_held_until_it_is_registered(database: Database) {
        let ledger = open(&database).await;
        let mut orphan = callback(vec![fact(Phase::Authorized, "p1", Some(1000), "p1", "t1"), paid("p1", "t1")]);
        orphan.unregistered = Unregistered::Adopt;
        assert_eq!(ledger.record(orphan).await.outcome, Outcome::Held);
        assert_eq!(ledger.show("t1").await, "PAID UNREGISTERED");
        let registered = ledger.register("t1").await;
        assert_eq!((registered.state.status, registered.version), (Status::Paid, 2));
        assert_eq!(ledger.show("t1").await, "PAID");
        assert_eq!(ledger.register("t1").await, registered);
    }

    async fn a_wrong_amount_is_held(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        let cheap = vec![fact(Phase::Authorized, "p1", Some(1), "p1", "t1"), fact(Phase::Captured, "p1", Some(1), "p1", "t1")];
        assert_eq!(ledger.record(callback(cheap)).await.outcome, Outcome::Held);
        assert_eq!(ledger.show("t1").await, "PARTIALLY_CAPTURED AMOUNT_MISMATCH");
    }
}

on_both_stores! {
    async fn a_second_report_tells_a_waiting_fact_its_reference(database: Database) {
        let ledger = open(&database).await;
        let report = |payment: &str, reference: &str| {
            callback(vec![fact(Phase::Captured, payment, Some(1000), payment, reference)])
        };
        // The same fact: first by its payment alone, then with the reference; the other way round; in one batch.
        ledger.record(report("p1", "")).await;
        ledger.record(report("p1", "t1")).await;
        ledger.record(report("p2", "t2")).await;
        ledger.record(report("p2", "")).await;
        ledger.record_all(vec![report("p3", ""), report("p3", "t3")]).await;
        for id in ["t1", "t2", "t3"] {
            assert_eq!(ledger.register(id).await.state.status, Status::Paid, "{id}");
        }
        assert_eq!(count(&database, "facts WHERE transaction_id IS NULL").await, 0);
    }

    async fn two_reports_in_one_batch_find_their_transaction_by_either(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        let by = |payment: &str, reference: &str| {
            let mut held = fact(Phase::Captured, "op", Some(1000), payment, reference);
            held.key.held = Some(payment_status::domain::Hold::ModeMismatch);
            callback(vec![held])
        };
        ledger.record_all(vec![by("p1", ""), by("", "t1")]).await;
        assert_eq!(ledger.show("t1").await, "CREATED MODE_MISMATCH");
        // What was shown follows from what is stored: the next change starts from the same facts.
        ledger.record(callback(vec![paid("p9", "t1")])).await;
        assert_eq!(ledger.show("t1").await, "PAID MODE_MISMATCH");
    }

    async fn an_adopting_gateway_leaves_money_to_the_transaction_it_belongs_to(database: Database) {
        let ledger = open(&database).await;
        ledger.register("t1").await;
        let adopting = |payment: &str, reference: &str| {
            let mut evidence = callback(vec![fact(Phase::Captured, payment, Some(1000), payment, reference)]);
            evidence.unregistered = Unregistered::Adopt;
            evidence
        };
        assert_eq!(ledger.record(adopting("p1", "")).await.outcome, Outcome::Parked);
        ledger.record(adopting("p1", "t1")).await;
        assert_eq!(ledger.show("t1").await, "PAID");
    }
}
