//! Writing the ledger out: callbacks, payments, transactions, and last the feed.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use uuid::Uuid;

use super::{
    account::{Account, Origin},
    due_queries, facts,
    ledger::{Ledger, NewUpdate, recorded_outcome},
};
use crate::{
    domain::{Mark, Money, State, Status, Transaction},
    store::{
        Outcome, Reading, StoreError, error,
        relation::{Column, Kind, Null, Relation},
        row,
    },
};

/// Returns the mark at or before which everything stands that this batch changed.
pub(super) async fn write_out(
    db: &impl ConnectionTrait,
    ledger: &mut Ledger<'_>,
) -> Result<Mark, StoreError> {
    facts::update(db, ledger).await?;
    insert_callbacks(db, ledger).await?;
    due_queries::make_due(db, ledger).await?;
    insert_payments(db, ledger).await?;
    insert_transactions(db, ledger).await?;
    update_transactions(db, ledger).await?;
    append_updates(db, ledger).await
}

/// How a row is locked while it is read. SQLite's writer holds the whole file.
pub(super) fn row_lock(db: &impl ConnectionTrait) -> &'static str {
    if db.get_database_backend() == DbBackend::Postgres { "FOR UPDATE" } else { "" }
}

const CALLBACKS: &[Column] = &[
    ("callback_id", Kind::Uuid, Null::No),
    ("gateway", Kind::Text, Null::No),
    ("dedupe_key", Kind::Uuid, Null::No),
    ("receive_time", Kind::Big, Null::No),
    ("request_line", Kind::Text, Null::No),
    ("headers", Kind::Text, Null::No),
    ("body", Kind::Bytes, Null::No),
    ("key_id", Kind::Text, Null::No),
    ("outcome", Kind::Small, Null::No),
    ("reason", Kind::Text, Null::Yes),
];

/// In the order of the keys, so that two batches with the same deliveries wait for each other in line.
async fn insert_callbacks(db: &impl ConnectionTrait, ledger: &mut Ledger<'_>) -> Result<(), StoreError> {
    let mut deliveries: Vec<_> = ledger.evidence().collect();
    deliveries.sort_by_key(|(index, evidence)| (evidence.dedupe_key, *index));
    let mut relation = Relation::new(CALLBACKS);
    let mut seen = HashSet::new();
    for (index, evidence) in &deliveries {
        if !seen.insert(evidence.dedupe_key) {
            ledger.duplicates.insert(*index);
            continue;
        }
        let reason = match &evidence.reading {
            Reading::Unreadable(reason) => Some(reason),
            Reading::Facts(_) | Reading::Ignored => None,
        };
        relation.push([
            row::uuid(evidence.callback_id).into(),
            row::text(evidence.gateway.as_str()),
            Uuid::from_bytes(evidence.dedupe_key).into(),
            row::micros(evidence.received_at).into(),
            row::text(evidence.request_line.as_str()),
            row::text(evidence.headers.as_str()),
            evidence.body.clone().into(),
            row::text(evidence.key_id.as_str()),
            outcome_code(recorded_outcome(ledger, *index, evidence)).into(),
            row::optional_text(reason),
        ]);
    }
    let insert = relation.insert_into("callbacks");
    let sql = format!("{insert} ON CONFLICT (dedupe_key) DO NOTHING RETURNING callback_id");
    let mut inserted = HashSet::new();
    for found in relation.query(db, &sql).await? {
        inserted.insert(found.try_get_by_index::<Uuid>(0).map_err(error::classify)?);
    }
    let known =
        deliveries.iter().filter(|(_, evidence)| !inserted.contains(&row::uuid(evidence.callback_id)));
    ledger.duplicates.extend(known.map(|(index, _)| *index));
    Ok(())
}

/// As the wire numbers them.
fn outcome_code(outcome: Outcome) -> i16 {
    match outcome {
        Outcome::Applied => 1,
        Outcome::Duplicate => 2,
        Outcome::Parked => 3,
        Outcome::Ignored => 4,
        Outcome::Held => 5,
        Outcome::Unreadable => 6,
    }
}

const PAYMENTS: &[Column] = &[
    ("gateway", Kind::Text, Null::No),
    ("gateway_payment_id", Kind::Text, Null::No),
    ("transaction_id", Kind::Text, Null::No),
];

/// Under the locks on their names these rows cannot be there yet; if they are, the whole batch must not stand.
async fn insert_payments(db: &impl ConnectionTrait, ledger: &Ledger<'_>) -> Result<(), StoreError> {
    let mut relation = Relation::new(PAYMENTS);
    for ((gateway, payment), id) in &ledger.new_bindings {
        relation.push([row::text(gateway.as_str()), row::text(payment.as_str()), row::text(id.as_str())]);
    }
    let sql = relation.insert_into("payments");
    relation.execute(db, &sql).await
}

const REGISTERED: &[Column] = &[
    ("transaction_id", Kind::Text, Null::No),
    ("order_id", Kind::Text, Null::No),
    ("gateway", Kind::Text, Null::No),
    ("payment_registered", Kind::Flag, Null::No),
    ("registered", Kind::Flag, Null::No),
    ("labels", Kind::Text, Null::No),
    ("expire_time", Kind::Big, Null::Yes),
    ("create_time", Kind::Big, Null::No),
];

async fn insert_transactions(db: &impl ConnectionTrait, ledger: &Ledger<'_>) -> Result<(), StoreError> {
    let mut relation = Relation::new(REGISTERED);
    let mut claimed = Relation::new(REGISTERED);
    for account in ledger.accounts.values() {
        match account.origin {
            Origin::New => relation.push(registration_cells(account)),
            Origin::Claimed => claimed.push(registration_cells(account)),
            Origin::Stored => {}
        }
    }
    // The projection follows in the update that every changed transaction gets.
    let sql = "INSERT INTO transactions (transaction_id, order_id, gateway, payment_registered, registered, labels,
            expire_time, create_time, status, authorized, captured, refunded, lost, dispute, holds, version, update_time)
        SELECT transaction_id, order_id, gateway, payment_registered, registered, labels,
            expire_time, create_time, 1, 0, 0, 0, 0, 1, 0, 0, create_time FROM rows";
    relation.execute(db, sql).await?;
    let sql =
        "UPDATE transactions SET order_id = rows.order_id, payment_registered = rows.payment_registered,
            registered = rows.registered, labels = rows.labels, expire_time = rows.expire_time
        FROM rows WHERE transactions.transaction_id = rows.transaction_id";
    claimed.execute(db, sql).await
}

fn registration_cells(account: &Account) -> [Value; 8] {
    let registration = &account.transaction.registration;
    [
        row::text(registration.transaction_id.as_str()),
        row::text(registration.order_id.as_str()),
        row::text(registration.gateway.as_str()),
        registration.payment.is_some().into(),
        registration.expected.is_some().into(),
        row::labels(&registration.labels),
        row::optional_time(registration.expire_time),
        row::micros(account.transaction.create_time).into(),
    ]
}

const PROJECTED: &[Column] = &[
    ("id", Kind::Text, Null::No),
    ("gateway_payment_id", Kind::Text, Null::Yes),
    ("expected", Kind::Big, Null::Yes),
    ("currency", Kind::Text, Null::Yes),
    ("status", Kind::Small, Null::No),
    ("authorized", Kind::Big, Null::No),
    ("captured", Kind::Big, Null::No),
    ("refunded", Kind::Big, Null::No),
    ("lost", Kind::Big, Null::No),
    ("dispute", Kind::Small, Null::No),
    ("holds", Kind::Small, Null::No),
    ("failure_at", Kind::Big, Null::Yes),
    ("failure_code", Kind::Text, Null::Yes),
    ("failure_message", Kind::Text, Null::Yes),
    ("version", Kind::Big, Null::No),
    ("update_time", Kind::Big, Null::No),
];

async fn update_transactions(db: &impl ConnectionTrait, ledger: &Ledger<'_>) -> Result<(), StoreError> {
    let mut relation = Relation::new(PROJECTED);
    for (id, account) in ledger.accounts.iter().filter(|(_, account)| account.changed) {
        let Transaction { state, version, update_time, .. } = &account.transaction;
        let change = [version_cell(*version), row::micros(*update_time).into()];
        relation.push([row::text(id.as_str())].into_iter().chain(state_cells(state)).chain(change));
    }
    let sql = "UPDATE transactions SET gateway_payment_id = rows.gateway_payment_id, expected = rows.expected,
            currency = rows.currency, status = rows.status, authorized = rows.authorized, captured = rows.captured,
            refunded = rows.refunded, lost = rows.lost, dispute = rows.dispute, holds = rows.holds,
            failure_at = rows.failure_at, failure_code = rows.failure_code, failure_message = rows.failure_message,
            version = rows.version, update_time = rows.update_time
        FROM rows WHERE transactions.transaction_id = rows.id";
    relation.execute(db, sql).await
}

const UPDATES: &[Column] = &[
    ("position", Kind::Big, Null::No),
    ("transaction_id", Kind::Text, Null::No),
    ("version", Kind::Big, Null::No),
    ("previous_status", Kind::Small, Null::Yes),
    ("gateway_payment_id", Kind::Text, Null::Yes),
    ("expected", Kind::Big, Null::Yes),
    ("currency", Kind::Text, Null::Yes),
    ("status", Kind::Small, Null::No),
    ("authorized", Kind::Big, Null::No),
    ("captured", Kind::Big, Null::No),
    ("refunded", Kind::Big, Null::No),
    ("lost", Kind::Big, Null::No),
    ("dispute", Kind::Small, Null::No),
    ("holds", Kind::Small, Null::No),
    ("failure_at", Kind::Big, Null::Yes),
    ("failure_code", Kind::Text, Null::Yes),
    ("failure_message", Kind::Text, Null::Yes),
    ("cause", Kind::Small, Null::No),
    ("cause_id", Kind::Text, Null::Yes),
    ("record_time", Kind::Big, Null::No),
    ("traceparent", Kind::Text, Null::Yes),
];

/// Takes the head, as the last lock of all, and numbers the updates behind it.
async fn append_updates(db: &impl ConnectionTrait, ledger: &Ledger<'_>) -> Result<Mark, StoreError> {
    let Some(last) = ledger.updates.last() else { return read_mark(db).await };
    let count = ledger.updates.len() as u64;
    let head = take_head(db, count, Mark::of(0, &last.transaction, last.version).checksum).await?;
    let mut relation = Relation::new(UPDATES);
    for (position, update) in (head.position + 1 - count..).zip(&ledger.updates) {
        relation.push(update_cells(ledger, position, update));
    }
    let sql = relation.insert_into("updates");
    relation.execute(db, &sql).await?;
    Ok(head)
}

fn update_cells(ledger: &Ledger<'_>, position: u64, update: &NewUpdate) -> impl Iterator<Item = Value> {
    let (cause, cause_id) = row::cause(&update.cause);
    let place = [
        version_cell(position),
        row::text(update.transaction.as_str()),
        version_cell(update.version),
        update.previous.map(Status::code).into(),
    ];
    let origin = [
        cause.into(),
        cause_id,
        row::micros(ledger.now).into(),
        row::optional_text(update.traceparent.as_ref()),
    ];
    place.into_iter().chain(state_cells(&update.state)).chain(origin)
}

fn state_cells(state: &State) -> [Value; 13] {
    let failure = state.failure.as_ref();
    [
        row::optional_text(state.payment.as_ref()),
        state.expected.map(Money::minor_units).into(),
        row::optional_text(state.expected.map(Money::currency)),
        state.status.code().into(),
        state.authorized.into(),
        state.captured.into(),
        state.refunded.into(),
        state.lost.into(),
        state.dispute.code().into(),
        state.holds.bits().into(),
        row::optional_time(failure.and_then(|failure| failure.at)),
        row::optional_text(failure.map(|failure| &failure.code)),
        row::optional_text(failure.map(|failure| &failure.message)),
    ]
}

fn version_cell(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

async fn take_head(db: &impl ConnectionTrait, count: u64, checksum: u32) -> Result<Mark, StoreError> {
    let backend = db.get_database_backend();
    let sql = "UPDATE feed_head SET position = position + $1, checksum = $2 WHERE shard = 0
               RETURNING position, checksum";
    let values = [version_cell(count), i64::from(checksum).into()];
    let statement = Statement::from_sql_and_values(backend, sql, values);
    mark(db.query_one_raw(statement).await.map_err(error::classify)?)
}

async fn read_mark(db: &impl ConnectionTrait) -> Result<Mark, StoreError> {
    let sql = "SELECT position, checksum FROM feed_head WHERE shard = 0";
    let statement = Statement::from_string(db.get_database_backend(), sql);
    mark(db.query_one_raw(statement).await.map_err(error::classify)?)
}

fn mark(head: Option<QueryResult>) -> Result<Mark, StoreError> {
    let wrong = || StoreError::Inconsistent { table: "feed_head", what: "shard 0".to_owned() };
    let head = head.ok_or_else(wrong)?;
    let number = |index| head.try_get_by_index::<i64>(index).map_err(error::classify);
    let position = u64::try_from(number(0)?).map_err(|_| wrong())?;
    let checksum = u32::try_from(number(1)?).map_err(|_| wrong())?;
    Ok(Mark { position, checksum })
}
