//! When the next group commit should begin.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Waiting writes that are worth a further commit beside the one under way.
const WORTH_A_COMMIT: usize = 64;

/// What there is to do, and what is being done.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    /// Writes that no loop took yet.
    waiting: AtomicUsize,
    commits: AtomicUsize,
    changed: Notify,
}

impl Pressure {
    pub(super) fn arrived(&self, writes: usize) {
        self.waiting.fetch_add(writes, Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub(super) fn taken(&self, writes: usize) {
        self.waiting.fetch_sub(writes, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn committed(&self) {
        self.commits.fetch_sub(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Only one loop waits here, the one that holds the queue.
    pub(super) async fn worth_a_commit(&self) {
        while self.commits.load(Ordering::Relaxed) > 0
            && self.waiting.load(Ordering::Relaxed) < WORTH_A_COMMIT
        {
            self.changed.notified().await;
        }
    }
}
