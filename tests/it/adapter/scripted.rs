//! The other end of the wire contract: a service that does as its callbacks say.

use std::sync::{Arc, Mutex};

use axum::Router;
use payment_status::proto::{
    self, CallbackError, CallbackResult, HttpReply, ProcessCallbackRequest, ProcessCallbackResponse,
    ProcessCallbacksRequest, ProcessCallbacksResponse, callback_result,
    payment_status_server::{PaymentStatus, PaymentStatusServer},
};
use tokio::sync::Semaphore;
use tonic::{Code, Response, Status, async_trait};

/// A service that answers each callback by the name of its gateway.
#[derive(Clone)]
pub(super) struct Scripted {
    pub(super) batches: Arc<Mutex<Vec<Vec<ProcessCallbackRequest>>>>,
    /// Calls with a callback of the gateway `held` are answered when they get a permit.
    pub(super) gate: Arc<Semaphore>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self { batches: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
    }
}

fn script(gateway: &str) -> callback_result::Result {
    let reply = |status, body: &str| {
        let body = body.as_bytes().to_vec();
        Some(HttpReply { status, content_type: "text/plain".to_owned(), body })
    };
    let error = |code: Code, reply| {
        let (code, message) = (code as i32, "do not show this".to_owned());
        callback_result::Result::Error(CallbackError { code, message, reply, reason: String::new() })
    };
    match gateway {
        "forged" => error(Code::Unauthenticated, None),
        "forged-particular" => error(Code::Unauthenticated, reply(400, "fail")),
        "stranger" => error(Code::NotFound, None),
        "malformed" => error(Code::InvalidArgument, None),
        "overloaded" => error(Code::ResourceExhausted, None),
        "down" => error(Code::Unavailable, None),
        "slow" => error(Code::DeadlineExceeded, None),
        "broken" => error(Code::Internal, None),
        "odd-reply" => callback_result::Result::Response(ProcessCallbackResponse {
            reply: reply(7, ""),
            ..ProcessCallbackResponse::default()
        }),
        "no-reply" => callback_result::Result::Response(ProcessCallbackResponse::default()),
        _ => callback_result::Result::Response(ProcessCallbackResponse {
            reply: reply(202, "[accepted]"),
            ..ProcessCallbackResponse::default()
        }),
    }
}

impl Scripted {
    pub(super) fn routes(&self) -> Router {
        let server = PaymentStatusServer::new(self.clone()).max_decoding_message_size(8 * 1024 * 1024);
        tonic::service::Routes::new(server).into_axum_router()
    }

    pub(super) fn batch_sizes(&self) -> Vec<usize> {
        self.batches.lock().unwrap().iter().map(Vec::len).collect()
    }

    pub(super) fn only_callback(&self) -> ProcessCallbackRequest {
        let batches = self.batches.lock().unwrap();
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
        batches[0][0].clone()
    }
}

#[async_trait]
impl PaymentStatus for Scripted {
    async fn process_callbacks(
        &self,
        request: tonic::Request<ProcessCallbacksRequest>,
    ) -> Result<Response<ProcessCallbacksResponse>, Status> {
        let callbacks = request.into_inner().callbacks;
        let has = |gateway| callbacks.iter().any(|callback| callback.gateway == gateway);
        let (held, short, failed) = (has("held"), has("short"), has("failed-call"));
        let mut results: Vec<_> = callbacks
            .iter()
            .map(|callback| CallbackResult { result: Some(script(&callback.gateway)) })
            .collect();
        self.batches.lock().unwrap().push(callbacks);
        if held {
            self.gate.acquire().await.unwrap().forget();
        }
        if short {
            results.pop();
        }
        if failed {
            return Err(Status::unauthenticated("the adapter itself is not let in"));
        }
        Ok(Response::new(ProcessCallbacksResponse { results }))
    }

    async fn process_callback(
        &self,
        _: tonic::Request<ProcessCallbackRequest>,
    ) -> Result<Response<ProcessCallbackResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn register_transaction(
        &self,
        _: tonic::Request<proto::RegisterTransactionRequest>,
    ) -> Result<Response<proto::RegisterTransactionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_transaction(
        &self,
        _: tonic::Request<proto::GetTransactionRequest>,
    ) -> Result<Response<proto::GetTransactionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn batch_get_transactions(
        &self,
        _: tonic::Request<proto::BatchGetTransactionsRequest>,
    ) -> Result<Response<proto::BatchGetTransactionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_transactions(
        &self,
        _: tonic::Request<proto::ListTransactionsRequest>,
    ) -> Result<Response<proto::ListTransactionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_transaction_updates(
        &self,
        _: tonic::Request<proto::ListTransactionUpdatesRequest>,
    ) -> Result<Response<proto::ListTransactionUpdatesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    type WatchTransactionsStream = tokio_stream::Empty<Result<proto::WatchTransactionsResponse, Status>>;

    async fn watch_transactions(
        &self,
        _: tonic::Request<proto::WatchTransactionsRequest>,
    ) -> Result<Response<Self::WatchTransactionsStream>, Status> {
        Err(Status::unimplemented(""))
    }
}
