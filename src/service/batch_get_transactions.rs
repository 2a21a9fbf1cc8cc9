//! `BatchGetTransactions`: many transactions by id; unknown ones are named rather than failing the rest.

use std::collections::HashMap;

use super::{PaymentStatusService, convert, error::Failure, fields::Fields};
use crate::{
    domain::TransactionId,
    proto::{BatchGetTransactionsRequest, BatchGetTransactionsResponse},
};

const MAX_IDS: usize = 1000;

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: BatchGetTransactionsRequest,
) -> Result<BatchGetTransactionsResponse, Failure> {
    let ids = read(request)?;
    let found = service.store.transactions(&ids).await?;
    let found: HashMap<_, _> = found.iter().map(|row| (&row.registration.transaction_id, row)).collect();
    let mut response = BatchGetTransactionsResponse::default();
    for id in &ids {
        match found.get(id) {
            Some(transaction) => response.transactions.push(convert::transaction(transaction)),
            None => response.unknown_transaction_ids.push(id.to_string()),
        }
    }
    Ok(response)
}

fn read(request: BatchGetTransactionsRequest) -> Result<Vec<TransactionId>, Failure> {
    let BatchGetTransactionsRequest { transaction_ids } = request;
    let mut fields = Fields::default();
    let fits = (1..=MAX_IDS).contains(&transaction_ids.len());
    fields.require(fits, "transaction_ids", format_args!("must be 1 to {MAX_IDS}"));
    let named = transaction_ids.iter().take(MAX_IDS).enumerate();
    let ids =
        named.filter_map(|(index, id)| fields.parse(&format!("transaction_ids[{index}]"), id)).collect();
    fields.finish(Some(ids))
}
