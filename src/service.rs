//! The gRPC service: one file per RPC, from the wire to the domain and back.
//!
//! Nothing is decided here. A file reads its request (telling all that is wrong with it at once), asks the
//! gateways, the store or the feed, and puts the answer on the wire.

mod batch_get_transactions;
mod convert;
mod error;
mod fields;
mod get_transaction;
mod health;
mod list_transaction_updates;
mod list_transactions;
mod message_batch;
mod page;
mod process_callback;
mod process_callbacks;
mod register_transaction;
mod watch_transactions;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, service::Routes};

use crate::{
    certificates::CertificateCache,
    clock::Clock,
    feed::Feed,
    gateways::Gateways,
    proto::{self, payment_status_server::PaymentStatus, payment_status_server::PaymentStatusServer},
    store::{Store, Writer},
    telemetry::Metrics,
};
pub use health::Health;
pub use watch_transactions::WatchStream;

/// Bytes of one request at most; a batch of callbacks must fit.
pub const MAX_REQUEST_BYTES: usize = 8 << 20;
/// Bytes of one response at most. Lists and streams stay under the 4 MiB that clients take by default.
const MAX_RESPONSE_BYTES: usize = 32 << 20;

/// What answers the calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PaymentStatusService {
    pub gateways: Arc<Gateways>,
    pub certificates: CertificateCache,
    pub store: Store,
    pub writer: Writer,
    pub feed: Feed,
    pub clock: Clock,
    pub metrics: Metrics,
    /// Ends every stream when it is cancelled.
    pub shutdown: CancellationToken,
    /// How long a stream may stand still because its client reads nothing.
    pub reader_patience: Duration,
}

/// The service with its health and, if wanted, reflection, ready for a server.
pub fn routes(
    service: PaymentStatusService,
    health: &Health,
    reflection: bool,
) -> Result<Routes, tonic_reflection::server::Error> {
    let service = PaymentStatusServer::new(service)
        .max_decoding_message_size(MAX_REQUEST_BYTES)
        .max_encoding_message_size(MAX_RESPONSE_BYTES);
    let mut routes = Routes::new(service).add_service(health.server());
    if reflection {
        let descriptors = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        routes = routes.add_service(descriptors().build_v1()?).add_service(descriptors().build_v1alpha()?);
    }
    Ok(routes.prepare())
}

#[tonic::async_trait]
impl PaymentStatus for PaymentStatusService {
    async fn process_callback(
        &self,
        request: Request<proto::ProcessCallbackRequest>,
    ) -> Result<Response<proto::ProcessCallbackResponse>, Status> {
        Ok(Response::new(process_callback::handle(self, request).await?))
    }

    async fn process_callbacks(
        &self,
        request: Request<proto::ProcessCallbacksRequest>,
    ) -> Result<Response<proto::ProcessCallbacksResponse>, Status> {
        Ok(Response::new(process_callbacks::handle(self, request).await?))
    }

    async fn register_transaction(
        &self,
        request: Request<proto::RegisterTransactionRequest>,
    ) -> Result<Response<proto::RegisterTransactionResponse>, Status> {
        Ok(Response::new(register_transaction::handle(self, request).await?))
    }

    async fn get_transaction(
        &self,
        request: Request<proto::GetTransactionRequest>,
    ) -> Result<Response<proto::GetTransactionResponse>, Status> {
        Ok(Response::new(get_transaction::handle(self, request.into_inner()).await?))
    }

    async fn batch_get_transactions(
        &self,
        request: Request<proto::BatchGetTransactionsRequest>,
    ) -> Result<Response<proto::BatchGetTransactionsResponse>, Status> {
        Ok(Response::new(batch_get_transactions::handle(self, request.into_inner()).await?))
    }

    async fn list_transactions(
        &self,
        request: Request<proto::ListTransactionsRequest>,
    ) -> Result<Response<proto::ListTransactionsResponse>, Status> {
        Ok(Response::new(list_transactions::handle(self, request.into_inner()).await?))
    }

    async fn list_transaction_updates(
        &self,
        request: Request<proto::ListTransactionUpdatesRequest>,
    ) -> Result<Response<proto::ListTransactionUpdatesResponse>, Status> {
        Ok(Response::new(list_transaction_updates::handle(self, request.into_inner()).await?))
    }

    type WatchTransactionsStream = WatchStream;

    async fn watch_transactions(
        &self,
        request: Request<proto::WatchTransactionsRequest>,
    ) -> Result<Response<WatchStream>, Status> {
        Ok(Response::new(watch_transactions::handle(self, request.into_inner()).await?))
    }
}
