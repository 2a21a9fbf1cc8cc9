use std::time::Duration;

use serde_json::json;
use tonic::{Code, Status, transport::Channel};

use super::{Failure, output::line, table::Table};
use crate::proto::{
    Transaction, TransactionUpdate, WatchStart, WatchTransactionsRequest, WatchTransactionsResponse,
    payment_status_client::PaymentStatusClient, watch_transactions_response::Event,
};

/// Follow the updates of all payments in the terminal
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The gRPC service
    #[arg(long, default_value = "http://127.0.0.1:50051")]
    url: String,
    /// Where to start
    #[arg(long, value_enum, default_value = "now", conflicts_with = "cursor")]
    from: From,
    /// Go on after this cursor, as --json printed it
    #[arg(long)]
    cursor: Option<String>,
    /// One JSON object per line instead of a table
    #[arg(long)]
    json: bool,
    /// End when everything committed so far was shown
    #[arg(long)]
    once: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum From {
    /// What is committed from now on
    Now,
    /// The oldest update that is kept
    Earliest,
    /// All current states, then what follows
    Snapshot,
}

const EXAMPLES: &str = "Examples:
  payment-status watch
  payment-status watch --from snapshot
  payment-status watch --from earliest --json --once | jq .transaction_id
  payment-status watch --json --cursor CURSOR      Go on where the last line left off";

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut watcher = Watcher {
            table: Table::for_stdout(),
            json: self.json,
            cursor: self.cursor.clone().unwrap_or_default(),
            start: self.start(),
            once: self.once,
        };
        let unusable =
            |error: &dyn std::error::Error| Failure::because(format!("--url: {}", self.url), error);
        if !self.url.starts_with("http://") {
            return Err(Failure(format!("--url: {}: must start with http://", self.url)));
        }
        let endpoint = Channel::from_shared(self.url.clone()).map_err(|error| unusable(&error))?;
        // The first connection must work, so that a wrong URL is said at once; later ones are waited for.
        let channel = endpoint
            .connect_timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(20))
            .connect()
            .await
            .map_err(|error| unusable(&error))?;
        let client = PaymentStatusClient::new(channel);
        tokio::select! {
            ended = watcher.follow(client) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    }

    fn start(&self) -> WatchStart {
        match (&self.cursor, self.from) {
            (Some(_), _) => WatchStart::Unspecified,
            (None, From::Now) => WatchStart::Now,
            (None, From::Earliest) => WatchStart::Earliest,
            (None, From::Snapshot) => WatchStart::Snapshot,
        }
    }
}

/// Follows over any number of connections; the cursor is all there is to remember.
struct Watcher {
    table: Table,
    json: bool,
    cursor: String,
    start: WatchStart,
    once: bool,
}

const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Why one stream came to its end.
enum End {
    CaughtUp,
    Lost(Status),
}

impl Watcher {
    async fn follow(&mut self, mut client: PaymentStatusClient<Channel>) -> Result<(), Failure> {
        if !self.json {
            line(self.table.header())?;
        }
        loop {
            match self.one_stream(&mut client).await? {
                End::CaughtUp => return Ok(()),
                End::Lost(status) if status.code() == Code::Unavailable => {
                    eprintln!("the service is away ({}); trying again", status.message());
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
                End::Lost(status) => {
                    return Err(Failure(format!("refused: {} ({:?})", status.message(), status.code())));
                }
            }
        }
    }

    async fn one_stream(&mut self, client: &mut PaymentStatusClient<Channel>) -> Result<End, Failure> {
        let start = if self.cursor.is_empty() { self.start } else { WatchStart::Unspecified };
        let request = WatchTransactionsRequest {
            after_cursor: self.cursor.clone(),
            start: start.into(),
            ..WatchTransactionsRequest::default()
        };
        let mut stream = match client.watch_transactions(request).await {
            Ok(response) => response.into_inner(),
            Err(status) => return Ok(End::Lost(status)),
        };
        loop {
            match stream.message().await {
                Ok(Some(response)) => {
                    let caught_up = matches!(response.event, Some(Event::CaughtUp(_)));
                    self.show(response)?;
                    if caught_up && self.once {
                        return Ok(End::CaughtUp);
                    }
                }
                Ok(None) => return Ok(End::Lost(Status::unavailable("the stream ended"))),
                Err(status) => return Ok(End::Lost(status)),
            }
        }
    }

    fn show(&mut self, response: WatchTransactionsResponse) -> Result<(), Failure> {
        let WatchTransactionsResponse { cursor, event } = response;
        let updates = match event {
            Some(Event::Updates(batch)) => batch.updates,
            Some(Event::Snapshot(batch)) => batch.transactions.into_iter().map(without_past).collect(),
            Some(Event::SnapshotEnd(_) | Event::CaughtUp(_) | Event::Progress(_)) | None => Vec::new(),
        };
        for (index, update) in updates.iter().enumerate() {
            // The cursor stands behind the whole message.
            let cursor = (index + 1 == updates.len()).then_some(cursor.as_str());
            match self.json {
                true => line(as_json(update, cursor))?,
                false => line(self.table.row(update))?,
            }
        }
        self.cursor = cursor;
        Ok(())
    }
}

/// A state, shown as an update that has no past.
fn without_past(transaction: Transaction) -> TransactionUpdate {
    let record_time = transaction.update_time;
    TransactionUpdate { transaction: Some(transaction), record_time, ..TransactionUpdate::default() }
}

/// One line for other programs; names as in the proto, amounts in minor units. Where there is a cursor, `--cursor` goes
/// on after this line.
fn as_json(update: &TransactionUpdate, cursor: Option<&str>) -> serde_json::Value {
    let transaction = update.transaction.clone().unwrap_or_default();
    let money = |money: &Option<crate::proto::Money>| {
        money
            .as_ref()
            .map(|money| json!({"currency_code": money.currency_code, "minor_units": money.minor_units}))
    };
    json!({
        "update_id": update.update_id,
        "transaction_id": transaction.transaction_id,
        "order_id": transaction.order_id,
        "gateway": transaction.gateway,
        "gateway_payment_id": transaction.gateway_payment_id,
        "status": transaction.status().as_str_name(),
        "previous_status": update.previous_status().as_str_name(),
        "expected": money(&transaction.expected),
        "authorized": money(&transaction.authorized),
        "captured": money(&transaction.captured),
        "refunded": money(&transaction.refunded),
        "lost": money(&transaction.lost),
        "dispute": transaction.dispute().as_str_name(),
        "holds": transaction.holds().map(|hold| hold.as_str_name()).collect::<Vec<_>>(),
        "actionable": transaction.actionable,
        "failure_code": transaction.failure_code,
        "failure_message": transaction.failure_message,
        "version": transaction.version,
        "traceparent": update.traceparent,
        "cursor": cursor,
    })
}
