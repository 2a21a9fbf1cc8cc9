//! One watch: a snapshot if one was asked for, then the feed.

use std::{pin::pin, time::Duration};

use tokio::time::{self, Instant, Interval, MissedTickBehavior};

use super::stream::Outbox;
use crate::{
    domain::Update,
    feed::{Cursor, Feed, FeedError, Follower, Page},
    proto::{
        CaughtUp, Progress, SnapshotBatch, SnapshotEnd, UpdateBatch, watch_transactions_response::Event,
    },
    service::{convert, error::Failure, message_batch::MessageBatch},
    store::{Filter, Store, StoreError},
};

/// Rows of a snapshot read at once.
const SNAPSHOT_ROWS: usize = 1000;
/// A database that is away is tried again after these pauses; then the client is told.
const RETRY_PAUSES_MS: [u64; 6] = [50, 100, 200, 500, 1000, 2000];

type Next = Result<Page, FeedError>;

#[derive(Debug)]
pub(super) struct Watch {
    pub(super) store: Store,
    pub(super) feed: Feed,
    pub(super) filter: Filter,
    pub(super) from: Cursor,
    pub(super) snapshot: bool,
    /// The position after which the stream ends.
    pub(super) until: Option<u64>,
    pub(super) progress_interval: Duration,
    pub(super) outbox: Outbox,
}

impl Watch {
    pub(super) async fn run(mut self) -> Result<(), Failure> {
        if self.snapshot {
            self.send_snapshot().await?;
        }
        self.follow().await
    }

    /// Rows may be newer than the place noted before; the same change may then come again, with its version.
    async fn send_snapshot(&mut self) -> Result<(), Failure> {
        let mut after = self.from.snapshot_after().cloned();
        let mut batch = MessageBatch::new();
        loop {
            let limit = u64::try_from(SNAPSHOT_ROWS).unwrap_or(u64::MAX);
            let rows = self.store.list_transactions(&self.filter, after.as_ref(), limit).await?;
            for (index, row) in rows.iter().enumerate() {
                batch.push(convert::transaction(row));
                if (batch.is_full() || index + 1 == rows.len())
                    && let Some(transactions) = batch.take()
                {
                    let cursor = self.from.in_snapshot(row.registration.transaction_id.clone());
                    self.outbox.send(&cursor, Event::Snapshot(SnapshotBatch { transactions })).await?;
                }
            }
            let complete = rows.len() < SNAPSHOT_ROWS;
            after = rows.last().map(|row| row.registration.transaction_id.clone());
            if complete {
                break;
            }
        }
        self.from = self.from.snapshot_complete();
        self.outbox.send(&self.from, Event::SnapshotEnd(SnapshotEnd {})).await
    }

    async fn follow(self) -> Result<(), Failure> {
        let mut follower = self.feed.follow(self.from.clone());
        let mut progress = progress(self.progress_interval);
        let mut caught_up = false;
        let mut pauses = RETRY_PAUSES_MS.into_iter();
        while !self.is_past_the_end(&follower) {
            match self.next(&mut follower, &mut progress).await? {
                Ok(page) => {
                    pauses = RETRY_PAUSES_MS.into_iter();
                    if self.send_updates(&page).await? {
                        progress.reset();
                    }
                }
                Err(FeedError::Store(error)) if passes_by_itself(&error) => {
                    let pause = pauses.next().ok_or(error)?;
                    time::sleep(Duration::from_millis(pause)).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            if follower.at_head() && !caught_up && !self.is_past_the_end(&follower) {
                caught_up = true;
                self.outbox.send(follower.cursor(), Event::CaughtUp(CaughtUp {})).await?;
                progress.reset();
            }
        }
        Ok(())
    }

    /// The next page. While there is none, the reader is told now and then that it has missed nothing.
    async fn next(&self, from: &mut Follower, progress: &mut Interval) -> Result<Next, Failure> {
        let cursor = from.cursor().clone();
        // Not dropped at a tick: a slow read would never end.
        let mut next = pin!(from.next());
        loop {
            tokio::select! {
                page = &mut next => return Ok(page),
                _ = progress.tick() => self.outbox.send(&cursor, Event::Progress(Progress {})).await?,
            }
        }
    }

    /// Sends what passes the filter, and says whether that was anything.
    async fn send_updates(&self, page: &Page) -> Result<bool, Failure> {
        let mut batch = MessageBatch::new();
        let passing: Vec<_> = page.updates().iter().filter(|update| self.passes(update)).collect();
        for (index, update) in passing.iter().enumerate() {
            batch.push(convert::update(update));
            if (batch.is_full() || index + 1 == passing.len())
                && let Some(updates) = batch.take()
            {
                let cursor = self.from.moved_after(update);
                self.outbox.send(&cursor, Event::Updates(UpdateBatch { updates })).await?;
            }
        }
        Ok(!passing.is_empty())
    }

    fn passes(&self, update: &Update) -> bool {
        let wanted = self.until.is_none_or(|until| update.position <= until);
        wanted && self.filter.matches(&update.transaction)
    }

    fn is_past_the_end(&self, follower: &Follower) -> bool {
        self.until.is_some_and(|until| follower.cursor().position() >= until)
    }
}

fn passes_by_itself(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::ReadOnly | StoreError::Contended(_))
}

/// Ticks an interval after the last message, never at once.
fn progress(interval: Duration) -> Interval {
    let mut progress = time::interval_at(Instant::now() + interval, interval);
    progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
    progress
}
