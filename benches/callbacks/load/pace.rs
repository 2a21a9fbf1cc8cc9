//! When the next callback is due.

use std::{sync::Arc, thread, time::Duration};

use tokio::{
    sync::{Mutex, mpsc},
    time::Instant,
};

use super::Span;

#[derive(Clone)]
pub(super) enum Pace {
    /// At once, until the end.
    Closed { end: Instant },
    /// By the clock. Whichever connection is idle takes the next one; while none is, they fall due all the same,
    /// so that a slow answer does not hide the wait of those behind it.
    Open(Arc<Mutex<mpsc::UnboundedReceiver<Instant>>>),
}

// === impl Pace ===

impl Pace {
    pub(super) fn new(rate: Option<f64>, span: Span) -> Self {
        let Some(rate) = rate else { return Self::Closed { end: span.end } };
        // As many as the schedule holds and no more.
        let (ticks, due) = mpsc::unbounded_channel();
        let interval = Duration::from_secs_f64(1.0 / rate);
        // A thread sleeps to some 50 µs; the runtime's timer would round up to the next millisecond.
        thread::spawn(move || {
            let mut at = span.start;
            while at < span.end {
                thread::sleep(at.saturating_duration_since(Instant::now()));
                if ticks.send(at).is_err() {
                    return;
                }
                at += interval;
            }
        });
        Self::Open(Arc::new(Mutex::new(due)))
    }

    /// When the callback to send now is due; none when the load is over.
    pub(super) async fn next(&self) -> Option<Instant> {
        match self {
            Self::Closed { end } => Some(Instant::now()).filter(|now| now < end),
            Self::Open(due) => due.lock().await.recv().await,
        }
    }
}
