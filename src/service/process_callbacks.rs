//! `ProcessCallbacks`: many callbacks in one call and one write.

use tokio::task;
use tonic::Request;

use super::{
    PaymentStatusService,
    error::Failure,
    fields::Fields,
    process_callback::{self, Accepted},
    traceparent,
};
use crate::{
    gateways::HttpReply,
    proto::{CallbackResult, ProcessCallbacksRequest, ProcessCallbacksResponse, callback_result},
    store::{Recorded, StoreError},
};

const MAX_CALLBACKS: usize = 512;
/// Proofs checked before other tasks get their turn: some 10 µs each.
const CHECKED_AT_ONCE: usize = 64;

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: Request<ProcessCallbacksRequest>,
) -> Result<ProcessCallbacksResponse, Failure> {
    let (metadata, _, ProcessCallbacksRequest { callbacks }) = request.into_parts();
    let mut fields = Fields::default();
    let fits = (1..=MAX_CALLBACKS).contains(&callbacks.len());
    fields.require(fits, "callbacks", format_args!("must be 1 to {MAX_CALLBACKS}"));
    fields.finish(Some(()))?;

    let call_traceparent = traceparent::of_call(&metadata);
    let mut evidence = Vec::with_capacity(callbacks.len());
    let mut replies = Vec::with_capacity(callbacks.len());
    for (index, callback) in callbacks.into_iter().enumerate() {
        if index % CHECKED_AT_ONCE == CHECKED_AT_ONCE - 1 {
            task::yield_now().await;
        }
        replies.push(process_callback::accept(service, callback, call_traceparent).map(|accepted| {
            let Accepted { evidence: proven, reply } = accepted;
            evidence.push(proven);
            reply
        }));
    }
    let recorded = if evidence.is_empty() { Vec::new() } else { service.writer.record(evidence).await };
    Ok(ProcessCallbacksResponse { results: in_order(service, replies, recorded) })
}

/// Puts what was recorded between what was refused before.
fn in_order(
    service: &PaymentStatusService,
    replies: Vec<Result<HttpReply, Failure>>,
    recorded: Vec<Result<Recorded, StoreError>>,
) -> Vec<CallbackResult> {
    let mut recorded = recorded.into_iter();
    let results = replies.into_iter().map(|reply| {
        let answered = reply.and_then(|reply| {
            let recorded = recorded.next().ok_or_else(Failure::internal)?;
            process_callback::respond(service, recorded, reply)
        });
        CallbackResult {
            result: Some(match answered {
                Ok(response) => callback_result::Result::Response(response),
                Err(failure) => callback_result::Result::Error(failure.into()),
            }),
        }
    });
    results.collect()
}
