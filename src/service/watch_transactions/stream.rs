//! The stream that a client reads: a bounded queue, and at its end how the watch ended.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    sync::mpsc::{self, error::SendTimeoutError},
    task::JoinHandle,
};
use tokio_stream::Stream;
use tonic::Status;

use super::watch::Watch;
use crate::{
    feed::Cursor,
    proto::{WatchTransactionsResponse, watch_transactions_response::Event},
    service::{PaymentStatusService, error::Failure},
};

/// Messages that wait for a reader at most. More only delays the moment at which a slow one is noticed.
const QUEUE: usize = 2;

/// What a watch sends, and then its status. Dropping it ends the watch.
#[derive(Debug)]
pub struct WatchStream {
    messages: mpsc::Receiver<WatchTransactionsResponse>,
    /// `None` once it has told how it ended.
    task: Option<JoinHandle<Result<(), Failure>>>,
}

impl WatchStream {
    pub(super) fn start(service: &PaymentStatusService, watch: impl FnOnce(Outbox) -> Watch) -> Self {
        let (sender, messages) = mpsc::channel(QUEUE);
        let watch = watch(Outbox { messages: sender.clone(), patience: service.reader_patience });
        let shutdown = service.shutdown.clone();
        let watching = service.metrics.watching();
        let task = tokio::spawn(async move {
            let _watching = watching;
            tokio::select! {
                end = watch.run() => end,
                () = sender.closed() => Ok(()),
                () = shutdown.cancelled() => Err(Failure::shutting_down()),
            }
        });
        Self { messages, task: Some(task) }
    }
}

impl Stream for WatchStream {
    type Item = Result<WatchTransactionsResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(message) = ready!(self.messages.poll_recv(context)) {
            return Poll::Ready(Some(Ok(message)));
        }
        let Some(task) = &mut self.task else { return Poll::Ready(None) };
        let ended = ready!(Pin::new(task).poll(context));
        self.task = None;
        Poll::Ready(match ended {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(Err(failure.into())),
            Err(error) => {
                tracing::error!(%error, "a watch stopped by itself");
                Some(Err(Failure::internal().into()))
            }
        })
    }
}

/// The sending side of the queue.
#[derive(Debug)]
pub(super) struct Outbox {
    messages: mpsc::Sender<WatchTransactionsResponse>,
    patience: Duration,
}

impl Outbox {
    /// Waits for room, but not for ever.
    pub(super) async fn send(&self, cursor: &Cursor, event: Event) -> Result<(), Failure> {
        let message = WatchTransactionsResponse { cursor: cursor.to_string(), event: Some(event) };
        match self.messages.send_timeout(message, self.patience).await {
            Err(SendTimeoutError::Timeout(_)) => Err(Failure::slow_consumer(self.patience)),
            // A reader that is gone needs no answer, and ends the watch by itself.
            Ok(()) | Err(SendTimeoutError::Closed(_)) => Ok(()),
        }
    }
}
