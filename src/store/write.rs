//! The one write path. Callbacks and registrations become rows in one READ COMMITTED transaction, in the order
//! that makes it safe:
//!
//! 1. **correlate**: which transaction is meant; lock the names that belong to none yet;
//! 2. **lock** the transactions in id order and read their facts;
//! 3. **insert facts**: the unique key decides what is new, whatever other replicas do;
//! 4. **project** under the lock, one update for each write that changed a state;
//! 5. write callbacks, what to ask gateways, payments and transactions, and **last** take the head of the feed and write the updates.
//!
//! The head row is locked until the commit, so the order of positions is the order of commits, and a rollback
//! leaves no hole. Every phase locks in one order, so two batches wait for each other but never in a circle.

use sea_orm::{DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use time::OffsetDateTime;

use super::{Evidence, Reading, Recorded, Store, StoreError, error};
use crate::domain::{Mark, Registration, Transaction};

mod account;
mod correlate;
mod due_queries;
mod fact_key;
mod facts;
mod ledger;
mod route;
mod statements;

use ledger::Ledger;

/// One thing to write.
#[derive(Debug)]
pub(super) enum Write {
    Record(Evidence),
    Register { registration: Registration, traceparent: Option<String> },
}

/// What became of it.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Recorded(Recorded),
    Registered(Box<Transaction>, Mark),
}

/// Writes all or nothing. The inner results are verdicts on single writes, which do not disturb the others.
pub(super) async fn commit(
    store: &Store,
    writes: &[Write],
    now: OffsetDateTime,
) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
    let tx = begin(store).await?;
    let mut ledger = Ledger::new(writes, now);

    correlate::resolve(&tx, &mut ledger).await?;
    facts::load(&tx, &mut ledger).await?;
    ledger.route();
    let fresh = facts::insert(&tx, &mut ledger).await?;
    ledger.project(fresh);
    let mark = statements::write_out(&tx, &mut ledger).await?;

    tx.commit().await.map_err(error::classify)?;
    Ok(ledger.into_results(mark))
}

async fn begin(store: &Store) -> Result<DatabaseTransaction, StoreError> {
    // IMMEDIATE takes SQLite's write lock at once: a transaction that reads first and writes later would meet
    // SQLITE_BUSY without waiting.
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    store.writer.begin_with_options(options).await.map_err(error::classify)
}

impl Evidence {
    fn facts(&self) -> &[crate::domain::Fact] {
        match &self.reading {
            Reading::Facts(facts) => facts,
            Reading::Ignored | Reading::Unreadable(_) => &[],
        }
    }
}
