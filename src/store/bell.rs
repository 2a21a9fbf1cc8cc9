//! The bell between replicas on PostgreSQL: "there is something new", said by NOTIFY.
//!
//! Never inside a payment's transaction, because a notifying commit takes a lock on the whole database; never
//! more often than every few milliseconds; on connections of its own. A ring that is lost costs one poll of the
//! feed, so nothing here is ever waited for.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, sqlx::postgres::PgListener};
use tokio::{sync::watch, time};

use super::Store;
use crate::domain::Mark;

const CHANNEL: &str = "payment_status_feed";
/// Between two rings: many commits make one.
const PACE: Duration = Duration::from_millis(5);
/// How long to leave a database alone that does not answer.
const PAUSE: Duration = Duration::from_secs(1);

impl Store {
    /// Rings for the commits of other replicas, with the position they reached, and tells them of `committed`.
    /// Ends with its receiver. On SQLite it never rings: there are no replicas.
    #[must_use]
    pub fn bell(&self, committed: watch::Receiver<Mark>) -> watch::Receiver<u64> {
        let (ring, rung) = watch::channel(0);
        if let Some(line) = &self.bell_line {
            tokio::spawn(announce(line.clone(), committed.clone(), ring.clone()));
            tokio::spawn(listen(line.clone(), committed, ring));
        }
        rung
    }
}

/// Two connections: one speaks, one listens.
pub(super) const CONNECTIONS: u32 = 2;

async fn announce(line: DatabaseConnection, mut committed: watch::Receiver<Mark>, ring: watch::Sender<u64>) {
    while !ring.is_closed() && committed.changed().await.is_ok() {
        let position = committed.borrow_and_update().position;
        let values = [CHANNEL.into(), position.to_string().into()];
        let notify =
            Statement::from_sql_and_values(line.get_database_backend(), "SELECT pg_notify($1, $2)", values);
        let pause = if line.execute_raw(notify).await.is_ok() { PACE } else { PAUSE };
        time::sleep(pause).await;
    }
}

async fn listen(line: DatabaseConnection, committed: watch::Receiver<Mark>, ring: watch::Sender<u64>) {
    while !ring.is_closed() {
        // An error says that rings may have been missed, which a poll makes good.
        let _ = listen_once(&line, &committed, &ring).await;
        time::sleep(PAUSE).await;
    }
}

async fn listen_once(
    line: &DatabaseConnection,
    committed: &watch::Receiver<Mark>,
    ring: &watch::Sender<u64>,
) -> Result<(), sea_orm::sqlx::Error> {
    let mut listener = PgListener::connect_with(line.get_postgres_connection_pool()).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let heard = tokio::select! {
            heard = listener.recv() => heard?,
            () = ring.closed() => return Ok(()),
        };
        let position = heard.payload().parse().unwrap_or(0);
        // What this process committed rang here already.
        if position > committed.borrow().position {
            ring.send_replace(position);
        }
    }
}
