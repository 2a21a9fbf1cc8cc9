//! Routing: which transaction each fact of a batch belongs to, and what that wakes.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    account::{Account, Origin},
    fact_key::fact_key,
    ledger::{Ledger, Parked, Payment},
};
use crate::{
    domain::{Correlation, Fact, GatewayId, PaymentId, Registration, TransactionId},
    store::{Evidence, StoreError, Unregistered},
};

impl Ledger<'_> {
    /// Decides what each write is about. Registrations come first, so that a callback in the same batch meets
    /// its transaction; then all bindings, so that the order of callbacks in a batch does not matter.
    pub(super) fn route(&mut self) {
        for (index, registration) in self.registrations() {
            if let Err(conflict) = self.register(index, registration) {
                self.entry(index).verdict = Some(conflict);
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

    /// Only under a reference: a payment adopted by its own name would keep the money from the transaction that a
    /// later event names. What names no transaction waits.
    fn adopt_if_wanted(&mut self, index: usize, evidence: &Evidence) {
        if evidence.unregistered != Unregistered::Adopt {
            return;
        }
        let orphan = |fact: &&Fact| {
            fact.key.held.is_none() && self.target(&evidence.gateway, &fact.correlation).is_none()
        };
        for fact in evidence.facts().iter().filter(orphan).collect::<Vec<_>>() {
            let Some(id) = fact.correlation.reference.clone() else { continue };
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
}
