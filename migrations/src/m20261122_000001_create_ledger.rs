//! The ledger: what is expected, what was said, what follows from it, and the log of changes.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261122_000001_create_ledger"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for statement in UP {
            manager.get_connection().execute_unprepared(&dialect(statement, backend)).await?;
        }
        if backend == DbBackend::Postgres {
            for statement in POSTGRES_STORAGE {
                manager.get_connection().execute_unprepared(statement).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in
            ["updates", "facts", "callbacks", "rejected_callbacks", "payments", "transactions", "feed_head"]
        {
            manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// The types that the two databases name differently.
fn dialect(statement: &str, backend: DbBackend) -> String {
    match backend {
        // A key of SQLite's own integer type is the row's place itself, without an index beside it.
        DbBackend::Sqlite => statement
            .replace("uuid", "blob")
            .replace("bytea", "blob")
            .replace("position bigint NOT NULL PRIMARY KEY", "position integer NOT NULL PRIMARY KEY"),
        _ => statement.to_owned(),
    }
}

const UP: &[&str] = &[
    // Registration and projection in one narrow row. No index on what changes, so that PostgreSQL updates in place (HOT).
    "CREATE TABLE transactions (
        transaction_id text NOT NULL PRIMARY KEY,
        order_id text NOT NULL,
        gateway text NOT NULL,
        gateway_payment_id text,
        payment_registered boolean NOT NULL,
        registered boolean NOT NULL,
        expected bigint,
        currency text,
        labels text NOT NULL,
        expire_time bigint,
        status smallint NOT NULL,
        authorized bigint NOT NULL,
        captured bigint NOT NULL,
        refunded bigint NOT NULL,
        lost bigint NOT NULL,
        dispute smallint NOT NULL,
        holds smallint NOT NULL,
        failure_at bigint,
        failure_code text,
        failure_message text,
        version bigint NOT NULL,
        create_time bigint NOT NULL,
        update_time bigint NOT NULL
    )",
    // Which transaction a gateway's payment belongs to, for ever. A transaction may have several: a customer who
    // tries another card makes another payment at many gateways.
    "CREATE TABLE payments (
        gateway text NOT NULL,
        gateway_payment_id text NOT NULL,
        transaction_id text NOT NULL,
        PRIMARY KEY (gateway, gateway_payment_id)
    )",
    "CREATE TABLE callbacks (
        callback_id uuid NOT NULL PRIMARY KEY,
        gateway text NOT NULL,
        dedupe_key uuid NOT NULL UNIQUE,
        receive_time bigint NOT NULL,
        request_line text NOT NULL,
        headers text NOT NULL,
        body bytea NOT NULL,
        key_id text NOT NULL,
        outcome smallint NOT NULL,
        reason text
    )",
    "CREATE TABLE rejected_callbacks (
        id uuid NOT NULL PRIMARY KEY,
        gateway text NOT NULL,
        receive_time bigint NOT NULL,
        remote_address text NOT NULL,
        request_line text NOT NULL,
        headers text NOT NULL,
        body bytea NOT NULL,
        reason text NOT NULL
    )",
    "CREATE INDEX rejected_callbacks_by_gateway ON rejected_callbacks (gateway, id)",
    // fact_key is the digest of (gateway, kind and phase, operation, round, amount, currency, tally, held).
    "CREATE TABLE facts (
        fact_key uuid NOT NULL PRIMARY KEY,
        gateway text NOT NULL,
        transaction_id text,
        gateway_payment_id text,
        merchant_reference text,
        phase smallint NOT NULL,
        operation_id text NOT NULL,
        round smallint NOT NULL,
        amount bigint,
        currency text,
        cumulative boolean NOT NULL,
        held smallint,
        occurred_at bigint,
        failure_at bigint,
        failure_code text,
        failure_message text,
        callback_id uuid
    )",
    "CREATE INDEX facts_by_transaction ON facts (transaction_id) WHERE transaction_id IS NOT NULL",
    "CREATE INDEX facts_parked_by_payment ON facts (gateway, gateway_payment_id) WHERE transaction_id IS NULL",
    "CREATE INDEX facts_parked_by_reference ON facts (gateway, merchant_reference) WHERE transaction_id IS NULL",
    // The log that is streamed. What never changes is read from transactions.
    "CREATE TABLE updates (
        position bigint NOT NULL PRIMARY KEY,
        transaction_id text NOT NULL,
        version bigint NOT NULL,
        previous_status smallint,
        gateway_payment_id text,
        expected bigint,
        currency text,
        status smallint NOT NULL,
        authorized bigint NOT NULL,
        captured bigint NOT NULL,
        refunded bigint NOT NULL,
        lost bigint NOT NULL,
        dispute smallint NOT NULL,
        holds smallint NOT NULL,
        failure_at bigint,
        failure_code text,
        failure_message text,
        cause smallint NOT NULL,
        cause_id text,
        record_time bigint NOT NULL,
        traceparent text,
        UNIQUE (transaction_id, version)
    )",
    // One row per shard of the feed; there is one shard. The checksum is of the update at the position.
    "CREATE TABLE feed_head (
        shard smallint NOT NULL PRIMARY KEY,
        position bigint NOT NULL,
        checksum bigint NOT NULL,
        floor bigint NOT NULL,
        epoch bigint NOT NULL
    )",
];

/// Room on the page for the rows that are rewritten in place, and vacuum before they bloat.
const POSTGRES_STORAGE: &[&str] = &[
    "ALTER TABLE transactions SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER TABLE feed_head SET (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0)",
    // Bodies are small and read seldom: keep them uncompressed, which costs no CPU on the way in.
    "ALTER TABLE callbacks ALTER COLUMN body SET STORAGE EXTERNAL",
];
