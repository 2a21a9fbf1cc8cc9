//! Facts in and out of the ledger.

use std::collections::{BTreeMap, HashSet};

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::ledger::{Candidate, Ledger};
use crate::{
    domain::{Details, Fact, Hold, Money, Tally, TransactionId},
    store::{
        StoreError,
        entity::fact,
        error,
        relation::{Column, Kind, Null, Relation},
        row,
    },
};

const IDS: &[Column] = &[("id", Kind::Text, Null::No)];

/// Reads the facts of every transaction in the ledger.
pub(super) async fn load(db: &impl ConnectionTrait, ledger: &mut Ledger<'_>) -> Result<(), StoreError> {
    let mut ids = Relation::new(IDS);
    for id in ledger.accounts.keys() {
        ids.push([row::text(id.as_str())]);
    }
    let sql =
        format!("SELECT {} FROM facts f WHERE f.transaction_id IN (SELECT id FROM rows)", fact::COLUMNS);
    for found in ids.query(db, &sql).await? {
        let model = fact::Model::read(&found).map_err(error::classify)?;
        let key = model.fact_key;
        let owner: Option<TransactionId> = model.transaction_id.as_deref().and_then(|id| id.parse().ok());
        let fact = row::fact(model)?;
        if let Some(account) = owner.and_then(|id| ledger.accounts.get_mut(&id)) {
            account.facts.insert(key, fact);
        }
    }
    Ok(())
}

const FACTS: &[Column] = &[
    ("fact_key", Kind::Uuid, Null::No),
    ("gateway", Kind::Text, Null::No),
    ("transaction_id", Kind::Text, Null::Yes),
    ("gateway_payment_id", Kind::Text, Null::Yes),
    ("merchant_reference", Kind::Text, Null::Yes),
    ("phase", Kind::Small, Null::No),
    ("operation_id", Kind::Text, Null::No),
    ("round", Kind::Small, Null::No),
    ("amount", Kind::Big, Null::Yes),
    ("currency", Kind::Text, Null::Yes),
    ("cumulative", Kind::Flag, Null::No),
    ("held", Kind::Small, Null::Yes),
    ("occurred_at", Kind::Big, Null::Yes),
    ("failure_at", Kind::Big, Null::Yes),
    ("failure_code", Kind::Text, Null::Yes),
    ("failure_message", Kind::Text, Null::Yes),
    ("callback_id", Kind::Uuid, Null::No),
];

/// Inserts the facts that are new and returns them: what another replica had first is left out.
///
/// A fact that waits under a name of its own comes along when a report of it finds its transaction, and learns the
/// other name when a report knows it.
pub(super) async fn insert<'a>(
    db: &impl ConnectionTrait,
    ledger: &mut Ledger<'a>,
) -> Result<BTreeMap<Uuid, Candidate<'a>>, StoreError> {
    let mut candidates = ledger.candidates();
    let mut relation = Relation::new(FACTS);
    for (key, candidate) in &candidates {
        relation.push(cells(*key, candidate));
    }
    let insert = relation.insert_into("facts");
    let sql = format!(
        "{insert}
         ON CONFLICT (fact_key) DO UPDATE SET
             transaction_id = excluded.transaction_id,
             gateway_payment_id = COALESCE(facts.gateway_payment_id, excluded.gateway_payment_id),
             merchant_reference = COALESCE(facts.merchant_reference, excluded.merchant_reference)
         WHERE facts.transaction_id IS NULL AND (excluded.transaction_id IS NOT NULL
             OR (facts.gateway_payment_id IS NULL AND excluded.gateway_payment_id IS NOT NULL)
             OR (facts.merchant_reference IS NULL AND excluded.merchant_reference IS NOT NULL))
         RETURNING fact_key"
    );
    let mut taken = HashSet::new();
    for found in relation.query(db, &sql).await? {
        taken.insert(found.try_get_by_index::<Uuid>(0).map_err(error::classify)?);
    }
    candidates.retain(|key, _| taken.contains(key));
    Ok(candidates)
}

const CHANGES: &[Column] = &[
    ("fact_key", Kind::Uuid, Null::No),
    ("owner", Kind::Text, Null::Yes),
    ("gateway_payment_id", Kind::Text, Null::Yes),
    ("merchant_reference", Kind::Text, Null::Yes),
    ("occurred_at", Kind::Big, Null::Yes),
    ("failure_at", Kind::Big, Null::Yes),
    ("failure_code", Kind::Text, Null::Yes),
    ("failure_message", Kind::Text, Null::Yes),
];

/// Rewrites the facts that found their transaction or that a later report completed.
pub(super) async fn update(db: &impl ConnectionTrait, ledger: &Ledger<'_>) -> Result<(), StoreError> {
    let mut changes = Relation::new(CHANGES);
    for (id, account) in &ledger.accounts {
        for key in account.attached.union(&account.dirty) {
            if let Some(fact) = account.facts.get(key) {
                changes.push(change(*key, Some(id), fact));
            }
        }
    }
    for (key, parked) in ledger.parked.iter().filter(|(_, parked)| parked.dirty) {
        changes.push(change(*key, None, &parked.fact));
    }
    // A fact that found its transaction meanwhile keeps it.
    let sql = "UPDATE facts SET transaction_id = COALESCE(rows.owner, facts.transaction_id),
        gateway_payment_id = rows.gateway_payment_id, merchant_reference = rows.merchant_reference,
        occurred_at = rows.occurred_at, failure_at = rows.failure_at, failure_code = rows.failure_code,
        failure_message = rows.failure_message
        FROM rows WHERE facts.fact_key = rows.fact_key";
    changes.execute(db, sql).await
}

fn cells(key: Uuid, candidate: &Candidate<'_>) -> [Value; 17] {
    let fact = &candidate.fact;
    let [occurred, failed, code, message] = details(&fact.details);
    [
        key.into(),
        row::text(candidate.evidence.gateway.as_str()),
        row::optional_text(candidate.target.as_ref()),
        row::optional_text(fact.correlation.payment.as_ref()),
        row::optional_text(fact.correlation.reference.as_ref()),
        fact.key.phase.code().into(),
        row::text(fact.key.operation.as_str()),
        i16::try_from(fact.key.round).unwrap_or(i16::MAX).into(),
        fact.key.amount.map(Money::minor_units).into(),
        row::optional_text(fact.key.amount.map(Money::currency)),
        (fact.key.tally == Tally::Cumulative).into(),
        fact.key.held.map(Hold::code).into(),
        occurred,
        failed,
        code,
        message,
        row::uuid(candidate.evidence.callback_id).into(),
    ]
}

fn change(key: Uuid, owner: Option<&TransactionId>, fact: &Fact) -> impl Iterator<Item = Value> {
    let names = [
        key.into(),
        row::optional_text(owner),
        row::optional_text(fact.correlation.payment.as_ref()),
        row::optional_text(fact.correlation.reference.as_ref()),
    ];
    names.into_iter().chain(details(&fact.details))
}

fn details(details: &Details) -> [Value; 4] {
    let failure = details.failure.as_ref();
    [
        row::optional_time(details.occurred_at),
        row::optional_time(failure.and_then(|failure| failure.at)),
        row::optional_text(failure.map(|failure| &failure.code)),
        row::optional_text(failure.map(|failure| &failure.message)),
    ]
}
