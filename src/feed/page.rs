//! Pages: consecutive updates, read from the store with a proof that nothing is missing between them.

use std::sync::Arc;

use super::{
    FeedError,
    cursor::{Cursor, mark_of},
};
use crate::{
    domain::{Mark, Update},
    store::{Head, Store, StoreError},
};

/// Updates in one page at most.
const MAX_UPDATES: u64 = 256;

/// Updates that follow each other without a gap. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Page {
    /// The position right before the first update.
    after: u64,
    updates: Arc<[Update]>,
    /// How many of them are known to the reader already.
    skip: usize,
}

impl Page {
    #[must_use]
    pub fn updates(&self) -> &[Update] {
        self.updates.get(self.skip..).unwrap_or_default()
    }

    /// Says only that there is something new, so that every follower looks for itself.
    pub(super) fn look() -> Self {
        Self { after: u64::MAX, updates: Arc::default(), skip: 0 }
    }

    /// A full page: there is probably more in the store.
    pub(super) fn is_full(&self) -> bool {
        u64::try_from(self.updates.len()).is_ok_and(|len| len >= MAX_UPDATES)
    }

    /// What comes after this position. `None` when there is a gap between the position and the page.
    pub(super) fn rest(mut self, position: u64) -> Option<Self> {
        let known = position.checked_sub(self.after)?;
        self.skip = usize::try_from(known).unwrap_or(usize::MAX).min(self.updates.len());
        Some(self)
    }
}

/// Reads what follows the cursor. The row at the cursor is read again with it: where a failover or a restore
/// rewrote the feed under a reader, it shows as another row or none.
pub(super) async fn read(store: &Store, cursor: &Cursor) -> Result<Page, FeedError> {
    let Mark { position, checksum } = cursor.mark;
    let mut updates = if checksum == 0 {
        store.updates_after(position, MAX_UPDATES).await?
    } else {
        let mut rows = store.updates_after(position.saturating_sub(1), MAX_UPDATES + 1).await?;
        match rows.first().map(mark_of) {
            Some(mark) if mark == cursor.mark => drop(rows.remove(0)),
            Some(mark) if mark.position == position => return Err(FeedError::Diverged),
            _ => still_kept(cursor, store.head().await?)?,
        }
        rows
    };
    updates.truncate(usize::try_from(MAX_UPDATES).unwrap_or(usize::MAX));
    if !is_dense(position, &updates) {
        still_kept(cursor, store.head().await?)?;
        return Err(StoreError::Inconsistent {
            table: "updates",
            what: format!("positions after {position} are not consecutive"),
        }
        .into());
    }
    Ok(Page { after: position, updates: updates.into(), skip: 0 })
}

/// Whether the feed still reaches back to the cursor.
///
/// The row at the floor itself may be gone: what follows it is all there.
pub(super) fn still_kept(cursor: &Cursor, head: Head) -> Result<(), FeedError> {
    let Head { epoch, mark, floor } = head;
    let rewritten = cursor.position() == mark.position && cursor.mark.checksum != 0 && cursor.mark != mark;
    if cursor.epoch != epoch || cursor.position() > mark.position || rewritten {
        return Err(FeedError::Diverged);
    }
    if cursor.position() < floor {
        return Err(FeedError::Expired);
    }
    Ok(())
}

fn is_dense(after: u64, updates: &[Update]) -> bool {
    updates.iter().zip(after.saturating_add(1)..).all(|(update, expected)| update.position == expected)
}
