//! `ProcessCallbacks`: many callbacks in one call and one write.
//!
//! Those that need a certificate first get a round of their own: while it is fetched, the others are recorded.

mod round;
mod second_round;

use tokio::{join, task};
use tonic::Request;

use super::{
    PaymentStatusService,
    error::Failure,
    fields::Fields,
    process_callback::{Arrival, NeedsCertificate, Unproven},
};
use crate::{
    proto::{
        CallbackResult, ProcessCallbackRequest, ProcessCallbackResponse, ProcessCallbacksRequest,
        ProcessCallbacksResponse, callback_result,
    },
    telemetry::trace,
};
use round::Round;

const MAX_CALLBACKS: usize = 512;
/// Proofs checked before other tasks get their turn: some 10 µs each.
const CHECKED_AT_ONCE: usize = 64;

/// What became of a callback, with its place in the call.
type Answer = (usize, Result<ProcessCallbackResponse, Failure>);
/// A callback that needs a certificate, with its place in the call.
type Needy<'a> = (usize, Box<NeedsCertificate<'a>>);

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: Request<ProcessCallbacksRequest>,
) -> Result<ProcessCallbacksResponse, Failure> {
    let (metadata, _, ProcessCallbacksRequest { callbacks }) = request.into_parts();
    let mut fields = Fields::default();
    let fits = (1..=MAX_CALLBACKS).contains(&callbacks.len());
    fields.require(fits, "callbacks", format_args!("must be 1 to {MAX_CALLBACKS}"));
    fields.finish(Some(()))?;

    let (round, needy) = first_round(service, callbacks, trace::traceparent(metadata.as_ref())).await;
    let others_wait = !round.is_empty();
    let (mut answers, late) =
        join!(round.record(service), second_round::answers(service, needy, others_wait));
    answers.extend(late);
    answers.sort_unstable_by_key(|(index, _)| *index);
    Ok(ProcessCallbacksResponse { results: answers.into_iter().map(|(_, answer)| result(answer)).collect() })
}

async fn first_round<'a>(
    service: &'a PaymentStatusService,
    callbacks: Vec<ProcessCallbackRequest>,
    call_traceparent: Option<&str>,
) -> (Round, Vec<Needy<'a>>) {
    let certificates = service.certificates.at_hand(service.clock.now());
    let (mut round, mut needy) = (Round::of(callbacks.len()), Vec::new());
    for (index, callback) in callbacks.into_iter().enumerate() {
        let_others_run(index).await;
        let arrival = Arrival::read(service, callback, call_traceparent).map_err(Unproven::Refused);
        match arrival.and_then(|arrival| arrival.check(service, &certificates)) {
            Ok(proven) => round.add(index, Ok(proven)),
            Err(Unproven::Refused(failure)) => round.add(index, Err(failure)),
            Err(Unproven::NeedsCertificate(needs)) => needy.push((index, needs)),
        }
    }
    (round, needy)
}

/// Now and then, between two proofs.
async fn let_others_run(checked: usize) {
    if checked % CHECKED_AT_ONCE == CHECKED_AT_ONCE - 1 {
        task::yield_now().await;
    }
}

fn result(answered: Result<ProcessCallbackResponse, Failure>) -> CallbackResult {
    let result = match answered {
        Ok(response) => callback_result::Result::Response(response),
        Err(failure) => callback_result::Result::Error(failure.into()),
    };
    CallbackResult { result: Some(result) }
}
