//! A process of many subscribers that fires callbacks itself, so that it knows when each was sent and answered.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use payment_status::proto::{
    TransactionUpdate, WatchStart, WatchTransactionsRequest, WatchTransactionsResponse,
    watch_transactions_response::Event,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use tonic::Streaming;

use crate::{
    Result,
    latency::Percentiles,
    load::{self, Answer, Span},
    orders, payments, role, stripe,
};

/// So long the last updates may take.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) grpc: SocketAddr,
    pub(crate) watchers: usize,
    pub(crate) load: load::Plan,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) answers: u64,
    /// Updates within the window, summed over the watchers.
    pub(crate) updates: u64,
    pub(crate) refused: u64,
    /// From the update's record time, which the service takes before it commits: commit to subscriber, or more.
    pub(crate) from_record: Percentiles,
    /// From the gateway's side having the answer, which the service sends after the commit: commit to subscriber,
    /// or less. Zero for an update that overtook the answer.
    pub(crate) from_answer: Percentiles,
    /// From the callback being due.
    pub(crate) from_callback: Percentiles,
    pub(crate) next: u64,
}

/// An update that one subscriber has.
struct Receipt {
    payment: u64,
    received: Instant,
    /// Since the Unix epoch.
    recorded: Duration,
}

type Receipts = Arc<Mutex<Vec<Receipt>>>;

pub(crate) async fn run(plan: Plan) -> Result<()> {
    let receipts = Receipts::default();
    for _ in 0..plan.watchers {
        let stream = subscribe(plan.grpc).await?;
        tokio::spawn(collect(stream, Arc::clone(&receipts)));
    }
    let epoch = (Instant::now(), stripe::unix_time()?);
    let (span, firing) = load::fire(&plan.load).await?;
    let answers = firing.await?;
    sleep(GRACE).await;
    let receipts = std::mem::take(&mut *receipts.lock().unwrap_or_else(PoisonError::into_inner));
    role::say(&measured(&plan, &answers, &receipts, span, epoch)?)
}

/// A subscriber with a connection of its own.
async fn subscribe(address: SocketAddr) -> Result<Streaming<WatchTransactionsResponse>> {
    let mut request = WatchTransactionsRequest::default();
    request.set_start(WatchStart::Now);
    Ok(orders::connect(address).await?.watch_transactions(request).await?.into_inner())
}

async fn collect(mut stream: Streaming<WatchTransactionsResponse>, receipts: Receipts) {
    loop {
        let message = match stream.message().await {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(status) => return eprintln!("a watcher's stream ended: {status}"),
        };
        let received = Instant::now();
        if let Some(Event::Updates(batch)) = message.event {
            let mut receipts = receipts.lock().unwrap_or_else(PoisonError::into_inner);
            receipts.extend(batch.updates.iter().filter_map(|update| Receipt::of(update, received)));
        }
    }
}

fn measured(
    plan: &Plan,
    answers: &[Answer],
    receipts: &[Receipt],
    span: Span,
    epoch: (Instant, Duration),
) -> Result<Measured> {
    let mut by_payment: HashMap<u64, Vec<&Answer>> = HashMap::new();
    for answer in answers {
        by_payment.entry(answer.number % payments::COUNT).or_default().push(answer);
    }
    let (mut from_record, mut from_answer, mut from_callback) = (Vec::new(), Vec::new(), Vec::new());
    for receipt in receipts {
        // A payment may see several callbacks: the one before the update brought it about.
        let sent = by_payment.get(&receipt.payment).into_iter().flatten();
        let Some(answer) = sent.filter(|a| a.due <= receipt.received).max_by_key(|answer| answer.due) else {
            continue;
        };
        if !span.counts(answer) {
            continue;
        }
        let received = epoch.1 + receipt.received.saturating_duration_since(epoch.0);
        from_record.push(received.saturating_sub(receipt.recorded));
        from_answer.push(receipt.received.saturating_duration_since(answer.received));
        from_callback.push(receipt.received - answer.due);
    }
    let count = |of: usize| u64::try_from(of);
    Ok(Measured {
        answers: count(answers.iter().filter(|answer| span.counts(answer)).count())?,
        updates: count(from_record.len())?,
        refused: count(answers.iter().filter(|answer| !answer.accepted).count())?,
        from_record: Percentiles::of(from_record),
        from_answer: Percentiles::of(from_answer),
        from_callback: Percentiles::of(from_callback),
        next: answers.iter().map(|answer| answer.number + 1).max().unwrap_or(plan.load.first),
    })
}

// === impl Receipt ===

impl Receipt {
    fn of(update: &TransactionUpdate, received: Instant) -> Option<Self> {
        let payment = payments::payment_of(&update.transaction.as_ref()?.transaction_id)?;
        let recorded = Duration::try_from(prost_types::Duration {
            seconds: update.record_time?.seconds,
            nanos: update.record_time?.nanos,
        });
        Some(Self { payment, received, recorded: recorded.ok()? })
    }
}
