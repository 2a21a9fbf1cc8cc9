use tokio::sync::watch;

use super::{Evidence, Recorded, Rejected, Store, StoreError};
use crate::domain::{Registration, Transaction};

#[derive(Clone, Debug)]
pub struct BatcherSettings {
    /// Writes in one database transaction at most.
    pub max_batch: usize,
    /// Writes waiting at most; more are refused.
    pub max_queue: usize,
    /// Database transactions under way at once.
    pub max_in_flight: usize,
}

/// The way into the store: gathers writes into group commits. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Writer {}

impl Writer {
    /// Starts the batcher. It ends when every `Writer` is dropped and the queue is written.
    pub fn start(_store: Store, _settings: BatcherSettings) -> Self {
        todo!()
    }

    /// Records callbacks; one result each, in order. Answers after the commit. Cancelling the call does not
    /// cancel the write.
    pub async fn record(&self, _evidence: Vec<Evidence>) -> Vec<Result<Recorded, StoreError>> {
        todo!()
    }

    /// Registers, or finds the same content registered. Returns the transaction and the feed position at or
    /// before which it stands.
    pub async fn register(
        &self,
        _registration: Registration,
        _now: time::OffsetDateTime,
        _traceparent: Option<String>,
    ) -> Result<(Transaction, u64), StoreError> {
        todo!()
    }

    /// Keeps a refused callback within its gateway's quota. Best effort: never waits, never fails the caller.
    pub fn reject(&self, _rejected: Rejected) {
        todo!()
    }

    /// The doorbell: the last feed position this process committed.
    pub fn committed(&self) -> watch::Receiver<u64> {
        todo!()
    }
}
