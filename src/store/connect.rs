//! Connections: one writer and several readers on SQLite, one pool on PostgreSQL.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use payment_status_migrations::Migrator;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, TransactionTrait,
    sqlx::{
        self, Connection as _,
        postgres::{PgConnectOptions, PgConnection},
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};
use sea_orm_migration::{MigratorTrait, SchemaManager};
use tokio::time;

use super::{StoreError, bell, error};

#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// `sqlite://path` or `postgres://user@host/database`.
    pub url: String,
    /// On SQLite readers only; there is always one writer.
    pub max_connections: u32,
    /// How long a query waits for a free connection.
    pub acquire_timeout: Duration,
}

/// A connected database whose schema is the one this program knows. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) writer: DatabaseConnection,
    pub(super) reader: DatabaseConnection,
    /// On PostgreSQL, where replicas ring each other.
    pub(super) bell_line: Option<DatabaseConnection>,
    /// Connections made before this moment may still point to a primary that was demoted.
    pub(super) distrust_before: Arc<Mutex<Option<Instant>>>,
}

/// Below it, one connection that checkpoints while another commits can corrupt the file (the WAL-reset bug,
/// fixed in 3.51.3).
const SQLITE_MIN_VERSION: (u32, u32, u32) = (3, 51, 3);
/// Pages of write-ahead log between checkpoints, 4 MiB. A commit waits for the checkpoint that it starts: with
/// 32 MiB one in a hundred callbacks took 30 ms for a twelfth more throughput.
const SQLITE_WAL_PAGES: &str = "1000";
/// Negative means KiB. The pages that callbacks keep coming back to should not be read again each time.
const SQLITE_WRITER_CACHE_KIB: &str = "-12000";
const SQLITE_READER_CACHE_KIB: &str = "-1000";
/// Every statement looks up a batch of keys by an index, in tables of any size and age. The planner cannot know
/// that of a new table without statistics, and a sequential plan made then would be kept; so it may not make one.
const POSTGRES_SESSION: [(&str, &str); 8] = [
    // A write that waits longer is tried again; a migration that does gives way to the writes behind it.
    ("lock_timeout", "5000"),
    ("idle_in_transaction_session_timeout", "10000"),
    // Parameters are arrays of rows: one plan fits them all, and planning anew costs more than it saves.
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
    // What is ruled out is priced so high that it would be thought worth compiling.
    ("jit", "off"),
];
const PING_PATIENCE: Duration = Duration::from_secs(2);
const MIGRATION_LOCK: i64 = 0x7061_796d_656e_7473;

impl Store {
    /// Connects and checks the schema, so that no query ever meets an unknown one.
    pub async fn connect(settings: &StoreSettings) -> Result<Self, StoreError> {
        let store = Self::open(settings).await?;
        store.check_schema().await?;
        store.ensure_feed_head().await?;
        Ok(store)
    }

    /// Brings the schema up to date, under a lock so that replicas may start together.
    pub async fn migrate(settings: &StoreSettings) -> Result<(), StoreError> {
        let store = Self::open(settings).await?;
        let migrated = store.migrate_under_lock().await;
        store.close().await;
        migrated
    }

    /// Answers while the database does.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.reader.execute_unprepared("SELECT 1").await.map(drop).map_err(error::classify)
    }

    pub async fn close(&self) {
        for pool in [Some(self.writer.clone()), Some(self.reader.clone()), self.bell_line.clone()]
            .into_iter()
            .flatten()
        {
            // A pool that is closed already has nothing left to lose.
            pool.close().await.unwrap_or_default();
        }
    }

    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }

    /// A connection to a primary that was demoted answers pings for ever and takes no write, so none that is
    /// older than this moment is used again.
    pub(super) fn distrust_connections(&self) {
        if let Ok(mut moment) = self.distrust_before.lock() {
            *moment = Some(Instant::now());
        }
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    async fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let distrust_before = Arc::new(Mutex::new(None));
        if settings.url.starts_with("sqlite:") {
            let writer = connect(sqlite(settings, 1, SQLITE_WRITER_CACHE_KIB)).await?;
            check_sqlite_version(&writer).await?;
            let reader = connect(sqlite(settings, settings.max_connections, SQLITE_READER_CACHE_KIB)).await?;
            return Ok(Self { writer, reader, bell_line: None, distrust_before });
        }
        try_postgres(settings).await?;
        let pool = connect(postgres(settings, settings.max_connections, &distrust_before)).await?;
        let mut bell_line = postgres(settings, bell::CONNECTIONS, &distrust_before);
        // A ring is worth no disk write.
        bell_line
            .connect_lazy(true)
            .map_sqlx_postgres_opts(|postgres| postgres.options([("synchronous_commit", "off")]));
        let bell_line = Some(connect(bell_line).await?);
        Ok(Self { writer: pool.clone(), reader: pool, bell_line, distrust_before })
    }

    async fn migrate_under_lock(&self) -> Result<(), StoreError> {
        let Some(line) = &self.bell_line else {
            self.applied_migrations().await?;
            return Migrator::up(&self.writer, None).await.map_err(error::classify);
        };
        // The lock lives in a transaction of its own connection, so it ends with it whatever happens.
        let guard = line.begin().await.map_err(error::classify)?;
        let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
        guard.execute_unprepared(&lock).await.map_err(error::classify)?;
        self.applied_migrations().await?;
        Migrator::up(&self.writer, None).await.map_err(error::classify)?;
        guard.commit().await.map_err(error::classify)
    }

    async fn check_schema(&self) -> Result<(), StoreError> {
        let applied = self.applied_migrations().await?;
        if let Some(missing) = known_migrations().into_iter().find(|step| !applied.contains(step)) {
            return Err(StoreError::Schema(format!(
                "the database's schema lacks {missing}: run `payment-status migrate` first"
            )));
        }
        Ok(())
    }

    /// The steps that this schema has taken. A schema that somebody else made, or a newer version, is refused.
    async fn applied_migrations(&self) -> Result<Vec<String>, StoreError> {
        let manager = SchemaManager::new(&self.reader);
        if !manager.has_table("seaql_migrations").await.map_err(error::classify)? {
            return match manager.has_table("transactions").await.map_err(error::classify)? {
                true => Err(StoreError::Schema(
                    "it holds a table `transactions` of somebody else's: give payment-status a database of its own"
                        .to_owned(),
                )),
                false => Ok(Vec::new()),
            };
        }
        let select = Statement::from_string(self.backend(), "SELECT version FROM seaql_migrations");
        let rows = self.reader.query_all_raw(select).await.map_err(error::classify)?;
        let applied = rows.iter().map(|row| row.try_get_by_index(0).map_err(error::classify));
        let applied = applied.collect::<Result<Vec<String>, _>>()?;
        match applied.iter().find(|step| !known_migrations().contains(step)) {
            Some(unknown) => Err(StoreError::Schema(format!(
                "the database's schema holds {unknown}, which this version does not know: run a newer version"
            ))),
            None => Ok(applied),
        }
    }

    /// The epoch is drawn once in a database's life, by whoever comes first.
    async fn ensure_feed_head(&self) -> Result<(), StoreError> {
        let (epoch, _) = uuid::Uuid::new_v4().as_u64_pair();
        let epoch = i64::try_from(epoch >> 1).unwrap_or(1);
        let insert = format!(
            "INSERT INTO feed_head (shard, position, checksum, floor, epoch) VALUES (0, 0, 0, 0, {epoch})
             ON CONFLICT DO NOTHING"
        );
        self.writer.execute_unprepared(&insert).await.map(drop).map_err(error::classify)
    }
}

fn known_migrations() -> Vec<String> {
    Migrator::migrations().iter().map(|step| step.name().to_owned()).collect()
}

async fn connect(options: ConnectOptions) -> Result<DatabaseConnection, StoreError> {
    Database::connect(options).await.map_err(error::classify)
}

/// A pool only ever says that time is up; one plain connection says why.
async fn try_postgres(settings: &StoreSettings) -> Result<(), StoreError> {
    let unavailable = |why: String| StoreError::Unavailable(why);
    let url: PgConnectOptions =
        settings.url.parse().map_err(|_| unavailable("the URL is no URL of PostgreSQL's".to_owned()))?;
    match time::timeout(settings.acquire_timeout, PgConnection::connect_with(&url)).await {
        Err(_) => Err(unavailable(format!("no answer in {:?}", settings.acquire_timeout))),
        // What a server says to a stranger holds no values of rows: no such database, wrong password.
        Ok(Err(sqlx::Error::Database(refusal))) => Err(unavailable(refusal.message().to_owned())),
        Ok(Err(sqlx::Error::Io(failure))) => Err(unavailable(failure.to_string())),
        Ok(Err(other)) => Err(unavailable(other.to_string())),
        Ok(Ok(connection)) => {
            // It served its purpose, however it ends.
            let _ = connection.close().await;
            Ok(())
        }
    }
}

fn sqlite(settings: &StoreSettings, connections: u32, cache: &'static str) -> ConnectOptions {
    let mut options = ConnectOptions::new(&settings.url);
    options
        .max_connections(connections)
        .acquire_timeout(settings.acquire_timeout)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(5))
                .statement_cache_capacity(256)
                .pragma("wal_autocheckpoint", SQLITE_WAL_PAGES)
                .pragma("cache_size", cache)
                // Statement journals: small, short-lived, and needless on disk.
                .pragma("temp_store", "MEMORY")
        });
    options
}

fn postgres(
    settings: &StoreSettings,
    connections: u32,
    distrust_before: &Arc<Mutex<Option<Instant>>>,
) -> ConnectOptions {
    let mut options = ConnectOptions::new(&settings.url);
    let (distrust_before, on_release) = (Arc::clone(distrust_before), Arc::clone(distrust_before));
    options
        .max_connections(connections)
        .acquire_timeout(settings.acquire_timeout)
        .connect_timeout(settings.acquire_timeout)
        .statement_timeout(Duration::from_secs(10))
        .set_application_name("payment-status")
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false)
        .map_sqlx_postgres_opts(|postgres| postgres.options(POSTGRES_SESSION))
        .map_sqlx_postgres_before_acquire(move |connection, metadata| {
            let distrusted = is_distrusted(&distrust_before, metadata.age);
            Box::pin(async move {
                if distrusted {
                    return Ok(false);
                }
                // A connection that rested may have lost its server meanwhile.
                let rested = metadata.idle_for > Duration::from_secs(1);
                Ok(!rested || matches!(time::timeout(PING_PATIENCE, connection.ping()).await, Ok(Ok(()))))
            })
        })
        .map_sqlx_postgres_pool_opts(move |pool| {
            let distrust_before = Arc::clone(&on_release);
            pool.after_release(move |_, metadata| {
                // An error closes it without a word on the wire, to which a server that vanished has no answer.
                let distrusted = is_distrusted(&distrust_before, metadata.age);
                Box::pin(async move { if distrusted { Err(sqlx::Error::PoolTimedOut) } else { Ok(true) } })
            })
        });
    options
}

fn is_distrusted(distrust_before: &Mutex<Option<Instant>>, age: Duration) -> bool {
    let made = Instant::now().checked_sub(age);
    match distrust_before.lock() {
        Ok(moment) => moment.is_some_and(|moment| made.is_none_or(|made| made < moment)),
        Err(_) => true,
    }
}

async fn check_sqlite_version(connection: &DatabaseConnection) -> Result<(), StoreError> {
    let select = Statement::from_string(DbBackend::Sqlite, "SELECT sqlite_version()");
    let row = connection.query_one_raw(select).await.map_err(error::classify)?;
    let version: String =
        row.map(|row| row.try_get_by_index(0)).transpose().map_err(error::classify)?.unwrap_or_default();
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < SQLITE_MIN_VERSION {
        return Err(StoreError::Schema(format!(
            "SQLite {version} can corrupt its file; 3.51.3 or newer is needed"
        )));
    }
    Ok(())
}
