//! What one batch knows and decides: the pages of the store that it touches, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Write, Written,
    account::{Account, complete},
};
use crate::{
    domain::{Cause, Fact, GatewayId, Mark, PaymentId, Registration, State, Status, TransactionId, project},
    store::{Evidence, Outcome, Reading, Recorded, StoreError},
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
    pub(super) entries: Vec<Entry>,
    pub(super) updates: Vec<NewUpdate>,
    /// Deliveries that the store had already.
    pub(super) duplicates: HashSet<usize>,
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

/// One write's line in the ledger.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) targets: BTreeSet<TransactionId>,
    /// Keys of the facts this write brought, each with its target.
    pub(super) facts: Vec<(Uuid, Option<TransactionId>)>,
    /// Transactions that gained waiting facts by this write.
    pub(super) woke: BTreeSet<TransactionId>,
    held: bool,
    pub(super) verdict: Option<StoreError>,
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

    /// Facts that neither their transaction nor the parking place knows; the rest completes what is known.
    pub(super) fn candidates(&mut self) -> BTreeMap<Uuid, Candidate<'a>> {
        let mut candidates: BTreeMap<Uuid, Candidate<'a>> = BTreeMap::new();
        for (index, evidence) in self.evidence() {
            let routed = std::mem::take(&mut self.entry(index).facts);
            for (fact, (key, target)) in evidence.facts().iter().zip(&routed) {
                if let Some(candidate) = candidates.get_mut(key) {
                    complete(&mut candidate.fact, fact);
                    // One report knows its transaction, the other did not.
                    candidate.target = candidate.target.take().or_else(|| target.clone());
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

    #[expect(
        clippy::indexing_slicing,
        reason = "there is one entry per write, and indexes come from enumerating them"
    )]
    pub(super) fn entry(&mut self, index: usize) -> &mut Entry {
        &mut self.entries[index]
    }
}

fn outcome(evidence: &Evidence, duplicate: bool, targets: &BTreeSet<TransactionId>, held: bool) -> Outcome {
    match (&evidence.reading, duplicate) {
        (_, true) => Outcome::Duplicate,
        (Reading::Ignored, false) if evidence.confirm.is_empty() => Outcome::Ignored,
        (Reading::Ignored, false) => Outcome::Held,
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
