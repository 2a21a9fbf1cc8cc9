//! The feed: every committed update, in commit order, to everyone who follows.
//!
//! The store is the truth and the only thing that is read; a commit merely rings. One task per process reads
//! each new page once and shares it with all followers at the head. A follower that lags is not waited for: it
//! pages the store until it is back. So lag, restart and replicas need no special case.

mod cursor;
mod doorbell;
mod follow;
mod page;
mod tailer;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{broadcast, watch};
use tokio_util::task::AbortOnDropHandle;

pub use cursor::{Cursor, NotACursor};
pub use follow::Follower;
pub use page::Page;

use crate::{
    domain::Mark,
    store::{Head, Store, StoreError},
};
use tailer::Tailer;

/// Pages that a follower at the head may lag before it goes to the store. Bounds the memory of the ring.
const RING_PAGES: usize = 32;

/// The way to the updates. Cheap to clone; its task ends with the last clone.
#[derive(Clone, Debug)]
pub struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    epoch: AtomicU64,
    ring: broadcast::Sender<Page>,
    _tailer: AbortOnDropHandle<()>,
}

#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The cursor is of another database, or the history it was made in was rewritten.
    #[error("the cursor belongs to another history of updates")]
    Diverged,
    /// What follows the cursor is no longer kept.
    #[error("the updates after the cursor are no longer kept")]
    Expired,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Feed {
    /// Starts to tail the store; `committed` rings for this process's own commits.
    pub async fn start(store: Store, committed: watch::Receiver<Mark>) -> Result<Self, StoreError> {
        let epoch = AtomicU64::new(store.head().await?.epoch);
        let ring = broadcast::Sender::new(RING_PAGES);
        let tailer = Tailer { store: store.clone(), ring: ring.clone() };
        let tailer = AbortOnDropHandle::new(tokio::spawn(tailer.supervise(committed)));
        Ok(Self { shared: Arc::new(Shared { store, epoch, ring, _tailer: tailer }) })
    }

    /// Where a write of this process stands.
    #[must_use]
    pub fn cursor_at(&self, mark: Mark) -> Cursor {
        Cursor::at(self.shared.epoch.load(Ordering::Relaxed), mark)
    }

    /// After everything that is committed.
    pub async fn now(&self) -> Result<Cursor, StoreError> {
        let Head { epoch, mark, floor: _ } = self.head().await?;
        Ok(Cursor::at(epoch, mark))
    }

    /// Before the oldest update that is kept.
    pub async fn earliest(&self) -> Result<Cursor, StoreError> {
        let Head { epoch, mark: _, floor } = self.head().await?;
        // The row at the floor may be gone, so there is nothing to check.
        Ok(Cursor::at(epoch, Mark { position: floor, checksum: 0 }))
    }

    /// Whether everything up to the cursor is committed here; else it is [`FeedError::Diverged`].
    pub async fn reached(&self, cursor: &Cursor) -> Result<(), FeedError> {
        let head = self.head().await?;
        page::still_kept(cursor, Head { floor: 0, ..head })
    }

    /// Whether the updates can be followed from the cursor without a gap.
    pub async fn resume(&self, cursor: &Cursor) -> Result<(), FeedError> {
        let head = self.head().await?;
        page::still_kept(cursor, head)?;
        let Mark { position, checksum } = cursor.mark;
        if checksum == 0 {
            return Ok(());
        }
        match self.store().mark_at(position).await? {
            Some(mark) if mark == cursor.mark => Ok(()),
            None if position == head.floor => Ok(()),
            _ => Err(FeedError::Diverged),
        }
    }

    /// Follows from the cursor on.
    #[must_use]
    pub fn follow(&self, from: Cursor) -> Follower {
        // Subscribed before the first read: what is committed in between stands in the ring.
        Follower::new(self.clone(), self.shared.ring.subscribe(), from)
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let head = self.store().head().await?;
        self.shared.epoch.store(head.epoch, Ordering::Relaxed);
        Ok(head)
    }

    fn store(&self) -> &Store {
        &self.shared.store
    }
}
