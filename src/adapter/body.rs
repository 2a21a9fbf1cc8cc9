//! Reading a body, with a limit on bytes and on time, whatever the request says of itself.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody as _},
    http::{HeaderMap, header::EXPECT},
};
use http_body_util::BodyExt as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{AdapterSettings, answer::Refusal};

/// Bodies up to this size are bounded by the number of connections; what goes beyond shares a budget, so that
/// whoever fills it with large bodies leaves the everyday callback alone.
const SMALL_BYTES: usize = 64 * 1024;

/// Memory set aside because of a mere Content-Length.
const MAX_PREPARED_BYTES: u64 = 16 * 1024;

/// A refused body is read up to here, and thrown away.
const MAX_DISCARDED_BYTES: u64 = 16 * 1024 * 1024;

pub(super) struct Bodies {
    room: Arc<Semaphore>,
    max_bytes: usize,
    deadline: Duration,
}

pub(super) struct Received {
    /// Exactly what came: signatures are over bytes.
    pub(super) bytes: Vec<u8>,
    /// Held for as long as the bytes are.
    pub(super) room: Room,
}

/// A share of the budget for large bodies.
#[derive(Debug, Default)]
pub(super) struct Room(Option<OwnedSemaphorePermit>);

impl Bodies {
    pub(super) fn new(settings: &AdapterSettings) -> Self {
        Self {
            room: Arc::new(Semaphore::new(settings.max_large_bytes)),
            max_bytes: settings.max_body_bytes,
            deadline: settings.body_deadline,
        }
    }

    pub(super) async fn read(&self, headers: &HeaderMap, mut body: Body) -> Result<Received, Refusal> {
        let received = timeout(self.deadline, self.collect(&mut body)).await;
        match received.unwrap_or(Err(Refusal::TooSlow)) {
            Err(Refusal::TooLarge) => Err(self.refuse(Refusal::TooLarge, headers, body).await),
            received => received,
        }
    }

    /// Lets the client finish writing, within bounds: one that is still at it would see a reset, and no answer.
    /// One that asks before it sends hears the answer at once.
    pub(super) async fn refuse(&self, refusal: Refusal, headers: &HeaderMap, body: Body) -> Refusal {
        if !headers.contains_key(EXPECT) {
            let _ = timeout(self.deadline, discard(body)).await;
        }
        refusal
    }

    async fn collect(&self, body: &mut Body) -> Result<Received, Refusal> {
        let declared = body.size_hint().lower();
        if usize::try_from(declared).is_ok_and(|declared| declared > self.max_bytes) {
            return Err(Refusal::TooLarge);
        }
        let prepared = usize::try_from(declared.min(MAX_PREPARED_BYTES)).unwrap_or_default();
        let mut bytes = Vec::with_capacity(prepared);
        let mut room = Room::default();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Refusal::Broken)?.into_data() else { continue };
            if bytes.len() + data.len() > self.max_bytes {
                return Err(Refusal::TooLarge);
            }
            room.grow(&self.room, (bytes.len() + data.len()).saturating_sub(SMALL_BYTES))?;
            bytes.extend_from_slice(&data);
        }
        Ok(Received { bytes, room })
    }
}

impl Room {
    fn grow(&mut self, room: &Arc<Semaphore>, to: usize) -> Result<(), Refusal> {
        let held = self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Some(more) = to.checked_sub(held).filter(|more| *more > 0) else { return Ok(()) };
        let more = u32::try_from(more).map_err(|_| Refusal::TooLarge)?;
        let permit = Arc::clone(room).try_acquire_many_owned(more).map_err(|_| Refusal::Unavailable)?;
        match &mut self.0 {
            Some(held) => held.merge(permit),
            None => self.0 = Some(permit),
        }
        Ok(())
    }
}

async fn discard(mut body: Body) {
    if body.size_hint().lower() > MAX_DISCARDED_BYTES {
        return;
    }
    let mut discarded = 0;
    while let Some(Ok(frame)) = body.frame().await {
        discarded += frame.data_ref().map_or(0, |data| data.len() as u64);
        if discarded > MAX_DISCARDED_BYTES {
            return;
        }
    }
}
