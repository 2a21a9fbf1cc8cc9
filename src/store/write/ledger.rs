//! What one batch knows and decides: the pages of the store that it touches, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Write, Written, fact_key::fact_key};
use crate::{
    domain::{
        Cause, Correlation, Fact, GatewayId, Mark, PaymentId, Registration, State, Status, Transaction,
        TransactionId, project,
    },
    store::{Evidence, Outcome, Reading, Recorded, StoreError, Unregistered},
};

pub(super) type Payment = (GatewayId, PaymentId);

pub(super) struct Ledger<'a> {
    pub(super) writes: &'a [Write],
    pub(super) now: OffsetDateTime,
    pub(super) accounts: BTreeMap<TransactionId, Account>,
    /// Which transaction each payment belongs to.
    pub(super) bound: HashMap<Payment, TransactionId>,
    pub(super) new_bindings: BTreeMap<Payment, TransactionId>,
    /// Facts that wait, by key; those this batch read and those it adds.
    pub(super) parked: BTreeMap<Uuid, Parked>,
    /// What each write is about, in the order of the writes.
    entries: Vec<Entry>,
    pub(super) updates: Vec<NewUpdate>,
    /// Deliveries that the store had already.
    pub(super) duplicates: HashSet<usize>,
}

/// One transaction of the batch.
pub(super) struct Account {
    pub(super) transaction: Transaction,
    pub(super) facts: BTreeMap<Uuid, Fact>,
    pub(super) origin: Origin,
    /// Facts whose details a later report completed.
    pub(super) dirty: BTreeSet<Uuid>,
    /// Facts that waited for it and are its own from now on.
    pub(super) attached: BTreeSet<Uuid>,
    /// Its state or registration differs from the row.
    pub(super) changed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Stored,
    /// Made in this batch.
    New,
    /// Adopted earlier and registered in this batch.
    Claimed,
}

pub(super) struct Parked {
    pub(super) gateway: GatewayId,
    pub(super) fact: Fact,
    pub(super) dirty: bool,
}

/// A fact of this batch that the store may not have yet.
pub(super) struct Candidate<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) fact: Fact,
    pub(super) target: Option<TransactionId>,
}

pub(super) struct NewUpdate {
    pub(super) transaction: TransactionId,
    pub(super) state: State,
    pub(super) version: u64,
    pub(super) previous: Option<Status>,
    pub(super) cause: Cause,
    pub(super) traceparent: Option<String>,
}

#[derive(Default)]
struct Entry {
    targets: BTreeSet<TransactionId>,
    /// Keys of the facts this write brought, each with its target.
    facts: Vec<(Uuid, Option<TransactionId>)>,
    /// Transactions that gained waiting facts by this write.
    woke: BTreeSet<TransactionId>,
    held: bool,
    verdict: Option<StoreError>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(writes: &'a [Write], now: OffsetDateTime) -> Self {
        Self {
            writes,
            now,
            accounts: BTreeMap::new(),
            bound: HashMap::new(),
            new_bindings: BTreeMap::new(),
            parked: BTreeMap::new(),
            entries: writes.iter().map(|_| Entry::default()).collect(),
            updates: Vec::new(),
            duplicates: HashSet::new(),
        }
    }

    pub(super) fn evidence(&self) -> impl Iterator<Item = (usize, &'a Evidence)> + use<'a> {
        self.writes.iter().enumerate().filter_map(|(index, write)| match write {
            Write::Record(evidence) => Some((index, evidence)),
            Write::Register { .. } => None,
        })
    }

    pub(super) fn registrations(&self) -> impl Iterator<Item = (usize, &'a Registration)> + use<'a> {
        self.writes.iter().enumerate().filter_map(|(index, write)| match write {
            Write::Register { registration, .. } => Some((index, registration)),
            Write::Record(_) => None,
        })
    }

    /// Decides what each write is about. Registrations come first, so that a callback in the same batch meets
    /// its transaction; then all bindings, so that the order of callbacks in a batch does not matter.
    pub(super) fn route(&mut self) {
        for (index, registration) in self.registrations() {
            if let Err(conflict) = self.register(index, registration) {
                self.set_verdict(index, conflict);
            }
        }
        for (index, evidence) in self.evidence() {
            for fact in evidence.facts() {
                self.bind_by_reference(index, evidence, fact);
            }
        }
        for (index, evidence) in self.evidence() {
            self.adopt_if_wanted(index, evidence);
            for fact in evidence.facts() {
                let target = self.target(&evidence.gateway, &fact.correlation);
                let key = fact_key(&evidence.gateway, &fact.key);
                let entry = self.entry(index);
                entry.targets.extend(target.clone());
                entry.facts.push((key, target));
            }
        }
    }

    /// Facts that neither their transaction nor the parking place knows; the rest completes what is known.
    pub(super) fn candidates(&mut self) -> BTreeMap<Uuid, Candidate<'a>> {
        let mut candidates: BTreeMap<Uuid, Candidate<'a>> = BTreeMap::new();
        for (index, evidence) in self.evidence() {
            let routed = std::mem::take(&mut self.entry(index).facts);
            for (fact, (key, target)) in evidence.facts().iter().zip(&routed) {
                if let Some(candidate) = candidates.get_mut(key) {
                    complete(&mut candidate.fact, fact);
                } else if !self.complete_known(*key, target.as_ref(), fact) {
                    let candidate = Candidate { evidence, fact: fact.clone(), target: target.clone() };
                    candidates.insert(*key, candidate);
                }
            }
            self.entry(index).facts = routed;
        }
        candidates
    }

    /// Projects each touched transaction after each write, so that every change has the cause it came from.
    /// `fresh` are the facts that the store took.
    pub(super) fn project(&mut self, mut fresh: BTreeMap<Uuid, Candidate<'a>>) {
        for index in self.in_order_of_effect() {
            let entry = std::mem::take(self.entry(index));
            let mut touched: BTreeSet<&TransactionId> = entry.woke.iter().collect();
            for (key, target) in &entry.facts {
                let Some(id) = target else { continue };
                if let (Some(account), Some(candidate)) = (self.accounts.get_mut(id), fresh.remove(key)) {
                    account.facts.insert(*key, candidate.fact);
                }
                touched.insert(id);
            }
            for id in touched {
                self.project_one(index, id);
            }
            let held = entry.targets.iter().any(|id| self.accounts.get(id).is_some_and(Account::is_held));
            *self.entry(index) = Entry { held, ..entry };
        }
    }

    /// The verdicts, in the order of the writes. Everything changed stands at or before `mark`.
    pub(super) fn into_results(self, mark: Mark) -> Vec<Result<Written, StoreError>> {
        let Self { writes, accounts, entries, duplicates, .. } = self;
        let result = |(index, (write, entry)): (usize, (&Write, Entry))| match (write, entry.verdict) {
            (_, Some(verdict)) => Err(verdict),
            (Write::Record(evidence), None) => Ok(Written::Recorded(Recorded {
                callback_id: evidence.callback_id,
                outcome: outcome(evidence, duplicates.contains(&index), &entry.targets, entry.held),
                transactions: entry.targets.into_iter().collect(),
                mark,
            })),
            (Write::Register { registration, .. }, None) => accounts
                .get(&registration.transaction_id)
                .map(|account| Written::Registered(Box::new(account.transaction.clone()), mark))
                .ok_or_else(|| StoreError::Refused("the registration left no transaction".to_owned())),
        };
        writes.iter().zip(entries).enumerate().map(result).collect()
    }

    fn register(&mut self, index: usize, registration: &Registration) -> Result<(), StoreError> {
        let id = &registration.transaction_id;
        let payment = registration.payment.clone().map(|payment| (registration.gateway.clone(), payment));
        if let Some(payment) = &payment
            && self.bound.get(payment).is_some_and(|owner| owner != id)
        {
            return Err(StoreError::Conflict(format!(
                "gateway payment {} belongs to another transaction",
                payment.1
            )));
        }
        match self.accounts.get_mut(id) {
            None => {
                self.accounts.insert(id.clone(), Account::new(registration.clone(), self.now));
            }
            Some(account) if account.transaction.registration == *registration => {}
            Some(account) if account.is_adopted_for(registration) => {
                account.transaction.registration = registration.clone();
                account.origin = if account.origin == Origin::New { Origin::New } else { Origin::Claimed };
            }
            Some(_) => {
                return Err(StoreError::Conflict(format!(
                    "transaction {id} is registered with other content"
                )));
            }
        }
        if let Some(payment) = payment {
            self.bind(index, &payment, id);
        }
        self.wake_by_reference(index, id);
        self.entry(index).targets.insert(id.clone());
        self.entry(index).woke.insert(id.clone());
        Ok(())
    }

    /// A proven reference to a transaction binds the payment that came with it, for ever.
    fn bind_by_reference(&mut self, index: usize, evidence: &Evidence, fact: &Fact) {
        let Correlation { payment: Some(payment), reference: Some(reference) } = &fact.correlation else {
            return;
        };
        let payment = (evidence.gateway.clone(), payment.clone());
        if fact.key.held.is_none()
            && !self.bound.contains_key(&payment)
            && self.is_of(reference, &evidence.gateway)
        {
            self.bind(index, &payment, reference);
        }
    }

    fn adopt_if_wanted(&mut self, index: usize, evidence: &Evidence) {
        if evidence.unregistered != Unregistered::Adopt {
            return;
        }
        let orphan = |fact: &&Fact| {
            fact.key.held.is_none() && self.target(&evidence.gateway, &fact.correlation).is_none()
        };
        for fact in evidence.facts().iter().filter(orphan).collect::<Vec<_>>() {
            let Some(id) = adopted_id(&fact.correlation) else { continue };
            if self.accounts.contains_key(&id) {
                continue;
            }
            let registration = Registration {
                transaction_id: id.clone(),
                order_id: String::new(),
                gateway: evidence.gateway.clone(),
                payment: None,
                expected: None,
                labels: BTreeMap::new(),
                expire_time: None,
            };
            self.accounts.insert(id.clone(), Account::new(registration, self.now));
            if let Some(payment) = &fact.correlation.payment {
                self.bind(index, &(evidence.gateway.clone(), payment.clone()), &id);
            }
            self.wake_by_reference(index, &id);
        }
    }

    fn target(&self, gateway: &GatewayId, correlation: &Correlation) -> Option<TransactionId> {
        let by_payment =
            correlation.payment.as_ref().and_then(|id| self.bound.get(&(gateway.clone(), id.clone())));
        let by_reference = correlation.reference.as_ref().filter(|id| self.is_of(id, gateway));
        by_payment.or(by_reference).cloned()
    }

    fn is_of(&self, id: &TransactionId, gateway: &GatewayId) -> bool {
        self.accounts.get(id).is_some_and(|account| account.transaction.registration.gateway == *gateway)
    }

    fn bind(&mut self, index: usize, payment: &Payment, id: &TransactionId) {
        if self.bound.insert(payment.clone(), id.clone()).is_some() {
            return;
        }
        self.new_bindings.insert(payment.clone(), id.clone());
        let waits = |parked: &Parked| {
            parked.gateway == payment.0 && parked.fact.correlation.payment.as_ref() == Some(&payment.1)
        };
        self.wake(index, id, waits);
    }

    fn wake_by_reference(&mut self, index: usize, id: &TransactionId) {
        let Some(gateway) =
            self.accounts.get(id).map(|account| account.transaction.registration.gateway.clone())
        else {
            return;
        };
        let waits = |parked: &Parked| {
            parked.gateway == gateway && parked.fact.correlation.reference.as_ref() == Some(id)
        };
        for payment in self.wake(index, id, waits) {
            self.bind(index, &(gateway.clone(), payment), id);
        }
    }

    /// Hands waiting facts to their transaction. Returns the payments they name and may bind.
    fn wake(&mut self, index: usize, id: &TransactionId, waits: impl Fn(&Parked) -> bool) -> Vec<PaymentId> {
        let bound = &self.bound;
        let free = |parked: &Parked| {
            let payment =
                parked.fact.correlation.payment.clone().map(|payment| (parked.gateway.clone(), payment));
            payment.and_then(|payment| bound.get(&payment)).is_none_or(|owner| owner == id)
        };
        let woken: Vec<(Uuid, Parked)> =
            self.parked.extract_if(.., |_, parked| waits(parked) && free(parked)).collect();
        let Some(account) = self.accounts.get_mut(id) else { return Vec::new() };
        let mut payments = Vec::new();
        for (key, parked) in woken {
            if parked.fact.key.held.is_none() {
                payments.extend(parked.fact.correlation.payment.clone());
            }
            account.attached.insert(key);
            account.facts.insert(key, parked.fact);
            self.entries.get_mut(index).map(|entry| entry.woke.insert(id.clone()));
        }
        payments
    }

    fn complete_known(&mut self, key: Uuid, target: Option<&TransactionId>, report: &Fact) -> bool {
        let account = target.and_then(|id| self.accounts.get_mut(id));
        if let Some(account) = account
            && let Some(known) = account.facts.get_mut(&key)
        {
            if complete(known, report) {
                account.dirty.insert(key);
            }
            return true;
        }
        match self.parked.get_mut(&key) {
            Some(parked) if target.is_none() => {
                parked.dirty |= complete(&mut parked.fact, report);
                true
            }
            _ => false,
        }
    }

    fn project_one(&mut self, index: usize, id: &TransactionId) {
        let (cause, traceparent) = match self.writes.get(index) {
            Some(Write::Record(evidence)) => {
                (Cause::Callback(evidence.callback_id), evidence.traceparent.clone())
            }
            Some(Write::Register { traceparent, .. }) => (Cause::Registration, traceparent.clone()),
            None => return,
        };
        let Some(account) = self.accounts.get_mut(id) else { return };
        let transaction = &mut account.transaction;
        let state = project(&transaction.registration, account.facts.values());
        let is_new = transaction.version == 0;
        if !is_new && state == transaction.state {
            return;
        }
        let previous = (!is_new).then_some(transaction.state.status);
        transaction.state = state.clone();
        transaction.version += 1;
        transaction.update_time = self.now;
        account.changed = true;
        let version = transaction.version;
        self.updates.push(NewUpdate {
            transaction: id.clone(),
            state,
            version,
            previous,
            cause,
            traceparent,
        });
    }

    fn in_order_of_effect(&self) -> Vec<usize> {
        self.registrations().map(|(index, _)| index).chain(self.evidence().map(|(index, _)| index)).collect()
    }

    fn set_verdict(&mut self, index: usize, verdict: StoreError) {
        self.entry(index).verdict = Some(verdict);
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "there is one entry per write, and indexes come from enumerating them"
    )]
    fn entry(&mut self, index: usize) -> &mut Entry {
        &mut self.entries[index]
    }
}

impl Account {
    fn new(registration: Registration, now: OffsetDateTime) -> Self {
        let state = project(&registration, []);
        let transaction = Transaction { registration, state, version: 0, create_time: now, update_time: now };
        Self { origin: Origin::New, ..Self::stored(transaction) }
    }

    pub(super) fn stored(transaction: Transaction) -> Self {
        Self {
            transaction,
            facts: BTreeMap::new(),
            origin: Origin::Stored,
            dirty: BTreeSet::new(),
            attached: BTreeSet::new(),
            changed: false,
        }
    }

    fn is_held(&self) -> bool {
        !self.transaction.state.holds.is_empty()
    }

    fn is_adopted_for(&self, registration: &Registration) -> bool {
        let known = &self.transaction.registration;
        known.expected.is_none() && known.gateway == registration.gateway
    }
}

/// An adopted payment goes by its reference, so that a late registration finds it.
pub(super) fn adopted_id(correlation: &Correlation) -> Option<TransactionId> {
    let by_payment = || correlation.payment.as_ref().and_then(|payment| payment.as_str().parse().ok());
    correlation.reference.clone().or_else(by_payment)
}

/// Completes a known fact by another report of it. Says whether that changed anything.
fn complete(known: &mut Fact, report: &Fact) -> bool {
    let details = known.details.merge(&report.details);
    let changed = details != known.details;
    known.details = details;
    changed
}

fn outcome(evidence: &Evidence, duplicate: bool, targets: &BTreeSet<TransactionId>, held: bool) -> Outcome {
    match (&evidence.reading, duplicate) {
        (_, true) => Outcome::Duplicate,
        (Reading::Ignored, false) => Outcome::Ignored,
        (Reading::Unreadable(_), false) => Outcome::Unreadable,
        (Reading::Facts(_), false) if targets.is_empty() => Outcome::Parked,
        (Reading::Facts(_), false) if held => Outcome::Held,
        (Reading::Facts(_), false) => Outcome::Applied,
    }
}

/// What the row of a callback tells of its outcome.
pub(super) fn recorded_outcome(ledger: &Ledger<'_>, index: usize, evidence: &Evidence) -> Outcome {
    let entry = ledger.entries.get(index);
    let none = BTreeSet::new();
    let (targets, held) = entry.map_or((&none, false), |entry| (&entry.targets, entry.held));
    outcome(evidence, false, targets, held)
}
