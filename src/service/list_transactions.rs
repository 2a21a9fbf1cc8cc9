//! `ListTransactions`: the transactions that pass a filter, page by page, by ascending id.

use super::{
    PaymentStatusService, convert, error::Failure, fields::Fields, message_batch::fitting, page, page::List,
};
use crate::{
    domain::TransactionId,
    proto::{ListTransactionsRequest, ListTransactionsResponse},
    store::Filter,
};

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: ListTransactionsRequest,
) -> Result<ListTransactionsResponse, Failure> {
    let Asked { list, filter, size, after } = read(request)?;
    // One more than asked for tells whether there is a next page.
    let limit = u64::try_from(size).unwrap_or(u64::MAX).saturating_add(1);
    let rows = service.store.list_transactions(&filter, after.as_ref(), limit).await?;
    let transactions = fitting(rows.iter().take(size).map(convert::transaction).collect());
    let next_page_token = match transactions.last() {
        Some(last) if transactions.len() < rows.len() => list.token(&last.transaction_id),
        _ => String::new(),
    };
    Ok(ListTransactionsResponse { transactions, next_page_token })
}

#[derive(Debug)]
struct Asked {
    list: List,
    filter: Filter,
    size: usize,
    after: Option<TransactionId>,
}

fn read(request: ListTransactionsRequest) -> Result<Asked, Failure> {
    let ListTransactionsRequest { filter, page_size, page_token } = request;
    let list = List::of(&filter.as_ref().map(prost::Message::encode_to_vec).unwrap_or_default());
    let mut fields = Fields::default();
    let filter = fields.filter(filter);
    let size = page::size(&mut fields, page_size);
    let after = list.after(&mut fields, &page_token).and_then(|key| fields.parse("page_token", &key));
    fields.finish(Some(Asked { list, filter, size, after }))
}
