//! What an order service does: say what it expects, then act once on each payment that is paid.
//!
//! With `payment-status demo` running in another terminal:
//!
//! ```console
//! cargo run --example order_service
//! ```
//!
//! It remembers its place in a file, so it may be stopped and started at any time and misses nothing.

use std::{collections::BTreeMap, error::Error, fs, time::Duration};

use payment_status::proto::{
    Money, RegisterTransactionRequest, Transaction, TransactionStatus, WatchStart, WatchTransactionsRequest,
    WatchTransactionsResponse, payment_status_client::PaymentStatusClient,
    watch_transactions_response::Event,
};
use tonic::{Code, Status, Streaming, transport::Channel};

const SERVICE: &str = "http://127.0.0.1:50051";
const CURSOR_FILE: &str = "order-service.cursor";

/// The last version handled of each transaction. A real service keeps it, and the cursor, in its own database, in
/// the same commit as what it does.
type Handled = BTreeMap<String, u64>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut client = PaymentStatusClient::new(Channel::from_static(SERVICE).connect_lazy());
    let mut handled = Handled::new();
    loop {
        match follow(&mut client, &mut handled).await {
            // Too old, or of another database: all current states, then what follows.
            Err(status) if matches!(status.code(), Code::OutOfRange | Code::FailedPrecondition) => {
                fs::remove_file(CURSOR_FILE)?;
            }
            Err(status) => {
                eprintln!("{}: again in a second", status.message());
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(()) => {}
        }
    }
}

async fn follow(client: &mut PaymentStatusClient<Channel>, handled: &mut Handled) -> Result<(), Status> {
    expect_payment(client).await?;
    let after_cursor = fs::read_to_string(CURSOR_FILE).unwrap_or_default();
    let start = if after_cursor.is_empty() { WatchStart::Snapshot } else { WatchStart::Unspecified };
    let request = WatchTransactionsRequest { after_cursor, start: start.into(), ..Default::default() };
    let mut stream: Streaming<WatchTransactionsResponse> =
        client.watch_transactions(request).await?.into_inner();
    while let Some(message) = stream.message().await? {
        let transactions = match message.event {
            Some(Event::Updates(batch)) => {
                batch.updates.into_iter().filter_map(|update| update.transaction).collect()
            }
            Some(Event::Snapshot(batch)) => batch.transactions,
            _ => Vec::new(),
        };
        for transaction in transactions {
            handle(handled, &transaction);
        }
        // Only now: what was not handled comes again.
        fs::write(CURSOR_FILE, message.cursor).map_err(|error| Status::internal(error.to_string()))?;
    }
    Ok(())
}

/// Before the customer pays. The same call again is no error, so it may simply be repeated.
async fn expect_payment(client: &mut PaymentStatusClient<Channel>) -> Result<(), Status> {
    let request = RegisterTransactionRequest {
        transaction_id: "example-1".to_owned(),
        order_id: "order 1 of the example".to_owned(),
        gateway: "stripe".to_owned(),
        expected: Some(Money { currency_code: "EUR".to_owned(), minor_units: 1099 }),
        ..Default::default()
    };
    client.register_transaction(request).await.map(drop)
}

/// Updates come at least once; versions say which are news.
fn handle(handled: &mut Handled, transaction: &Transaction) {
    let last = handled.entry(transaction.transaction_id.clone()).or_default();
    if transaction.version <= *last {
        return;
    }
    *last = transaction.version;
    let id = &transaction.transaction_id;
    match transaction.status() {
        TransactionStatus::Paid if transaction.actionable => println!("{id}: paid, ship it"),
        _ if !transaction.actionable => println!("{id}: on hold, somebody must look"),
        status => println!("{id}: {}", status.as_str_name()),
    }
}
