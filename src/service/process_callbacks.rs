//! `ProcessCallbacks`: many callbacks in one call and one write.

use tokio::task;
use tonic::Request;

use super::{PaymentStatusService, error::Failure, fields::Fields, process_callback};
use crate::{
    proto::{
        CallbackResult, ProcessCallbackResponse, ProcessCallbacksRequest, ProcessCallbacksResponse,
        callback_result,
    },
    telemetry::trace,
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

    let call_traceparent = trace::traceparent(metadata.as_ref());
    let mut proven = Vec::with_capacity(callbacks.len());
    let mut accepted = Vec::with_capacity(callbacks.len());
    for (index, callback) in callbacks.into_iter().enumerate() {
        if index % CHECKED_AT_ONCE == CHECKED_AT_ONCE - 1 {
            task::yield_now().await;
        }
        let checked = process_callback::accept(service, callback, call_traceparent);
        accepted.push(checked.map(|(evidence, accepted)| {
            proven.push(evidence);
            accepted
        }));
    }
    let recorded = if proven.is_empty() { Vec::new() } else { service.writer.record(proven).await };
    let mut recorded = recorded.into_iter();
    let results = accepted
        .into_iter()
        .map(|accepted| result(accepted.and_then(|accepted| accepted.respond(service, recorded.next()))));
    Ok(ProcessCallbacksResponse { results: results.collect() })
}

fn result(answered: Result<ProcessCallbackResponse, Failure>) -> CallbackResult {
    let result = match answered {
        Ok(response) => callback_result::Result::Response(response),
        Err(failure) => callback_result::Result::Error(failure.into()),
    };
    CallbackResult { result: Some(result) }
}
