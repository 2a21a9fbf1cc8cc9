//! Group commit: what arrives while a commit runs goes into the next one.
//!
//! A few loops share one queue. With no commit under way, a loop takes at once all that waits, so a lone write never
//! waits for company. A further commit begins beside the first only when enough waits to be worth its fixed cost:
//! a dozen statements cost as much CPU for one write as for twenty.

use std::{ops::Range, sync::Arc, time::Duration};

use time::OffsetDateTime;
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    time::{Instant, timeout},
};

use super::{
    Evidence, Recorded, Rejected, Store, StoreError,
    pressure::Pressure,
    rejections::Rejections,
    write::{Write, Written, commit},
};
use crate::domain::{Mark, Registration, Transaction};

#[derive(Clone)]
pub struct BatcherSettings {
    /// Writes in one database transaction at most, unless a single call brings more.
    pub max_batch: usize,
    /// Writes waiting at most; more are refused.
    pub max_queue: usize,
    /// Database transactions under way at once. SQLite has one writer.
    pub max_in_flight: usize,
    /// When a write is recorded.
    pub now: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
    /// Told of every batch.
    pub observe: Arc<dyn Fn(&Batch) + Send + Sync>,
}

/// What one group commit was like.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub size: usize,
    /// Writes that waited when it began, its own included.
    pub queue_depth: usize,
    pub duration: Duration,
    pub committed: bool,
}

/// The way into the store: gathers writes into group commits. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::UnboundedSender<Job>,
    room: Arc<Semaphore>,
    pressure: Arc<Pressure>,
    committed: watch::Receiver<Mark>,
    rejections: Rejections,
}

/// The writes of one call. The permits bound the queue: they are given back when the job is done.
#[derive(Debug)]
struct Job {
    writes: Vec<Write>,
    answer: oneshot::Sender<Vec<Result<Written, StoreError>>>,
    permits: OwnedSemaphorePermit,
}

/// Far above the database's own time-outs: only a server that vanished without a word takes so long.
const COMMIT_PATIENCE: Duration = Duration::from_secs(30);
const RETRIES: u32 = 8;
const BACKOFF: Duration = Duration::from_millis(5);

impl Writer {
    /// Starts the batcher. It ends when every `Writer` is dropped and the queue is written.
    #[must_use]
    pub fn start(store: Store, settings: BatcherSettings) -> Self {
        let (queue, jobs) = mpsc::unbounded_channel();
        let (doorbell, committed) = watch::channel(Mark::default());
        let room = Arc::new(Semaphore::new(settings.max_queue.min(Semaphore::MAX_PERMITS)));
        let pressure = Arc::<Pressure>::default();
        let rejections = Rejections::start(store.clone());
        let loops = if store.is_sqlite() { 1 } else { settings.max_in_flight.max(1) };
        let batcher = Batcher {
            jobs: Mutex::new(jobs),
            store,
            doorbell,
            capacity: settings.max_queue,
            room: Arc::clone(&room),
            pressure: Arc::clone(&pressure),
            settings,
        };
        let batcher = Arc::new(batcher);
        for _ in 0..loops {
            tokio::spawn(Arc::clone(&batcher).run());
        }
        Self { queue, room, pressure, committed, rejections }
    }

    /// Records callbacks; one result each, in order. Answers after the commit. Cancelling the call does not
    /// cancel the write.
    pub async fn record(&self, evidence: Vec<Evidence>) -> Vec<Result<Recorded, StoreError>> {
        let count = evidence.len();
        let written = self.submit(evidence.into_iter().map(Write::Record).collect()).await;
        let recorded = |result| match result {
            Ok(Written::Recorded(recorded)) => Ok(recorded),
            Ok(Written::Registered(..)) => {
                Err(StoreError::Refused("a callback was answered as a registration".to_owned()))
            }
            Err(error) => Err(error),
        };
        match written {
            Ok(results) => results.into_iter().map(recorded).collect(),
            Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
        }
    }

    /// Registers, or finds the same content registered. Returns the transaction and the mark on the feed at or
    /// before which it stands.
    pub async fn register(
        &self,
        registration: Registration,
        traceparent: Option<String>,
    ) -> Result<(Transaction, Mark), StoreError> {
        match self.submit(vec![Write::Register { registration, traceparent }]).await?.pop() {
            Some(Ok(Written::Registered(transaction, mark))) => Ok((*transaction, mark)),
            Some(Err(error)) => Err(error),
            _ => Err(StoreError::Refused("a registration was not answered as one".to_owned())),
        }
    }

    /// Keeps a refused callback within its gateway's quota. Best effort: never waits, never fails the caller.
    pub fn reject(&self, rejected: Rejected) {
        self.rejections.keep(rejected);
    }

    /// The doorbell: the last mark on the feed that this process committed.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<Mark> {
        self.committed.clone()
    }

    async fn submit(&self, writes: Vec<Write>) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
        let weight = u32::try_from(writes.len()).map_err(|_| StoreError::Overloaded)?;
        let permits =
            Arc::clone(&self.room).try_acquire_many_owned(weight).map_err(|_| StoreError::Overloaded)?;
        let (answer, answered) = oneshot::channel();
        let stopped = || StoreError::Unavailable("the writer has stopped".to_owned());
        self.pressure.arrived(writes.len());
        self.queue.send(Job { writes, answer, permits }).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())
    }
}

struct Batcher {
    jobs: Mutex<mpsc::UnboundedReceiver<Job>>,
    store: Store,
    doorbell: watch::Sender<Mark>,
    capacity: usize,
    room: Arc<Semaphore>,
    pressure: Arc<Pressure>,
    settings: BatcherSettings,
}

impl Batcher {
    async fn run(self: Arc<Self>) {
        while let Some(jobs) = self.gather().await {
            let queue_depth = self.capacity.saturating_sub(self.room.available_permits());
            let mut writes = Vec::new();
            let mut callers = Vec::new();
            for Job { writes: own, answer, permits } in jobs {
                callers.push((own.len(), answer, permits));
                writes.extend(own);
            }
            let mut results = self.write(Arc::new(writes), queue_depth).await.into_iter();
            self.pressure.committed();
            for (count, answer, permits) in callers {
                drop(permits);
                // A caller that went away left its write behind, and that is done.
                let _ = answer.send(results.by_ref().take(count).collect());
            }
        }
    }

    /// Waits for a job and for the time to begin, then takes what else is there.
    async fn gather(&self) -> Option<Vec<Job>> {
        let mut queue = self.jobs.lock().await;
        let first = queue.recv().await?;
        self.pressure.worth_a_commit().await;
        let mut size = first.writes.len();
        let mut jobs = vec![first];
        while size < self.settings.max_batch
            && let Ok(next) = queue.try_recv()
        {
            size += next.writes.len();
            jobs.push(next);
        }
        self.pressure.taken(size);
        Some(jobs)
    }

    /// One commit if all is well. A refused batch is halved until the row that is to blame stands alone, so
    /// that it harms nobody else.
    async fn write(&self, writes: Arc<Vec<Write>>, queue_depth: usize) -> Vec<Result<Written, StoreError>> {
        let mut results = Vec::with_capacity(writes.len());
        let mut left = Vec::new();
        left.push(0..writes.len());
        while let Some(batch) = left.pop() {
            match self.commit_with_retries(&writes, batch.clone(), queue_depth).await {
                Ok(written) => results.extend(written),
                Err(error) if error.is_about_a_row() && batch.len() > 1 => {
                    let middle = batch.start + batch.len() / 2;
                    left.extend([middle..batch.end, batch.start..middle]);
                }
                Err(error) => results.extend(batch.map(|_| Err(error.clone()))),
            }
        }
        results
    }

    async fn commit_with_retries(
        &self,
        writes: &Arc<Vec<Write>>,
        batch: Range<usize>,
        queue_depth: usize,
    ) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
        let mut attempt = 0;
        loop {
            let began = Instant::now();
            let written = self.commit(writes, batch.clone()).await;
            let (size, duration) = (batch.len(), began.elapsed());
            (self.settings.observe)(&Batch { size, queue_depth, duration, committed: written.is_ok() });
            match written {
                Err(StoreError::Contended(_)) if attempt < RETRIES => {
                    attempt += 1;
                    tokio::time::sleep(BACKOFF * attempt).await;
                }
                Err(error) => {
                    if matches!(error, StoreError::ReadOnly) {
                        self.store.distrust_connections();
                    }
                    return Err(error);
                }
                Ok(written) => {
                    self.ring(&written);
                    return Ok(written);
                }
            }
        }
    }

    /// On a task of its own: should one write make the program panic, it is refused like any other bad row, and
    /// the loop goes on.
    async fn commit(
        &self,
        writes: &Arc<Vec<Write>>,
        batch: Range<usize>,
    ) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
        let (store, writes, now) = (self.store.clone(), Arc::clone(writes), (self.settings.now)());
        let mut task =
            tokio::spawn(async move { commit(&store, writes.get(batch).unwrap_or_default(), now).await });
        match timeout(COMMIT_PATIENCE, &mut task).await {
            Ok(done) => {
                done.unwrap_or_else(|_panic| Err(StoreError::Refused("the write broke off".to_owned())))
            }
            Err(_) => {
                // Before the connection comes back to its pool, which would wait for it in turn.
                self.store.distrust_connections();
                task.abort();
                Err(StoreError::Unavailable("the commit did not end in time".to_owned()))
            }
        }
    }

    fn ring(&self, written: &[Result<Written, StoreError>]) {
        let mark_of = |written: &Written| match written {
            Written::Recorded(recorded) => recorded.mark,
            Written::Registered(_, mark) => *mark,
        };
        if let Some(mark) = written.iter().flatten().map(mark_of).next() {
            self.doorbell.send_if_modified(|last| {
                let newer = mark.position > last.position;
                if newer {
                    *last = mark;
                }
                newer
            });
        }
    }
}

impl StoreError {
    /// Whether one row may be to blame, so that the others can go without it.
    fn is_about_a_row(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Inconsistent { .. })
    }
}

impl std::fmt::Debug for BatcherSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatcherSettings")
            .field("max_batch", &self.max_batch)
            .field("max_queue", &self.max_queue)
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}
