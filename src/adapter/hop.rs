//! Callbacks travel to the service in company.
//!
//! A unary call costs more than all other work on a callback together. So while calls are under way, callbacks
//! gather, and the next call takes all of them; a lone callback goes at once. What makes things durable is the
//! service's answer: whatever happens to a call, its callbacks are answered 503 and the gateways try again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use prost::Message as _;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::yield_now,
    time::timeout,
};
use tonic::{Request, Status, transport::Channel};
use tracing::Instrument as _;

use super::{AdapterSettings, body::Room};
use crate::{
    proto::{
        CallbackResult, ProcessCallbackRequest, ProcessCallbacksRequest, callback_result,
        payment_status_client::PaymentStatusClient,
    },
    telemetry::{Metrics, trace},
};

/// Callbacks in one call; the service takes up to 512.
const MAX_BATCH: usize = 256;
/// A batch is closed once its callbacks, headers and all, are this large: it is never larger than this and one
/// more callback.
const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// gRPC messages; far above what a batch can reach.
const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// The adapter's end of the hop.
pub(super) struct Hop {
    queue: mpsc::Sender<Waiting>,
    patience: Duration,
}

struct Waiting {
    callback: ProcessCallbackRequest,
    room: Room,
    answer: oneshot::Sender<callback_result::Result>,
}

impl Hop {
    /// Starts the sending task; it ends with the hop.
    pub(super) fn start(client: PaymentStatusClient<Channel>, settings: &AdapterSettings) -> Self {
        let (queue, waiting) = mpsc::channel(settings.max_waiting);
        let caller = Caller {
            client: client
                .max_decoding_message_size(MAX_MESSAGE_BYTES)
                .max_encoding_message_size(MAX_MESSAGE_BYTES),
            metrics: settings.metrics.clone(),
            patience: settings.service_deadline,
            is_down: Arc::default(),
        };
        tokio::spawn(send_all(waiting, caller, settings.max_calls));
        Self { queue, patience: settings.service_deadline }
    }

    /// The service's word on this callback. No word in time says nothing of the callback: it may be recorded.
    ///
    /// Once queued, a callback is sent even if nobody waits any more: some gateways hang up early.
    pub(super) async fn process(
        &self,
        callback: ProcessCallbackRequest,
        room: Room,
    ) -> Option<callback_result::Result> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Waiting { callback, room, answer }).ok()?;
        timeout(self.patience, answered).await.ok()?.ok()
    }
}

async fn send_all(mut queue: mpsc::Receiver<Waiting>, caller: Caller, max_calls: usize) {
    let calls = Arc::new(Semaphore::new(max_calls));
    while let Ok(call) = Arc::clone(&calls).acquire_owned().await {
        let Some(batch) = gather(&mut queue).await else { return };
        let caller = caller.clone();
        tokio::spawn(async move {
            caller.send(batch).await;
            drop(call);
        });
    }
}

/// Waits for one callback, then takes what else is there.
async fn gather(queue: &mut mpsc::Receiver<Waiting>) -> Option<Vec<Waiting>> {
    let first = queue.recv().await?;
    // Requests that are already in this process get aboard; it costs a lone one next to nothing.
    yield_now().await;
    let mut bytes = first.callback.encoded_len();
    let mut batch = vec![first];
    while batch.len() < MAX_BATCH && bytes < MAX_BATCH_BYTES {
        let Ok(next) = queue.try_recv() else { break };
        bytes += next.callback.encoded_len();
        batch.push(next);
    }
    Some(batch)
}

#[derive(Clone)]
struct Caller {
    client: PaymentStatusClient<Channel>,
    metrics: Metrics,
    patience: Duration,
    /// Known to be out of reach: said once, not at each call.
    is_down: Arc<AtomicBool>,
}

impl Caller {
    /// Sends the batch and hands out the results. Those who get none read it from their closed channel.
    async fn send(mut self, batch: Vec<Waiting>) {
        self.metrics.hop_sent(batch.len());
        let mut callbacks = Vec::with_capacity(batch.len());
        let mut waiting = Vec::with_capacity(batch.len());
        for Waiting { callback, room, answer } in batch {
            callbacks.push(callback);
            waiting.push((answer, room));
        }
        match self.call(callbacks).await {
            Ok(results) => {
                self.note_up();
                for ((answer, _room), CallbackResult { result }) in waiting.into_iter().zip(results) {
                    if let Some(result) = result {
                        // A gateway that hung up is not there to be told.
                        let _ = answer.send(result);
                    }
                }
            }
            Err(status) => self.note_down(&status),
        }
    }

    async fn call(&mut self, callbacks: Vec<ProcessCallbackRequest>) -> Result<Vec<CallbackResult>, Status> {
        let sent = callbacks.len();
        let span = tracing::debug_span!(
            "hop",
            otel.name = "payment_status.v1.PaymentStatus/ProcessCallbacks",
            otel.kind = "client",
            rpc.system.name = "grpc",
            rpc.method = "payment_status.v1.PaymentStatus/ProcessCallbacks",
            callbacks = sent,
        );
        let mut request = Request::new(ProcessCallbacksRequest { callbacks });
        request.set_timeout(self.patience);
        trace::inject(&span, request.metadata_mut());
        let call = self.client.process_callbacks(request).instrument(span);
        let response = timeout(self.patience, call)
            .await
            .map_err(|_| Status::deadline_exceeded("the service did not answer in time"))??;
        let results = response.into_inner().results;
        if results.len() == sent {
            Ok(results)
        } else {
            Err(Status::internal(format!("{} results for {sent} callbacks", results.len())))
        }
    }

    fn note_up(&self) {
        if self.is_down.swap(false, Ordering::Relaxed) {
            tracing::info!("the service answers again");
        }
    }

    fn note_down(&self, status: &Status) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            let (code, reason) = (status.code(), status.message());
            tracing::warn!(%code, reason, "the service does not answer, gateways get 503");
        }
    }
}
