//! The doorbell: says that there may be something new, never what.

use std::time::Duration;

use tokio::{sync::watch, time};

use crate::domain::Mark;

/// How late a commit of another replica may be noticed when nothing else rings.
const POLL: Duration = Duration::from_millis(250);

/// Rings at once for what this process commits, and every 250 ms for what others do. A ring that is lost
/// costs one poll; rings that come together count as one.
#[derive(Debug)]
pub(super) struct Doorbell {
    committed: watch::Receiver<Mark>,
}

impl Doorbell {
    pub(super) fn new(committed: watch::Receiver<Mark>) -> Self {
        Self { committed }
    }

    pub(super) async fn rung(&mut self) {
        // Elapsed is a ring like any other. A writer that is gone rings no more, and then the poll is all.
        if let Ok(Err(_gone)) = time::timeout(POLL, self.committed.changed()).await {
            time::sleep(POLL).await;
        }
    }
}
