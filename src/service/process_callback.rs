//! `ProcessCallback`: prove a callback, read it, record it, and say what the gateway wants to hear.

mod evidence;
mod read;

use tonic::Request;
use tracing::{Span, field::Empty};

use super::{PaymentStatusService, convert, error::Failure};
use crate::{
    gateways::{Answer, Certificates, HttpReply},
    proto::{ProcessCallbackRequest, ProcessCallbackResponse},
    store::{Evidence, Recorded, StoreError},
    telemetry::trace,
};

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: Request<ProcessCallbackRequest>,
) -> Result<ProcessCallbackResponse, Failure> {
    let (metadata, _, request) = request.into_parts();
    let (evidence, accepted) = accept(service, request, trace::traceparent(metadata.as_ref()))?;
    let recorded = service.writer.record(vec![evidence]).await.pop();
    accepted.respond(service, recorded)
}

/// What is left to do for a proven callback once it is recorded.
#[derive(Debug)]
pub(super) struct Accepted {
    gateway: String,
    /// What the gateway wants to hear then.
    reply: HttpReply,
    /// Of this callback, whether it came alone or in a batch.
    span: Span,
}

/// All that is done before the store is asked. Only the CPU is used.
pub(super) fn accept(
    service: &PaymentStatusService,
    request: ProcessCallbackRequest,
    call_traceparent: Option<&str>,
) -> Result<(Evidence, Accepted), Failure> {
    let now = service.clock.now();
    let (gateway, mut callback) = read::callback(service, request, now)?;
    let id = gateway.id().as_str();
    let span = tracing::debug_span!("process_callback", gateway = id, callback_id = Empty, outcome = Empty);
    if let Some(caller) = &callback.traceparent {
        trace::set_parent(&span, caller);
    }
    callback.traceparent = callback.traceparent.or_else(|| call_traceparent.map(str::to_owned));

    let verified = match gateway.verify(&callback, now, &Certificates::default()) {
        Ok(verified) => verified,
        Err(refusal) => {
            service.metrics.callback(Some(id), "rejected");
            span.record("outcome", refusal.reason.word());
            service.writer.reject(evidence::rejected(gateway, &callback, refusal.reason));
            let reply = gateway.reply(Answer::Refused(refusal.reason));
            return Err(Failure::signature_invalid(id, refusal.reason.word(), reply));
        }
    };
    service.metrics.key_used(id, verified.key_id(), now);
    let mut evidence = span.in_scope(|| evidence::proven(gateway, &callback, &verified, now));
    evidence.traceparent = trace::of(&span).or(callback.traceparent);
    let reply = gateway.reply(Answer::Success);
    Ok((evidence, Accepted { gateway: id.to_owned(), reply, span }))
}

impl Accepted {
    /// `recorded` is `None` only if the store broke its promise of one result each.
    pub(super) fn respond(
        self,
        service: &PaymentStatusService,
        recorded: Option<Result<Recorded, StoreError>>,
    ) -> Result<ProcessCallbackResponse, Failure> {
        let Self { gateway, reply, span } = self;
        let _entered = span.enter();
        let Recorded { callback_id, outcome, transactions, mark } =
            recorded.ok_or_else(Failure::internal)??;
        let (outcome, word) = convert::outcome(outcome);
        service.metrics.callback(Some(&gateway), word);
        span.record("callback_id", tracing::field::display(callback_id));
        span.record("outcome", word);
        Ok(ProcessCallbackResponse {
            callback_id: callback_id.to_string(),
            outcome: outcome.into(),
            transaction_ids: transactions.iter().map(ToString::to_string).collect(),
            reply: Some(convert::http_reply(reply)),
            cursor: service.feed.cursor_at(mark).to_string(),
        })
    }
}
