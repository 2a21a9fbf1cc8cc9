//! Followers: each reads the feed at its own pace, and shares the reading with all others at the head.

use tokio::sync::broadcast::{self, error::RecvError};

use super::{
    Feed, FeedError,
    cursor::Cursor,
    page::{self, Page},
};
use crate::store::StoreError;

/// One reader's place in the feed.
///
/// At the head it takes pages from the ring, which were read once for everybody. When it falls out of the ring
/// it pages the store until it is back; nobody waits for it and nothing is left out.
#[derive(Debug)]
pub struct Follower {
    feed: Feed,
    ring: broadcast::Receiver<Page>,
    cursor: Cursor,
    /// The ring may lack what comes next, so the store is asked.
    behind: bool,
}

impl Follower {
    pub(super) fn new(feed: Feed, ring: broadcast::Receiver<Page>, cursor: Cursor) -> Self {
        Self { feed, ring, cursor, behind: true }
    }

    /// The next updates, as soon as there are any. An empty page says that the head was reached.
    ///
    /// Dropping the future before it is done loses nothing.
    pub async fn next(&mut self) -> Result<Page, FeedError> {
        loop {
            if self.behind {
                let page = page::read(self.feed.store(), &self.cursor).await?;
                self.behind = page.is_full();
                self.advance(&page);
                return Ok(page);
            }
            match self.ring.recv().await {
                Ok(page) => match page.rest(self.cursor.position()) {
                    Some(page) if page.updates().is_empty() => {}
                    Some(page) => {
                        self.advance(&page);
                        return Ok(page);
                    }
                    None => self.behind = true,
                },
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return Err(StoreError::Unavailable("the feed ended".into()).into()),
            }
        }
    }

    /// After the last update that was returned.
    #[must_use]
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Whether everything that was committed when the last page was read has been returned.
    #[must_use]
    pub fn at_head(&self) -> bool {
        !self.behind
    }

    fn advance(&mut self, page: &Page) {
        if let Some(last) = page.updates().last() {
            self.cursor = self.cursor.moved_after(last);
        }
    }
}
