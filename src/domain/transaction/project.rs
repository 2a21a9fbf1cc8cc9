//! The projection, in three steps: facts → operations → payments → state.
//!
//! Every step reads sets, never sequences: sums, minima, maxima and "is there any". That is why order,
//! repetition and grouping of the callbacks cannot show in the result.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{Dispute, State, Status};
use crate::domain::{
    Currency, Fact, FactKind, Failure, Hold, Holds, Money, OperationId, PaymentId, Phase, Registration,
    transaction::operation::Operation,
};

pub(super) fn project<'a>(registration: &Registration, facts: impl IntoIterator<Item = &'a Fact>) -> State {
    let (held, counted): (Vec<&Fact>, Vec<&Fact>) =
        facts.into_iter().partition(|fact| fact.key.held.is_some());
    let mut holds: Holds = held.iter().filter_map(|fact| fact.key.held).collect();

    let currency = registration.expected.map(Money::currency).or_else(|| adopted_currency(&counted));
    let operations = operations(&counted, currency);
    holds = operations.values().flat_map(Operation::holds).chain(holds.iter()).collect();

    let payments = payments(&operations, &counted);
    let sums = Sums::of(&payments, &operations);
    let expected = registration.expected.or_else(|| adopted_expectation(&sums, currency));
    let evidence = Evidence { operations: &operations, payments: &payments, counted: &counted };

    if registration.expected.is_none() {
        holds.insert(Hold::Unregistered);
    }
    money_verdict(expected, &sums, &mut holds);
    if evidence.money_is_late(registration.expire_time) {
        holds.insert(Hold::LateMoney);
    }

    let status = evidence.status(expected, &sums);
    State {
        status,
        payment: registration.payment.clone().or_else(|| leading_payment(&payments)),
        expected,
        authorized: minor(sums.authorized),
        captured: minor(sums.captured()),
        refunded: minor(sums.refunded),
        lost: minor(sums.lost),
        dispute: dispute(&operations),
        holds,
        failure: (status == Status::Failed).then(|| latest_failure(&operations)).flatten(),
    }
}

type Operations<'a> = BTreeMap<(FactKind, &'a OperationId), Operation<'a>>;
type Payments<'a> = BTreeMap<Option<&'a PaymentId>, Payment>;

fn operations<'a>(counted: &[&'a Fact], currency: Option<Currency>) -> Operations<'a> {
    let mut grouped: BTreeMap<_, Vec<&Fact>> = BTreeMap::new();
    for &fact in counted {
        grouped.entry((fact.key.phase.kind(), &fact.key.operation)).or_default().push(fact);
    }
    grouped.into_iter().map(|(key, facts)| (key, Operation::new(facts, currency))).collect()
}

/// What one gateway payment adds up to. A total and the single operations that it counts are two views of the
/// same money, so the larger one stands.
#[derive(Default)]
struct Payment {
    authorized_ever: TwoViews,
    captured_ever: TwoViews,
    returned: i128,
    refunded: TwoViews,
    /// Refunds that failed or were reversed. A total may have counted them, and never comes down again.
    refund_undone: i128,
    /// Authorizations still in force.
    authorized_now: TwoViews,
    under_way: bool,
    /// A cancel or an expiry ends its attempts, until money says otherwise.
    closed: bool,
}

#[derive(Default)]
struct TwoViews {
    single: i128,
    cumulative: i128,
}

impl TwoViews {
    fn add(&mut self, operation: &Operation<'_>, phase: Phase) {
        self.single += operation.single(phase);
        self.cumulative += operation.cumulative(phase);
    }

    fn amount(&self) -> i128 {
        self.single.max(self.cumulative)
    }
}

fn payments<'a>(operations: &Operations<'a>, counted: &[&'a Fact]) -> Payments<'a> {
    let mut payments = Payments::new();
    for (&(kind, _), operation) in operations {
        let payment = payments.entry(operation.payment()).or_default();
        match kind {
            FactKind::Attempt => {
                payment.authorized_ever.add(operation, Phase::Authorized);
                if operation.furthest() == Phase::Authorized {
                    payment.authorized_now.add(operation, Phase::Authorized);
                }
                payment.under_way |= operation.furthest().rank() == 1;
            }
            FactKind::Capture => {
                payment.captured_ever.add(operation, Phase::Captured);
                payment.returned += operation.returned();
            }
            FactKind::Refund => {
                payment.refunded.cumulative += operation.cumulative(Phase::Refunded);
                if operation.has(Phase::RefundFailed) || operation.has(Phase::RefundReversed) {
                    payment.refund_undone += operation.undone();
                } else {
                    payment.refunded.single += operation.single(Phase::Refunded);
                }
            }
            FactKind::Expiry | FactKind::Cancel => payment.closed = true,
            FactKind::Dispute => {}
        }
    }
    // A payment known only from facts without money still has a name to show.
    for fact in counted {
        payments.entry(fact.correlation.payment.as_ref()).or_default();
    }
    // What names no payment speaks of the whole order.
    if payments.get(&None).is_some_and(|whole| whole.closed) {
        payments.values_mut().for_each(|payment| payment.closed = true);
    }
    payments
}

/// Sums over all payments, in minor units, before they are cut to what 64 bits hold.
struct Sums {
    authorized_ever: i128,
    authorized: i128,
    captured_ever: i128,
    returned: i128,
    refunded: i128,
    lost: i128,
}

impl Sums {
    fn of(payments: &Payments<'_>, operations: &Operations<'_>) -> Self {
        let sum = |amount: fn(&Payment) -> i128| payments.values().map(amount).sum::<i128>();
        let disputes = operations.iter().filter(|((kind, _), _)| *kind == FactKind::Dispute);
        Self {
            authorized_ever: sum(|p| p.authorized_ever.amount()),
            authorized: sum(|p| if p.closed { 0 } else { p.authorized_now.amount() }),
            captured_ever: sum(|p| p.captured_ever.amount()),
            returned: sum(|p| p.returned.min(p.captured_ever.amount())),
            refunded: sum(|p| p.refunded.single.max(p.refunded.cumulative - p.refund_undone).max(0)),
            lost: disputes.map(|(_, operation)| operation.lost()).sum(),
        }
    }

    fn captured(&self) -> i128 {
        self.captured_ever - self.returned
    }

    fn left(&self) -> i128 {
        self.captured() - self.refunded - self.lost
    }

    fn went_back(&self) -> bool {
        self.refunded > 0 || self.lost > 0
    }
}

/// The one verdict on money, for every gateway.
///
/// A capture of less than is expected is the merchant's own choice only if the customer committed to all of it;
/// otherwise somebody paid too little.
fn money_verdict(expected: Option<Money>, sums: &Sums, holds: &mut Holds) {
    let Some(expected) = expected.map(|money| i128::from(money.minor_units())) else { return };
    let committed = sums.authorized_ever.max(sums.captured_ever);
    if 0 < committed && committed < expected {
        holds.insert(Hold::AmountMismatch);
    }
    if sums.captured() - sums.refunded > expected {
        holds.insert(Hold::Overpaid);
    }
}

struct Evidence<'a> {
    operations: &'a Operations<'a>,
    payments: &'a Payments<'a>,
    counted: &'a [&'a Fact],
}

impl Evidence<'_> {
    fn status(&self, expected: Option<Money>, sums: &Sums) -> Status {
        let expected = expected.map_or(0, |money| i128::from(money.minor_units()));
        let captured_nothing_of_nothing = expected == 0 && self.any(Phase::Captured);
        if sums.captured_ever > 0 || captured_nothing_of_nothing {
            return captured_status(expected, sums);
        }
        if sums.authorized > 0 {
            return Status::Authorized;
        }
        if self.is_under_way() {
            return Status::Pending;
        }
        self.closed_status()
    }

    fn closed_status(&self) -> Status {
        if self.any(Phase::Cancelled) || self.any(Phase::Voided) {
            Status::Cancelled
        } else if self.any(Phase::Expired) || self.any(Phase::AuthExpired) {
            Status::Expired
        } else if self.any(Phase::AttemptFailed)
            || self.any(Phase::Abandoned)
            || self.any(Phase::CaptureFailed)
        {
            Status::Failed
        } else {
            Status::Created
        }
    }

    /// An attempt that is neither over nor closed, or a capture that may still come. Money that was reported
    /// but cannot be counted (no amount, other currency) is under way until somebody looks.
    fn is_under_way(&self) -> bool {
        self.operations.iter().any(|(&(kind, _), operation)| match operation.furthest() {
            Phase::CapturePending | Phase::Captured => true,
            Phase::ActionRequired | Phase::Processing | Phase::AwaitingFunds | Phase::Authorized => {
                kind == FactKind::Attempt && !self.is_closed(operation)
            }
            _ => false,
        })
    }

    fn is_closed(&self, operation: &Operation<'_>) -> bool {
        self.payments.get(&operation.payment()).is_some_and(|payment| payment.closed)
    }

    fn any(&self, phase: Phase) -> bool {
        self.counted.iter().any(|fact| fact.key.phase == phase)
    }

    /// Whether money was captured after the order may have been given up, by the facts' own times. Where a
    /// gateway proves no time, money beside a cancel or an expiry counts as late: nobody can show it was not.
    fn money_is_late(&self, expire_time: Option<OffsetDateTime>) -> bool {
        let time_of = |fact: &&&Fact| fact.details.occurred_at;
        let with = |phases: &'static [Phase]| self.counted.iter().filter(|f| phases.contains(&f.key.phase));
        // A voided or expired authorization closed the order too, for whoever watched. Beside unproven times it
        // stays unheld: many gateways void the rest after a partial capture.
        let ended: Vec<_> =
            with(&[Phase::Voided, Phase::AuthExpired]).filter_map(|fact| time_of(&fact)).collect();
        let closings: Vec<_> = with(&[Phase::Cancelled, Phase::Expired]).map(|fact| time_of(&fact)).collect();
        with(&[Phase::Captured]).map(|fact| time_of(&fact)).any(|captured| {
            let after_expire_time = matches!((captured, expire_time), (Some(at), Some(end)) if at > end);
            after_expire_time
                || captured.is_some_and(|captured| ended.iter().any(|end| captured > *end))
                || closings.iter().any(|closed| match (captured, closed) {
                    (Some(captured), Some(closed)) => captured > *closed,
                    _ => true,
                })
        })
    }
}

fn captured_status(expected: i128, sums: &Sums) -> Status {
    let undone = sums.went_back() || sums.returned > 0;
    if undone && sums.left() <= 0 {
        return if sums.refunded >= sums.lost + sums.returned { Status::Refunded } else { Status::Reversed };
    }
    if sums.went_back() {
        Status::PartiallyRefunded
    } else if sums.captured() >= expected {
        Status::Paid
    } else {
        Status::PartiallyCaptured
    }
}

fn dispute(operations: &Operations<'_>) -> Dispute {
    let states = operations.iter().filter(|((kind, _), _)| *kind == FactKind::Dispute);
    let precedence = |state: &Dispute| match state {
        Dispute::Open => 3,
        Dispute::Lost => 2,
        Dispute::Won => 1,
        Dispute::None => 0,
    };
    states.map(|(_, operation)| operation.dispute()).max_by_key(precedence).unwrap_or(Dispute::None)
}

fn latest_failure(operations: &Operations<'_>) -> Option<Failure> {
    let failed = |operation: &&Operation<'_>| {
        matches!(operation.furthest(), Phase::AttemptFailed | Phase::Abandoned | Phase::CaptureFailed)
    };
    operations.values().filter(failed).flat_map(Operation::failures).max().cloned()
}

/// The payment with the most captured, else with the most authorized, else one under way; of equals the
/// smallest id.
fn leading_payment(payments: &Payments<'_>) -> Option<PaymentId> {
    let named = payments.iter().filter_map(|(id, payment)| id.map(|id| (id, payment)));
    let weight = |payment: &Payment| {
        (payment.captured_ever.amount(), payment.authorized_ever.amount(), payment.under_way)
    };
    named.rev().max_by_key(|(_, payment)| weight(payment)).map(|(id, _)| id.clone())
}

/// Nobody said what to expect, so the first currency in which money moved has to do.
fn adopted_currency(counted: &[&Fact]) -> Option<Currency> {
    counted.iter().filter_map(|fact| fact.key.amount.map(Money::currency)).min()
}

fn adopted_expectation(sums: &Sums, currency: Option<Currency>) -> Option<Money> {
    Money::new(minor(sums.authorized_ever.max(sums.captured_ever)), currency?).ok()
}

/// Sums saturate: a total beyond 64 bits is shown as the largest amount there is.
fn minor(sum: i128) -> i64 {
    i64::try_from(sum.max(0)).unwrap_or(i64::MAX)
}
