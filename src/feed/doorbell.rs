//! The doorbell: says that there may be something new, never what.

use std::time::Duration;

use tokio::{sync::watch, time};

use crate::domain::Mark;

/// How late a commit may be noticed when its ring is lost.
const POLL: Duration = Duration::from_millis(250);

/// Rings at once for what this process commits, some milliseconds later for what other replicas do, and every
/// 250 ms whatever happens. Rings that come together count as one.
#[derive(Clone, Debug)]
pub(super) struct Doorbell {
    committed: watch::Receiver<Mark>,
    others: watch::Receiver<u64>,
}

impl Doorbell {
    pub(super) fn new(committed: watch::Receiver<Mark>, others: watch::Receiver<u64>) -> Self {
        Self { committed, others }
    }

    pub(super) async fn rung(&mut self) {
        // A bell that is gone never rings, and then the poll is all there is.
        tokio::select! {
            Ok(()) = self.committed.changed() => {}
            Ok(()) = self.others.changed() => {}
            () = time::sleep(POLL) => {}
        }
    }
}
