//! One transaction of a batch, with its facts.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Fact, Registration, Transaction, project};

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

impl Account {
    pub(super) fn new(registration: Registration, now: OffsetDateTime) -> Self {
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

    pub(super) fn is_held(&self) -> bool {
        !self.transaction.state.holds.is_empty()
    }

    pub(super) fn is_adopted_for(&self, registration: &Registration) -> bool {
        let known = &self.transaction.registration;
        known.expected.is_none() && known.gateway == registration.gateway
    }
}

/// Completes a known fact by another report of it. Says whether that changed anything.
pub(super) fn complete(known: &mut Fact, report: &Fact) -> bool {
    let details = known.details.merge(&report.details);
    let correlation = known.correlation.join(&report.correlation);
    let changed = details != known.details || correlation != known.correlation;
    known.details = details;
    known.correlation = correlation;
    changed
}
