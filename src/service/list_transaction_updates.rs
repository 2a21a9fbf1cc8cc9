//! `ListTransactionUpdates`: one transaction's history, page by page, by ascending version.

use super::{
    PaymentStatusService, convert, error::Failure, fields::Fields, message_batch::fitting, page, page::List,
};
use crate::{
    domain::TransactionId,
    proto::{ListTransactionUpdatesRequest, ListTransactionUpdatesResponse},
};

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: ListTransactionUpdatesRequest,
) -> Result<ListTransactionUpdatesResponse, Failure> {
    let Asked { list, id, size, after } = read(request)?;
    // One more than asked for tells whether there is a next page.
    let limit = u64::try_from(size).unwrap_or(u64::MAX).saturating_add(1);
    let rows = service.store.updates_of(&id, after, limit).await?;
    if rows.is_empty() && service.store.transaction(&id).await?.is_none() {
        return Err(Failure::transaction_unknown(format_args!("{:?}", id.as_str())));
    }
    let updates = fitting(rows.iter().take(size).map(convert::update).collect());
    let last = updates.len().checked_sub(1).and_then(|last| rows.get(last));
    let next_page_token = match last {
        Some(last) if updates.len() < rows.len() => list.token(&last.transaction.version.to_string()),
        _ => String::new(),
    };
    Ok(ListTransactionUpdatesResponse { updates, next_page_token })
}

#[derive(Debug)]
struct Asked {
    list: List,
    id: TransactionId,
    size: usize,
    /// Version of the last update seen; 0 before the first.
    after: u64,
}

fn read(request: ListTransactionUpdatesRequest) -> Result<Asked, Failure> {
    let ListTransactionUpdatesRequest { transaction_id, page_size, page_token } = request;
    let list = List::of(transaction_id.as_bytes());
    let mut fields = Fields::default();
    let id = fields.parse("transaction_id", &transaction_id);
    let size = page::size(&mut fields, page_size);
    let after = list.after(&mut fields, &page_token).and_then(|key| fields.parse::<u32>("page_token", &key));
    let after = after.map(u64::from).unwrap_or_default();
    fields.finish(id.map(|id| Asked { list, id, size, after }))
}
