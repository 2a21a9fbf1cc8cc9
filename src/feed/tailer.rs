//! The tailer: the one task per process that reads what is new and puts it into the ring.

use std::time::Duration;

use tokio::{
    sync::{broadcast, watch},
    time,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    FeedError,
    cursor::Cursor,
    doorbell::Doorbell,
    page::{self, Page},
};
use crate::{
    domain::Mark,
    store::{Store, StoreError},
};

/// How long to leave a failing store alone.
const PAUSE: Duration = Duration::from_millis(200);
/// Far above what a page or many take, and above the database's own time-outs.
const READ_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(super) struct Tailer {
    pub(super) store: Store,
    pub(super) ring: broadcast::Sender<Page>,
}

impl Tailer {
    /// Tails for ever. Followers wait for nobody else, so a panic below must not end it.
    pub(super) async fn supervise(self, committed: watch::Receiver<Mark>) {
        let doorbell = Doorbell::new(committed.clone(), self.store.bell(committed));
        loop {
            let run = AbortOnDropHandle::new(tokio::spawn(self.clone().run(doorbell.clone())));
            if let Err(error) = run.await {
                tracing::error!(%error, "the feed's tailer stopped; it starts again");
            }
            time::sleep(PAUSE).await;
        }
    }

    async fn run(self, mut doorbell: Doorbell) {
        let mut place = None;
        loop {
            doorbell.rung().await;
            if self.ring.receiver_count() == 0 {
                place = None;
            } else if let Err(error) = self.publish_in_time(&mut place).await {
                tracing::warn!(%error, "the feed can not be read; it is tried again");
                time::sleep(PAUSE).await;
            }
        }
    }

    /// A server that vanished without a word must not hold up the feed. Broken off, the place is taken anew.
    async fn publish_in_time(&self, place: &mut Option<Cursor>) -> Result<(), StoreError> {
        let late = |_| StoreError::Unavailable("a read did not end in time".to_owned());
        time::timeout(READ_PATIENCE, self.publish(place)).await.map_err(late)?
    }

    /// Publishes all that is new. Without a place in the feed, it takes one at the head and makes everybody
    /// look once, because what was committed before is in no page.
    async fn publish(&self, place: &mut Option<Cursor>) -> Result<(), StoreError> {
        let mut cursor = match place.take() {
            Some(cursor) => cursor,
            None => self.start_at_head().await?,
        };
        loop {
            let page = match page::read(&self.store, &cursor).await {
                Ok(page) => page,
                Err(FeedError::Store(error)) => {
                    *place = Some(cursor);
                    return Err(error);
                }
                Err(FeedError::Diverged | FeedError::Expired) => {
                    cursor = self.start_at_head().await?;
                    continue;
                }
            };
            let full = page.is_full();
            if let Some(last) = page.updates().last() {
                cursor = cursor.moved_after(last);
                // Nobody may be listening any more, which is not an error.
                let _ = self.ring.send(page);
            }
            if !full {
                *place = Some(cursor);
                return Ok(());
            }
        }
    }

    async fn start_at_head(&self) -> Result<Cursor, StoreError> {
        let head = self.store.head().await?;
        let _ = self.ring.send(Page::look());
        Ok(Cursor::at(head.epoch, head.mark))
    }
}
