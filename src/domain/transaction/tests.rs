//! The projection as a table to be read by eye, and the properties that hold for every set of facts.
//!
//! A fact is written `phase operation [amount[CUR]] [@seconds] [~cumulative] [#round] [pay=payment] [held=HOLD]`.
//! The registration expects 10.00 EUR until second 100.

use std::fmt::Write as _;

use proptest::prelude::*;
use time::OffsetDateTime;

use super::*;
use crate::domain::{
    Correlation, Currency, Details, FactKey, Hold, OperationId, Phase, Tally, TransactionId, union,
};

#[test]
fn every_story_of_a_payment_ends_in_the_right_status() {
    // A payment's ordinary life.
    check("", "CREATED");
    check("attempt.processing p", "PENDING");
    check("attempt.action_required p; attempt.authorized p 1000", "AUTHORIZED auth=1000");
    check("attempt.authorized p 1000; capture.succeeded p 1000", "PAID auth=1000 capt=1000");
    check("capture.pending p", "PENDING");
    check("attempt.authorized p 1000; capture.failed c", "AUTHORIZED auth=1000");
    check("attempt.failed p", "FAILED");
    check("attempt.abandoned p", "FAILED");
    check("attempt.authorized p 1000; attempt.voided p", "CANCELLED");
    check("attempt.authorized p 1000; attempt.auth_expired p", "EXPIRED");
    check("attempt.processing p; cancel.cancelled p", "CANCELLED");
    check("attempt.processing p; expiry.expired p", "EXPIRED");
    check("attempt.authorized p 1000; cancel.cancelled p", "CANCELLED");

    // Another card is everyday life, whichever report comes last.
    check(
        "attempt.failed p; attempt.authorized p 1000; capture.succeeded p 1000",
        "PAID auth=1000 capt=1000",
    );
    check(
        "attempt.failed a pay=a; attempt.authorized b 1000 pay=b; capture.succeeded b 1000 pay=b",
        "PAID auth=1000 capt=1000 pay=b",
    );
    check("attempt.failed a pay=a; attempt.processing b pay=b", "PENDING pay=b");
    check("cancel.cancelled a pay=a; attempt.processing b pay=b", "PENDING pay=b");
    check("cancel.cancelled order; attempt.processing b pay=b", "CANCELLED pay=b");

    // In parts.
    check("attempt.authorized p 1000; capture.succeeded c1 400", "PARTIALLY_CAPTURED auth=1000 capt=400");
    check(
        "attempt.authorized p 1000; capture.succeeded c1 400; capture.succeeded c2 600",
        "PAID auth=1000 capt=1000",
    );
    check(
        "attempt.authorized p 1000; capture.succeeded p 400~; capture.succeeded p 1000~",
        "PAID auth=1000 capt=1000",
    );

    // Two views of the same money count once.
    check(
        "attempt.authorized p 1000; capture.succeeded p 1000~; capture.succeeded c1 1000",
        "PAID auth=1000 capt=1000",
    );
    check(
        &format!("{PAID}; refund.succeeded p 300~; refund.succeeded r1 300"),
        "PARTIALLY_REFUNDED auth=1000 capt=1000 refd=300",
    );

    // Money goes back.
    check(&format!("{PAID}; refund.pending r1 300"), "PAID auth=1000 capt=1000");
    check(&format!("{PAID}; refund.succeeded r1 300"), "PARTIALLY_REFUNDED auth=1000 capt=1000 refd=300");
    check(
        &format!("{PAID}; refund.succeeded r1 300; refund.succeeded r2 700"),
        "REFUNDED auth=1000 capt=1000 refd=1000",
    );
    check(&format!("{PAID}; refund.succeeded r1 300; refund.failed r1 300"), "PAID auth=1000 capt=1000");
    check(
        &format!("{PAID}; refund.succeeded r1 300; refund.succeeded p 300~; refund.failed r1"),
        "PAID auth=1000 capt=1000",
    );
    check(&format!("{PAID}; refund.failed r1 300"), "PAID auth=1000 capt=1000");
    check(
        &format!("{PAID}; refund.pending r1; refund.succeeded p 300~; refund.failed r1 300"),
        "PAID auth=1000 capt=1000",
    );
    check(
        &format!("{PAID}; refund.failed r1 300; refund.succeeded r2 300; refund.succeeded p 600~"),
        "PARTIALLY_REFUNDED auth=1000 capt=1000 refd=300",
    );
    check(&format!("{PAID}; capture.returned p 1000"), "REVERSED auth=1000");
    check(&format!("{PAID}; capture.returned p"), "REVERSED auth=1000");
    check(&format!("{PAID}; capture.returned p 300"), "PARTIALLY_CAPTURED auth=1000 capt=700");
    check("refund.succeeded r1 300", "CREATED refd=300");

    // Disputes.
    check(&format!("{PAID}; dispute.opened d 1000"), "PAID auth=1000 capt=1000 dispute=open");
    check(&format!("{PAID}; dispute.opened d 1000; dispute.won d"), "PAID auth=1000 capt=1000 dispute=won");
    check(
        &format!("{PAID}; dispute.opened d 1000; dispute.lost d"),
        "REVERSED auth=1000 capt=1000 lost=1000 dispute=lost",
    );
    check(
        &format!("{PAID}; dispute.lost d 400"),
        "PARTIALLY_REFUNDED auth=1000 capt=1000 lost=400 dispute=lost",
    );
    check(
        &format!("{PAID}; dispute.opened d 1000; dispute.won d; dispute.opened d 1000 #2"),
        "PAID auth=1000 capt=1000 dispute=open",
    );
    check(&format!("{PAID}; dispute.lost d 1000; dispute.won d #2"), "PAID auth=1000 capt=1000 dispute=won");
    check(
        &format!("{PAID}; dispute.won a; dispute.lost b 100"),
        "PARTIALLY_REFUNDED auth=1000 capt=1000 lost=100 dispute=lost",
    );
}

#[test]
fn money_that_is_not_what_was_expected_is_held() {
    check(
        "attempt.authorized p 1; capture.succeeded p 1",
        "PARTIALLY_CAPTURED auth=1 capt=1 AMOUNT_MISMATCH",
    );
    check("attempt.authorized p 999", "AUTHORIZED auth=999 AMOUNT_MISMATCH");
    check("capture.succeeded p 1001", "PAID capt=1001 OVERPAID");
    check("capture.succeeded p 1001; refund.succeeded r 1", "PARTIALLY_REFUNDED capt=1001 refd=1");
    check("capture.succeeded a 1000 pay=a; capture.succeeded b 1000 pay=b", "PAID capt=2000 pay=a OVERPAID");
    check("attempt.authorized p 1000JPY; capture.succeeded p 1000JPY", "PENDING CURRENCY_MISMATCH");
    check("capture.succeeded p", "PENDING CONFIRMATION_REQUIRED");
    check(&format!("{PAID}; capture.returned other 1000"), "PAID auth=1000 capt=1000 CONFIRMATION_REQUIRED");
    check(&format!("{PAID}; refund.succeeded r"), "PAID auth=1000 capt=1000 CONFIRMATION_REQUIRED");
    check(
        "capture.succeeded p 1000; capture.succeeded p 900",
        "PARTIALLY_CAPTURED capt=900 AMOUNT_MISMATCH CONFLICTING_FACTS",
    );
    check(
        &format!("{PAID}; refund.succeeded r 100; refund.succeeded r 200"),
        "PARTIALLY_REFUNDED auth=1000 capt=1000 refd=200 CONFLICTING_FACTS",
    );
    check(
        &format!("{PAID}; dispute.won d; dispute.lost d 50"),
        "PARTIALLY_REFUNDED auth=1000 capt=1000 lost=50 dispute=lost CONFLICTING_FACTS",
    );
}

#[test]
fn a_statement_of_the_wrong_mode_or_account_holds_and_never_pays() {
    check("capture.succeeded p 1000 held=MODE_MISMATCH", "CREATED MODE_MISMATCH");
    check("capture.succeeded p 1000 held=ACCOUNT_MISMATCH", "CREATED ACCOUNT_MISMATCH");
    check("capture.succeeded p 1000 held=CONFIRMATION_REQUIRED", "CREATED CONFIRMATION_REQUIRED");
    check(
        &format!("{PAID}; refund.succeeded r 1000 held=MODE_MISMATCH"),
        "PAID auth=1000 capt=1000 MODE_MISMATCH",
    );
}

#[test]
fn late_money_is_paid_and_held_by_the_facts_own_times() {
    check("cancel.cancelled p @10; capture.succeeded p 1000 @20", "PAID capt=1000 LATE_MONEY");
    check("cancel.cancelled p @20; capture.succeeded p 1000 @10", "PAID capt=1000");
    check("expiry.expired p @10; capture.succeeded p 1000 @20", "PAID capt=1000 LATE_MONEY");
    check("capture.succeeded p 1000 @100", "PAID capt=1000");
    check("capture.succeeded p 1000 @101", "PAID capt=1000 LATE_MONEY");
    check("attempt.failed p @10; capture.succeeded p 1000 @20", "PAID capt=1000");
    check("cancel.cancelled p; capture.succeeded p 1000", "PAID capt=1000 LATE_MONEY");
    check("attempt.voided a @10; capture.succeeded b 1000 @20", "PAID capt=1000 LATE_MONEY");
    check("attempt.voided a @30; capture.succeeded b 1000 @20", "PAID capt=1000");
    check("attempt.voided a; capture.succeeded b 1000", "PAID capt=1000");
}

#[test]
fn an_adopted_payment_is_held_until_somebody_registers_it() {
    let adopted = Registration { expected: None, ..registration() };
    let state = project(&adopted, &facts(PAID));
    assert_eq!(show(&state), "PAID auth=1000 capt=1000 UNREGISTERED");
    assert_eq!(state.expected, Money::new(1000, eur()).ok());
}

#[test]
fn the_latest_failure_is_told_and_forgotten_once_paid() {
    let mut failed = facts("attempt.failed a @10; attempt.failed b @20");
    for fact in &mut failed {
        let code = format!("declined-{}", fact.key.operation);
        fact.details.failure = Some(Failure { at: fact.details.occurred_at, code, message: String::new() });
    }
    let code = |facts: &[Fact]| project(&registration(), facts).failure.map(|failure| failure.code);
    assert_eq!(code(&failed).as_deref(), Some("declined-b"));
    failed.extend(facts("capture.succeeded c 1000"));
    assert_eq!(code(&failed), None);
}

#[test]
fn a_free_order_is_paid_when_the_gateway_says_so() {
    let free = Registration { expected: Some(Money::zero(eur())), ..registration() };
    assert_eq!(project(&free, &[]).status, Status::Created);
    assert_eq!(project(&free, &facts("capture.succeeded p 0")).status, Status::Paid);
}

proptest! {
    #[test]
    fn every_order_repetition_and_grouping_of_the_same_facts_ends_in_the_same_state(
        (told, retold) in story().prop_flat_map(|told| {
            let repeated = prop::sample::subsequence(told.clone(), 0..=told.len());
            (Just(told.clone()), (Just(told), repeated).prop_map(|(mut all, again)| { all.extend(again); all }).prop_shuffle())
        }),
        cuts in prop::collection::vec(0_usize..12, 0..4),
    ) {
        let expected = project(&registration(), &union(told));
        prop_assert_eq!(&project(&registration(), &union(retold.clone())), &expected);
        prop_assert_eq!(&project(&registration(), &union(in_batches(retold, cuts))), &expected);
    }

    #[test]
    fn sums_never_overflow_and_never_go_negative(facts in story()) {
        let state = project(&registration(), &union(facts));
        for sum in [state.authorized, state.captured, state.refunded, state.lost] {
            prop_assert!(sum >= 0);
        }
    }

    #[test]
    fn paid_without_a_hold_means_that_enough_of_the_right_money_was_captured(facts in story()) {
        let state = project(&registration(), &union(facts.clone()));
        if state.status == Status::Paid && state.holds.is_empty() {
            let proven: i128 = facts.iter()
                .filter(|f| f.key.phase == Phase::Captured && f.key.held.is_none())
                .filter_map(|f| f.key.amount).filter(|m| m.currency() == eur())
                .map(|m| i128::from(m.minor_units())).sum();
            prop_assert!(proven >= 1000 && state.captured >= 1000);
        }
    }

    #[test]
    fn held_statements_change_nothing_but_holds(facts in story(), extra in story()) {
        let plain = project(&registration(), &union(facts.clone()));
        let held = extra.into_iter().map(|mut fact| { fact.key.held = Some(Hold::ModeMismatch); fact });
        let mut both = project(&registration(), &union(facts.into_iter().chain(held)));
        prop_assert!(both.holds.iter().all(|hold| plain.holds.contains(hold) || hold == Hold::ModeMismatch));
        both.holds = plain.holds;
        prop_assert_eq!(both, plain);
    }
}

const PAID: &str = "attempt.authorized p 1000; capture.succeeded p 1000";

fn check(story: &str, expected: &str) {
    let state = project(&registration(), &union(facts(story)));
    assert_eq!(show(&state), expected, "{story}");
}

fn eur() -> Currency {
    Currency::parse("EUR").expect("a currency")
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).expect("a time")
}

fn registration() -> Registration {
    Registration {
        transaction_id: "order-1".parse().expect("an id"),
        order_id: String::new(),
        gateway: "shop".parse().expect("a gateway"),
        payment: None,
        expected: Money::new(1000, eur()).ok(),
        labels: std::collections::BTreeMap::new(),
        expire_time: Some(at(100)),
    }
}

fn facts(story: &str) -> Vec<Fact> {
    story.split(';').map(str::trim).filter(|row| !row.is_empty()).map(fact).collect()
}

fn fact(row: &str) -> Fact {
    let mut words = row.split(' ');
    let phase = Phase::from_word(words.next().expect("a phase")).expect("a known phase");
    let operation: OperationId = words.next().expect("an operation").parse().expect("an id");
    let mut key = FactKey { phase, operation, round: 1, amount: None, tally: Tally::Single, held: None };
    let mut correlation = Correlation { payment: None, reference: "order-1".parse::<TransactionId>().ok() };
    let mut details = Details::default();
    for word in words {
        match word.split_at(1) {
            ("@", seconds) => details.occurred_at = Some(at(seconds.parse().expect("seconds"))),
            ("#", round) => key.round = round.parse().expect("a round"),
            ("p", payment) => {
                correlation.payment = payment.strip_prefix("ay=").map(|id| id.parse().expect("an id"));
            }
            ("h", held) => {
                key.held = Hold::ALL.iter().copied().find(|h| held.strip_prefix("eld=") == Some(h.word()));
            }
            _ => {
                let (amount, tally) = match word.strip_suffix('~') {
                    Some(total) => (total, Tally::Cumulative),
                    None => (word, Tally::Single),
                };
                let digits = amount.trim_end_matches(|c: char| c.is_ascii_uppercase());
                let code = if digits.len() == amount.len() { "EUR" } else { &amount[digits.len()..] };
                let currency = Currency::parse(code).expect("a currency");
                key.amount = Money::new(digits.parse().expect("minor units"), currency).ok();
                key.tally = tally;
            }
        }
    }
    Fact { key, correlation, details }
}

/// Only what differs from a fresh transaction, so that a row stays short.
fn show(state: &State) -> String {
    let mut text = state.status.word().to_owned();
    let sums = [
        ("auth", state.authorized),
        ("capt", state.captured),
        ("refd", state.refunded),
        ("lost", state.lost),
    ];
    for (name, sum) in sums.into_iter().filter(|(_, sum)| *sum != 0) {
        write!(text, " {name}={sum}").expect("a string grows");
    }
    if state.dispute != Dispute::None {
        write!(text, " dispute={}", state.dispute.word()).expect("a string grows");
    }
    if let Some(payment) = &state.payment {
        write!(text, " pay={payment}").expect("a string grows");
    }
    for hold in state.holds.iter() {
        write!(text, " {}", hold.word()).expect("a string grows");
    }
    text
}

/// Any facts at all: few operations and payments, so that they meet, and amounts up to the largest.
fn story() -> impl Strategy<Value = Vec<Fact>> {
    let amount = prop_oneof![
        Just(None),
        Just(Some(1000)),
        Just(Some(400)),
        Just(Some(i64::MAX)),
        (0_i64..2000).prop_map(Some)
    ];
    let payment = prop::option::of(prop::sample::select(vec!["a", "b"]));
    let time = prop::option::of(0_i64..200);
    let held = prop_oneof![4 => Just(None), 1 => Just(Some(Hold::ModeMismatch))];
    let fact = (
        prop::sample::select(Phase::ALL.to_vec()),
        prop::sample::select(vec!["a", "b", "c1"]),
        amount,
        prop::bool::ANY,
        (1_u16..3, payment, time, held, prop::bool::weighted(0.1)),
    );
    let fact = fact.prop_map(|(phase, operation, amount, total, (round, payment, time, held, yen))| Fact {
        key: FactKey {
            phase,
            operation: operation.parse().expect("an id"),
            round,
            amount: amount.and_then(|minor| {
                Money::new(minor, if yen { Currency::parse("JPY").ok()? } else { eur() }).ok()
            }),
            tally: if total { Tally::Cumulative } else { Tally::Single },
            held,
        },
        correlation: Correlation {
            payment: payment.map(|id| id.parse().expect("an id")),
            reference: "order-1".parse().ok(),
        },
        details: Details { occurred_at: time.map(at), failure: None },
    });
    prop::collection::vec(fact, 0..12)
}

/// What the store does: each batch is united with what is there.
fn in_batches(facts: Vec<Fact>, cuts: Vec<usize>) -> Vec<Fact> {
    let mut rest = facts;
    let mut known = Vec::new();
    for cut in cuts {
        let tail = rest.split_off(cut.min(rest.len()));
        known = union(known.into_iter().chain(rest));
        rest = tail;
    }
    known.into_iter().chain(rest).collect()
}
