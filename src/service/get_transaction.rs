//! `GetTransaction`: one transaction as it is now, by its id or by the gateway's.

use super::{PaymentStatusService, convert, error::Failure, fields::Fields};
use crate::{
    domain::{GatewayId, PaymentId, TransactionId},
    feed::Cursor,
    proto::{GatewayPayment, GetTransactionRequest, GetTransactionResponse, get_transaction_request},
};

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: GetTransactionRequest,
) -> Result<GetTransactionResponse, Failure> {
    let (key, min_cursor) = read(request)?;
    if let Some(cursor) = min_cursor {
        // Reads go to the primary, so what is committed is seen: the cursor is behind us or not of us.
        service.feed.reached(&cursor).await?;
    }
    let (found, name) = match &key {
        Key::Transaction(id) => (service.store.transaction(id).await?, format!("{:?}", id.as_str())),
        Key::Payment(gateway, payment) => (
            service.store.transaction_of_payment(gateway, payment).await?,
            format!("of payment {:?} of gateway {gateway}", payment.as_str()),
        ),
    };
    let transaction = found.ok_or_else(|| Failure::transaction_unknown(name))?;
    Ok(GetTransactionResponse { transaction: Some(convert::transaction(&transaction)) })
}

#[derive(Debug)]
enum Key {
    Transaction(TransactionId),
    Payment(GatewayId, PaymentId),
}

fn read(request: GetTransactionRequest) -> Result<(Key, Option<Cursor>), Failure> {
    let GetTransactionRequest { key, min_cursor } = request;
    let mut fields = Fields::default();
    let key = match key {
        None => {
            fields.refuse("key", "is required: transaction_id or gateway_payment");
            None
        }
        Some(get_transaction_request::Key::TransactionId(id)) => {
            fields.parse("transaction_id", &id).map(Key::Transaction)
        }
        Some(get_transaction_request::Key::GatewayPayment(payment)) => {
            let GatewayPayment { gateway, gateway_payment_id } = payment;
            let gateway = fields.parse("gateway_payment.gateway", &gateway);
            let payment = fields.parse("gateway_payment.gateway_payment_id", &gateway_payment_id);
            gateway.zip(payment).map(|(gateway, payment)| Key::Payment(gateway, payment))
        }
    };
    let min_cursor = fields.parse_optional("min_cursor", &min_cursor);
    Ok((fields.finish(key)?, min_cursor))
}
