//! One operation on a payment (an attempt, a capture, a refund, a dispute) and what its facts come to.

use crate::domain::{Currency, Dispute, Fact, FactKind, Failure, Hold, Money, PaymentId, Phase, Tally};

pub(super) struct Operation<'a> {
    /// Never empty, all of one kind.
    facts: Vec<&'a Fact>,
    currency: Option<Currency>,
}

impl<'a> Operation<'a> {
    pub(super) fn new(facts: Vec<&'a Fact>, currency: Option<Currency>) -> Self {
        Self { facts, currency }
    }

    /// The payment it belongs to; of several reports the smallest name, since all of them must agree on one.
    pub(super) fn payment(&self) -> Option<&'a PaymentId> {
        self.facts.iter().filter_map(|fact| fact.correlation.payment.as_ref()).min()
    }

    /// The phase with the highest rank, in the latest round.
    pub(super) fn furthest(&self) -> Phase {
        let place = |fact: &&&Fact| (fact.key.round, fact.key.phase.rank(), fact.key.phase);
        self.facts.iter().max_by_key(place).map_or(Phase::Processing, |fact| fact.key.phase)
    }

    pub(super) fn has(&self, phase: Phase) -> bool {
        self.facts.iter().any(|fact| fact.key.phase == phase)
    }

    /// What this operation alone moved. Of contradicting reports the safe one: the smaller for money that came,
    /// the larger for money that went.
    pub(super) fn single(&self, phase: Phase) -> i128 {
        let amounts = self.amounts(phase, Tally::Single);
        let came = matches!(phase, Phase::Authorized | Phase::Captured);
        let chosen = if came { amounts.min() } else { amounts.max() };
        chosen.unwrap_or(0)
    }

    /// The highest total reported under this operation's name.
    pub(super) fn cumulative(&self, phase: Phase) -> i128 {
        self.amounts(phase, Tally::Cumulative).max().unwrap_or(0)
    }

    /// What came back of a capture: at most what was captured, and all of it where no amount is named.
    pub(super) fn returned(&self) -> i128 {
        if !self.has(Phase::Returned) {
            return 0;
        }
        let captured = self.single(Phase::Captured).max(self.cumulative(Phase::Captured));
        let all_of_it = self.of(Phase::Returned).any(|fact| fact.key.amount.is_none());
        let named = self.single(Phase::Returned).max(self.cumulative(Phase::Returned));
        if all_of_it { captured } else { named.min(captured) }
    }

    /// What this operation had moved before it failed or was reversed, by any of its reports.
    pub(super) fn undone(&self) -> i128 {
        let phases = [Phase::Refunded, Phase::RefundFailed, Phase::RefundReversed];
        phases.into_iter().map(|phase| self.single(phase)).max().unwrap_or(0)
    }

    /// What a lost dispute cost: the largest amount it ever named.
    pub(super) fn lost(&self) -> i128 {
        if self.dispute() != Dispute::Lost {
            return 0;
        }
        self.facts.iter().filter_map(|fact| self.countable(fact)).max().unwrap_or(0)
    }

    /// Where a dispute stands in its latest round. Won and lost at once counts as lost.
    pub(super) fn dispute(&self) -> Dispute {
        match self.furthest() {
            Phase::DisputeLost => Dispute::Lost,
            Phase::DisputeWon => Dispute::Won,
            _ => Dispute::Open,
        }
    }

    pub(super) fn failures(&self) -> impl Iterator<Item = &'a Failure> {
        self.facts.iter().filter_map(|fact| fact.details.failure.as_ref())
    }

    pub(super) fn holds(&self) -> impl Iterator<Item = Hold> {
        let conflict = self.contradicts_itself().then_some(Hold::ConflictingFacts);
        let foreign = self.facts.iter().any(|fact| self.is_foreign(fact)).then_some(Hold::CurrencyMismatch);
        // A return that names no capture of its own cannot be subtracted from anything.
        let homeless = self.has(Phase::Returned) && !self.has(Phase::Captured);
        let unnamed = (homeless || self.moves_an_unknown_amount()).then_some(Hold::ConfirmationRequired);
        [conflict, foreign, unnamed].into_iter().flatten()
    }

    /// Same operation and phase, other amount; or one round both won and lost.
    fn contradicts_itself(&self) -> bool {
        let same_statement = |a: &Fact, b: &Fact| {
            (a.key.phase, a.key.round) == (b.key.phase, b.key.round)
                && (a.key.tally, b.key.tally) == (Tally::Single, Tally::Single)
        };
        let amounts_differ = |a: &Fact, b: &Fact| {
            a.key.amount.is_some() && b.key.amount.is_some() && a.key.amount != b.key.amount
        };
        let both_ends = |a: &Fact, b: &Fact| {
            a.key.round == b.key.round
                && (a.key.phase, b.key.phase) == (Phase::DisputeWon, Phase::DisputeLost)
        };
        self.facts.iter().any(|a| {
            self.facts.iter().any(|b| (same_statement(a, b) && amounts_differ(a, b)) || both_ends(a, b))
        })
    }

    /// Money moved, and no report says how much.
    fn moves_an_unknown_amount(&self) -> bool {
        let moves = match self.facts.first().map(|fact| fact.key.phase.kind()) {
            Some(FactKind::Attempt) => self.furthest() == Phase::Authorized,
            Some(FactKind::Capture) => self.has(Phase::Captured),
            Some(FactKind::Refund) => self.furthest() == Phase::Refunded,
            Some(FactKind::Dispute) => self.dispute() == Dispute::Lost,
            _ => false,
        };
        moves && self.facts.iter().all(|fact| fact.key.amount.is_none())
    }

    fn amounts(&self, phase: Phase, tally: Tally) -> impl Iterator<Item = i128> {
        self.of(phase).filter(move |fact| fact.key.tally == tally).filter_map(|fact| self.countable(fact))
    }

    fn of(&self, phase: Phase) -> impl Iterator<Item = &'a Fact> {
        self.facts.iter().copied().filter(move |fact| fact.key.phase == phase)
    }

    fn countable(&self, fact: &Fact) -> Option<i128> {
        let money = fact.key.amount.filter(|money| Some(money.currency()) == self.currency)?;
        Some(i128::from(money.minor_units()))
    }

    fn is_foreign(&self, fact: &Fact) -> bool {
        fact.key.amount.map(Money::currency).is_some_and(|currency| Some(currency) != self.currency)
    }
}
