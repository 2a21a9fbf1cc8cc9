//! Which transaction is meant, and the locks that keep a registration and a callback from missing each other.
//!
//! A callback whose transaction is not there yet is parked; a registration takes in what is parked. Each would
//! commit without seeing the other, and the fact would wait for ever. So both first lock the names that the fact
//! and the registration have in common, and look again.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend};

use super::{
    account::Account,
    ledger::{Ledger, Parked, Payment},
    statements::row_lock,
};
use crate::{
    domain::{GatewayId, PaymentId, TransactionId},
    store::{
        StoreError,
        entity::{fact, transaction},
        error,
        relation::{Column, Kind, Null, Relation},
        row,
    },
};

/// Fills the ledger with bindings, parked facts and locked transactions.
pub(super) async fn resolve(db: &impl ConnectionTrait, ledger: &mut Ledger<'_>) -> Result<(), StoreError> {
    let names = Names::of(ledger);
    find_bindings(db, ledger, &names.payments).await?;
    let open = names.not_bound(ledger);
    if !open.is_empty() {
        lock_names(db, &open).await?;
        find_bindings(db, ledger, &open.payments).await?;
        find_parked(db, ledger, open).await?;
    }
    let mut ids: BTreeSet<TransactionId> = names.references.into_iter().map(|(_, id)| id).collect();
    ids.extend(ledger.bound.values().cloned());
    lock_transactions(db, ledger, ids).await
}

/// The names by which facts and registrations find each other.
#[derive(Default)]
struct Names {
    payments: BTreeSet<Payment>,
    references: BTreeSet<(GatewayId, TransactionId)>,
}

impl Names {
    fn of(ledger: &Ledger<'_>) -> Self {
        let mut names = Self::default();
        for (_, registration) in ledger.registrations() {
            names.add_reference(&registration.gateway, Some(registration.transaction_id.clone()));
            names.add_payment(&registration.gateway, registration.payment.as_ref());
        }
        for (_, evidence) in ledger.evidence() {
            for fact in evidence.facts() {
                names.add_reference(&evidence.gateway, fact.correlation.reference.clone());
                names.add_payment(&evidence.gateway, fact.correlation.payment.as_ref());
            }
        }
        names
    }

    fn add_payment(&mut self, gateway: &GatewayId, payment: Option<&PaymentId>) {
        self.payments.extend(payment.map(|payment| (gateway.clone(), payment.clone())));
    }

    fn add_reference(&mut self, gateway: &GatewayId, id: Option<TransactionId>) {
        self.references.extend(id.map(|id| (gateway.clone(), id)));
    }

    /// What may still change hands: everything a write names whose payment belongs to nobody yet.
    fn not_bound(&self, ledger: &Ledger<'_>) -> Self {
        let mut open = Self::default();
        for (_, registration) in ledger.registrations() {
            open.add_reference(&registration.gateway, Some(registration.transaction_id.clone()));
            open.add_payment(&registration.gateway, registration.payment.as_ref());
        }
        for (_, evidence) in ledger.evidence() {
            for fact in evidence.facts() {
                let payment =
                    fact.correlation.payment.clone().map(|payment| (evidence.gateway.clone(), payment));
                if payment.as_ref().is_some_and(|payment| ledger.bound.contains_key(payment)) {
                    continue;
                }
                open.payments.extend(payment);
                open.add_reference(&evidence.gateway, fact.correlation.reference.clone());
            }
        }
        open.payments.retain(|payment| !ledger.bound.contains_key(payment));
        open
    }

    fn is_empty(&self) -> bool {
        self.payments.is_empty() && self.references.is_empty()
    }

    /// One number per name; two names that share one only wait for each other needlessly.
    fn lock_keys(&self) -> BTreeSet<i64> {
        let payments = self
            .payments
            .iter()
            .map(|(gateway, payment)| lock_key(&["payment", gateway.as_str(), payment.as_str()]));
        let references = self.references.iter().map(|(_, id)| lock_key(&["reference", id.as_str()]));
        payments.chain(references).collect()
    }
}

/// FNV-1a, 64 bits.
fn lock_key(parts: &[&str]) -> i64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.cast_signed()
}

const LOCKS: &[Column] = &[("lock_key", Kind::Big, Null::No)];
const PAYMENTS: &[Column] =
    &[("gateway", Kind::Text, Null::No), ("gateway_payment_id", Kind::Text, Null::No)];
const REFERENCES: &[Column] =
    &[("gateway", Kind::Text, Null::No), ("merchant_reference", Kind::Text, Null::No)];
const IDS: &[Column] = &[("id", Kind::Text, Null::No)];

/// In ascending order, as every batch takes them. SQLite has one writer, which is lock enough.
async fn lock_names(db: &impl ConnectionTrait, names: &Names) -> Result<(), StoreError> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let mut keys = Relation::new(LOCKS);
    for key in names.lock_keys() {
        keys.push([key.into()]);
    }
    keys.execute(db, "SELECT pg_advisory_xact_lock(lock_key) FROM rows").await
}

async fn find_bindings(
    db: &impl ConnectionTrait,
    ledger: &mut Ledger<'_>,
    payments: &BTreeSet<Payment>,
) -> Result<(), StoreError> {
    let sql = "SELECT p.gateway, p.gateway_payment_id, p.transaction_id FROM rows
               JOIN payments p ON p.gateway = rows.gateway AND p.gateway_payment_id = rows.gateway_payment_id";
    for found in relation_of(payments).query(db, sql).await? {
        let text = |index| found.try_get_by_index::<String>(index).map_err(error::classify);
        let (gateway, payment, id) = (text(0)?, text(1)?, text(2)?);
        let parsed = gateway.parse().ok().zip(payment.parse().ok()).zip(id.parse().ok());
        let wrong = || StoreError::Inconsistent { table: "payments", what: payment.clone() };
        let (payment, id) = parsed.ok_or_else(wrong)?;
        ledger.bound.insert(payment, id);
    }
    Ok(())
}

/// Reads what waits under these names, and under the payments that those facts name in turn.
async fn find_parked(
    db: &impl ConnectionTrait,
    ledger: &mut Ledger<'_>,
    names: Names,
) -> Result<(), StoreError> {
    let mut payments = names.payments.clone();
    let mut references = Relation::new(REFERENCES);
    for (gateway, id) in &names.references {
        references.push([row::text(gateway.as_str()), row::text(id.as_str())]);
    }
    let sql = format!(
        "SELECT {} FROM rows JOIN facts f ON f.gateway = rows.gateway
         AND f.merchant_reference = rows.merchant_reference AND f.transaction_id IS NULL",
        fact::COLUMNS
    );
    keep_parked(ledger, references.query(db, &sql).await?)?;
    let named =
        |parked: &Parked| parked.fact.correlation.payment.clone().map(|id| (parked.gateway.clone(), id));
    let further: BTreeSet<Payment> =
        ledger.parked.values().filter_map(named).filter(|payment| !payments.contains(payment)).collect();
    if !further.is_empty() {
        let further = Names { payments: further, references: BTreeSet::new() };
        lock_names(db, &further).await?;
        find_bindings(db, ledger, &further.payments).await?;
        payments.extend(further.payments);
    }
    let sql = format!(
        "SELECT {} FROM rows JOIN facts f ON f.gateway = rows.gateway
         AND f.gateway_payment_id = rows.gateway_payment_id AND f.transaction_id IS NULL",
        fact::COLUMNS
    );
    keep_parked(ledger, relation_of(&payments).query(db, &sql).await?)
}

fn keep_parked(ledger: &mut Ledger<'_>, rows: Vec<sea_orm::QueryResult>) -> Result<(), StoreError> {
    for found in rows {
        let model = fact::Model::read(&found).map_err(error::classify)?;
        let key = model.fact_key;
        let wrong = |_| StoreError::Inconsistent { table: "facts", what: format!("gateway of {key}") };
        let gateway = model.gateway.parse().map_err(wrong)?;
        ledger.parked.insert(key, Parked { gateway, fact: row::fact(model)?, dirty: false });
    }
    Ok(())
}

/// In id order, so that two batches never wait for each other in a circle.
async fn lock_transactions(
    db: &impl ConnectionTrait,
    ledger: &mut Ledger<'_>,
    ids: BTreeSet<TransactionId>,
) -> Result<(), StoreError> {
    let mut wanted = Relation::new(IDS);
    for id in ids {
        wanted.push([row::text(id.as_str())]);
    }
    let sql = format!(
        "SELECT {} FROM transactions t WHERE t.transaction_id IN (SELECT id FROM rows)
         ORDER BY t.transaction_id {}",
        transaction::COLUMNS,
        row_lock(db)
    );
    for found in wanted.query(db, &sql).await? {
        let model = transaction::Model::read(&found).map_err(error::classify)?;
        let transaction = row::transaction(model)?;
        ledger.accounts.insert(transaction.registration.transaction_id.clone(), Account::stored(transaction));
    }
    Ok(())
}

fn relation_of(payments: &BTreeSet<Payment>) -> Relation {
    let mut relation = Relation::new(PAYMENTS);
    for (gateway, payment) in payments {
        relation.push([row::text(gateway.as_str()), row::text(payment.as_str())]);
    }
    relation
}
