//! Evidence of callbacks that could not prove themselves, within a quota: anybody can send them, so what they may
//! cost is bounded in rows, bytes and time.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    Rejected, Store, StoreError, error,
    relation::{Column, Kind, Null, Relation},
    row,
};

/// Newest rows kept per gateway.
const MAX_ROWS: i64 = 1000;
/// Newest bytes kept per gateway.
const MAX_BYTES: i64 = 1024 * 1024;
/// Of one body.
const MAX_BODY: usize = 4096;
/// Waiting to be written; what comes on top is only counted.
const MAX_WAITING: usize = 64;
/// Between two writes: a flood costs one small transaction in this time.
const PACE: Duration = Duration::from_millis(200);

#[derive(Clone, Debug)]
pub(super) struct Rejections(mpsc::Sender<Rejected>);

impl Rejections {
    pub(super) fn start(store: Store) -> Self {
        let (sender, waiting) = mpsc::channel(MAX_WAITING);
        tokio::spawn(run(store, waiting));
        Self(sender)
    }

    pub(super) fn keep(&self, rejected: Rejected) {
        // Full means a flood: what is kept already shows it.
        let _ = self.0.try_send(rejected);
    }
}

async fn run(store: Store, mut waiting: mpsc::Receiver<Rejected>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, MAX_WAITING).await > 0 {
        // Evidence of forgeries is worth having, not worth retrying.
        let _ = write(&store, std::mem::take(&mut batch)).await;
        tokio::time::sleep(PACE).await;
    }
}

const REJECTED: &[Column] = &[
    ("id", Kind::Uuid, Null::No),
    ("gateway", Kind::Text, Null::No),
    ("receive_time", Kind::Big, Null::No),
    ("remote_address", Kind::Text, Null::No),
    ("request_line", Kind::Text, Null::No),
    ("headers", Kind::Text, Null::No),
    ("body", Kind::Bytes, Null::No),
    ("reason", Kind::Text, Null::No),
];

async fn write(store: &Store, batch: Vec<Rejected>) -> Result<(), StoreError> {
    let mut relation = Relation::new(REJECTED);
    let mut gateways: Vec<String> = Vec::new();
    for (order, rejected) in (0_u16..).zip(batch) {
        let Rejected { gateway, received_at, remote_address, request_line, headers, mut body, reason } =
            rejected;
        body.truncate(MAX_BODY);
        relation.push([
            time_ordered_id(row::micros(received_at), order).into(),
            row::text(gateway.as_str()),
            row::micros(received_at).into(),
            row::text(remote_address),
            row::text(request_line),
            row::text(headers),
            body.into(),
            row::text(reason),
        ]);
        gateways.push(gateway.to_string());
    }
    let sql = relation.insert_into("rejected_callbacks");
    relation.execute(&store.writer, &sql).await?;
    gateways.sort();
    gateways.dedup();
    for gateway in gateways {
        drop_oldest(store, gateway).await?;
    }
    Ok(())
}

async fn drop_oldest(store: &Store, gateway: String) -> Result<(), StoreError> {
    let sql = "DELETE FROM rejected_callbacks WHERE gateway = $1 AND id IN (
        SELECT id FROM (
            SELECT id, row_number() OVER newest AS place, sum(length(body) + length(headers) + length(request_line)) OVER newest AS bytes
            FROM rejected_callbacks WHERE gateway = $1 WINDOW newest AS (ORDER BY id DESC)
        ) AS kept WHERE place > $2 OR bytes > $3)";
    let values = [gateway.into(), MAX_ROWS.into(), MAX_BYTES.into()];
    let delete = Statement::from_sql_and_values(store.backend(), sql, values);
    store.writer.execute_raw(delete).await.map(drop).map_err(error::classify)
}

/// A version 7 UUID (RFC 9562): milliseconds first, so that ids sort by age.
fn time_ordered_id(micros: i64, order: u16) -> Uuid {
    let millis = u64::try_from(micros / 1000).unwrap_or(0);
    let (random, _) = Uuid::new_v4().as_u64_pair();
    let mut bytes = [0_u8; 10];
    let (head, tail) = bytes.split_at_mut(2);
    head.copy_from_slice(&order.to_be_bytes());
    tail.copy_from_slice(&random.to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}
