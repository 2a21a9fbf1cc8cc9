//! What the gateway must be asked about, in the same commit as the callbacks that say so.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::ledger::Ledger;
use crate::{
    domain::{Confirm, GatewayId},
    store::{
        StoreError,
        relation::{Column, Kind, Null, Relation},
        row,
    },
};

const ASKED: &[Column] = &[
    ("gateway", Kind::Text, Null::No),
    ("subject_kind", Kind::Small, Null::No),
    ("subject", Kind::Text, Null::No),
    ("due_at", Kind::Big, Null::No),
    ("asks", Kind::Big, Null::No),
    ("first_key", Kind::Uuid, Null::No),
    ("last_key", Kind::Uuid, Null::No),
];

/// How the callbacks of one batch ask one question: how often, and the dedupe keys of the first and the last.
struct Asked {
    asks: i64,
    first_key: [u8; 16],
    last_key: [u8; 16],
}

/// Makes every query due that a callback asks for. Duplicates ask too: a gateway whose callbacks only name a payment
/// says the same bytes at each of its changes.
///
/// Comes after the callbacks, so that the one that is kept under a dedupe key is found. The rows are taken in the
/// order of their keys, as every batch takes them, so that two batches wait for each other in line.
pub(super) async fn make_due(db: &impl ConnectionTrait, ledger: &Ledger<'_>) -> Result<(), StoreError> {
    let mut relation = Relation::new(ASKED);
    for ((gateway, subject), Asked { asks, first_key, last_key }) in asked(ledger) {
        relation.push([
            row::text(gateway.as_str()),
            subject.code().into(),
            row::text(subject.name()),
            row::micros(ledger.now).into(),
            asks.into(),
            Uuid::from_bytes(first_key).into(),
            Uuid::from_bytes(last_key).into(),
        ]);
    }
    // What waits for later is due now; what is due already keeps its place in line, or a gateway that repeats itself
    // would push its question back for ever. SQLite would take ON CONFLICT for a join's, were there no WHERE.
    let sql = "INSERT INTO due_queries
            (gateway, subject_kind, subject, due_at, asks, first_callback_id, last_callback_id)
        SELECT rows.gateway, rows.subject_kind, rows.subject, rows.due_at, rows.asks,
            first.callback_id, last.callback_id
        FROM rows
        LEFT JOIN callbacks AS first ON first.dedupe_key = rows.first_key
        LEFT JOIN callbacks AS last ON last.dedupe_key = rows.last_key
        WHERE true
        ORDER BY rows.gateway, rows.subject_kind, rows.subject
        ON CONFLICT (gateway, subject_kind, subject) DO UPDATE SET
            due_at = CASE WHEN due_queries.due_at < excluded.due_at
                THEN due_queries.due_at ELSE excluded.due_at END,
            asks = due_queries.asks + excluded.asks,
            last_callback_id = excluded.last_callback_id";
    relation.execute(db, sql).await
}

/// One row per question: a statement may touch each row only once.
fn asked<'a>(ledger: &Ledger<'a>) -> BTreeMap<(&'a GatewayId, &'a Confirm), Asked> {
    let mut asked: BTreeMap<_, Asked> = BTreeMap::new();
    for (_, evidence) in ledger.evidence() {
        let key = evidence.dedupe_key;
        for subject in &evidence.confirm {
            let first = Asked { asks: 0, first_key: key, last_key: key };
            let known = asked.entry((&evidence.gateway, subject)).or_insert(first);
            known.asks += 1;
            known.last_key = key;
        }
    }
    asked
}
