//! The order service's part: registers the payments, and afterwards looks what became of them.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use payment_status::proto::{
    BatchGetTransactionsRequest, Money, RegisterTransactionRequest,
    payment_status_client::PaymentStatusClient,
};
use tokio::{sync::Semaphore, task::JoinSet};
use tonic::transport::{Channel, Endpoint};

use crate::{Result, payments, stripe::GATEWAY};

const IN_FLIGHT: usize = 256;

pub(crate) async fn connect(address: SocketAddr) -> Result<PaymentStatusClient<Channel>> {
    Ok(PaymentStatusClient::new(Endpoint::from_shared(format!("http://{address}"))?.connect().await?))
}

/// Registers all payments, and returns how many per second.
pub(crate) async fn register(address: SocketAddr) -> Result<f64> {
    let client = connect(address).await?;
    let start = Instant::now();
    let permits = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut tasks = JoinSet::new();
    for payment in 0..payments::COUNT {
        let permit = Arc::clone(&permits).acquire_owned().await?;
        let mut client = client.clone();
        tasks.spawn(async move {
            let _permit = permit;
            client.register_transaction(registration(payment)?).await?;
            Result::Ok(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(f64::from(u32::try_from(payments::COUNT)?) / start.elapsed().as_secs_f64())
}

/// Mean version of the first payments: how many changes each has seen, its registration included.
pub(crate) async fn mean_version(address: SocketAddr) -> Result<f64> {
    let transaction_ids = (0..payments::LOOKED_AT).map(payments::transaction_id).collect();
    let answer = connect(address)
        .await?
        .batch_get_transactions(BatchGetTransactionsRequest { transaction_ids })
        .await?;
    let transactions = answer.into_inner().transactions;
    let versions: u64 = transactions.iter().map(|transaction| transaction.version).sum();
    Ok(f64::from(u32::try_from(versions)?) / f64::from(u32::try_from(transactions.len().max(1))?))
}

fn registration(payment: u64) -> Result<RegisterTransactionRequest> {
    Ok(RegisterTransactionRequest {
        transaction_id: payments::transaction_id(payment),
        order_id: format!("order-{payment}"),
        gateway: GATEWAY.to_owned(),
        expected: Some(Money {
            currency_code: "EUR".to_owned(),
            minor_units: i64::try_from(payments::AMOUNT)?,
        }),
        ..Default::default()
    })
}
