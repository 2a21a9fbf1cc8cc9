//! The load: signed callbacks over keep-alive connections, from a process of its own with one thread.

use std::{
    net::SocketAddr,
    process,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use self::{connection::Connection, pace::Pace};
use crate::{Result, latency::Percentiles, role, stripe::Signer, usage};

mod connection;
mod pace;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    /// Callbacks per second, on a schedule that waits for nobody. None: each connection sends its next callback
    /// when the last one is answered.
    pub(crate) rate: Option<f64>,
    /// Number of the first callback: go on where the last load ended.
    pub(crate) first: u64,
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
}

/// What came of one callback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) number: u64,
    /// When it was sent, or should have been by the schedule.
    pub(crate) due: Instant,
    pub(crate) received: Instant,
    pub(crate) accepted: bool,
}

/// When a load begins to send, begins to count and ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    start: Instant,
    pub(crate) count_from: Instant,
    pub(crate) end: Instant,
}

/// What the load process reports of the answers that came within the window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) answers: u64,
    /// Answers other than 200, and connections that broke; of the warm-up too.
    pub(crate) refused: u64,
    pub(crate) latency: Percentiles,
    pub(crate) cpu: Duration,
    /// Number of the first callback that was not sent.
    pub(crate) next: u64,
}

/// The load process: says when its window opens and closes, then what it measured.
pub(crate) async fn run(plan: Plan) -> Result<()> {
    let (span, firing) = fire(&plan).await?;
    let firing = tokio::spawn(firing);
    sleep_until(span.count_from).await;
    let cpu_before = usage::cpu(process::id())?;
    role::say(&"open")?;
    sleep_until(span.end).await;
    let cpu = usage::cpu(process::id())?.saturating_sub(cpu_before);
    role::say(&"closed")?;
    let answers = firing.await??;
    let counted = || answers.iter().filter(|a| a.accepted && span.counts(a));
    role::say(&Measured {
        answers: u64::try_from(counted().count())?,
        refused: u64::try_from(answers.iter().filter(|answer| !answer.accepted).count())?,
        latency: Percentiles::of(counted().map(|answer| answer.received - answer.due).collect()),
        cpu,
        next: answers.iter().map(|answer| answer.number + 1).max().unwrap_or(plan.first),
    })
}

/// Connects, and returns the firing, which lasts as long as the span and then for the last answers.
pub(crate) async fn fire(plan: &Plan) -> Result<(Span, impl Future<Output = Result<Vec<Answer>>> + use<>)> {
    let signer = Signer::new(plan.address)?;
    let mut connections = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        connections.push(Connection::open(plan.address).await?);
    }
    let span = Span::starting_now(plan);
    let next = Arc::new(AtomicU64::new(plan.first));
    let pace = Pace::new(plan.rate, span);
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn(connection.drive(signer.clone(), pace.clone(), Arc::clone(&next)));
    }
    let firing = async move {
        let mut answers = Vec::new();
        while let Some(task) = tasks.join_next().await {
            answers.extend(task??);
        }
        Ok(answers)
    };
    Ok((span, firing))
}

// === impl Span ===

impl Span {
    fn starting_now(plan: &Plan) -> Self {
        let start = Instant::now();
        let count_from = start + plan.warm_up;
        Self { start, count_from, end: count_from + plan.window }
    }

    pub(crate) fn counts(&self, answer: &Answer) -> bool {
        (self.count_from..self.end).contains(&answer.received)
    }
}
