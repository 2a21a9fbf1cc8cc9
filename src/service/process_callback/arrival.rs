//! One callback on its way: read, checked, perhaps checked again with a certificate, and answered once recorded.

use time::OffsetDateTime;
use tracing::{Span, field::Empty};

use super::{evidence, read};
use crate::{
    domain::Callback,
    gateways::{Answer, CertificateUrl, Certificates, Gateway, HttpReply, Reason, Refusal, Verified},
    proto::{ProcessCallbackRequest, ProcessCallbackResponse},
    service::{PaymentStatusService, convert, error::Failure},
    store::{Evidence, Outcome, Recorded, StoreError},
    telemetry::trace,
};

/// A callback that is not proven yet.
#[derive(Debug)]
pub(in crate::service) struct Arrival<'a> {
    gateway: &'a Gateway,
    callback: Callback,
    /// Proofs count as of now, however long a certificate takes.
    now: OffsetDateTime,
    /// Of this callback, whether it came alone or in a batch.
    span: Span,
}

/// Why a callback is not proven.
#[derive(Debug)]
pub(in crate::service) enum Unproven<'a> {
    Refused(Failure),
    NeedsCertificate(Box<NeedsCertificate<'a>>),
}

/// The proof is neither right nor wrong before this certificate is there.
#[derive(Debug)]
pub(in crate::service) struct NeedsCertificate<'a> {
    pub(in crate::service) url: CertificateUrl,
    pub(in crate::service) arrival: Arrival<'a>,
}

/// What is left to do for a proven callback once it is recorded.
#[derive(Debug)]
pub(in crate::service) struct Accepted {
    gateway: String,
    /// What the gateway wants to hear then.
    reply: HttpReply,
    /// And if it was recorded before.
    duplicate_reply: HttpReply,
    span: Span,
}

impl<'a> Arrival<'a> {
    pub(in crate::service) fn read(
        service: &'a PaymentStatusService,
        request: ProcessCallbackRequest,
        call_traceparent: Option<&str>,
    ) -> Result<Self, Failure> {
        let now = service.clock.now();
        let (gateway, mut callback) = read::callback(service, request, now)?;
        let id = gateway.id().as_str();
        let span =
            tracing::debug_span!("process_callback", gateway = id, callback_id = Empty, outcome = Empty);
        if let Some(caller) = &callback.traceparent {
            trace::set_parent(&span, caller);
        }
        callback.traceparent = callback.traceparent.or_else(|| call_traceparent.map(str::to_owned));
        Ok(Self { gateway, callback, now, span })
    }

    pub(in crate::service) fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// All that is done before the store is asked. Only the CPU is used.
    pub(in crate::service) fn check(
        self,
        service: &PaymentStatusService,
        certificates: &Certificates,
    ) -> Result<(Evidence, Accepted), Unproven<'a>> {
        let Refusal { reason, needs } = match self.gateway.verify(&self.callback, self.now, certificates) {
            Ok(verified) => {
                let evidence = self.evidence(service, &verified);
                let reply = verified.challenge_reply().unwrap_or_else(|| self.gateway.reply(Answer::Success));
                let duplicate_reply =
                    verified.challenge_reply().unwrap_or_else(|| self.gateway.reply(Answer::Duplicate));
                let gateway = self.gateway.id().to_string();
                return Ok((evidence, Accepted { gateway, reply, duplicate_reply, span: self.span }));
            }
            Err(refusal) => refusal,
        };
        match needs {
            Some(url) => Err(Unproven::NeedsCertificate(Box::new(NeedsCertificate { url, arrival: self }))),
            None => Err(Unproven::Refused(self.refuse(service, reason))),
        }
    }

    /// After the fetch. What still needs a certificate gets no second one.
    pub(in crate::service) fn check_again(
        self,
        service: &PaymentStatusService,
        certificates: &Certificates,
    ) -> Result<(Evidence, Accepted), Failure> {
        self.check(service, certificates).map_err(|unproven| match unproven {
            Unproven::Refused(failure) => failure,
            Unproven::NeedsCertificate(needs) => needs.arrival.give_up(),
        })
    }

    fn evidence(&self, service: &PaymentStatusService, verified: &Verified<'_>) -> Evidence {
        let Self { gateway, callback, now, span } = self;
        service.metrics.key_used(gateway.id().as_str(), verified.key_id(), *now);
        let mut evidence = span.in_scope(|| evidence::proven(gateway, callback, verified, *now));
        if let Some(own) = trace::of(span) {
            evidence.traceparent = Some(own);
        }
        evidence
    }

    fn refuse(self, service: &PaymentStatusService, reason: Reason) -> Failure {
        let id = self.gateway.id().as_str();
        service.metrics.callback(Some(id), "rejected");
        self.span.record("outcome", reason.word());
        service.writer.reject(evidence::rejected(self.gateway, &self.callback, reason));
        Failure::signature_invalid(id, reason.word(), self.gateway.reply(Answer::Refused(reason)))
    }

    /// Nothing is stored and nothing refused: the gateway tries again.
    pub(in crate::service) fn give_up(self) -> Failure {
        self.span.record("outcome", "certificate_unavailable");
        Failure::certificate_unavailable(self.gateway.id().as_str())
    }
}

impl Accepted {
    /// `recorded` is `None` only if the store broke its promise of one result each.
    pub(in crate::service) fn respond(
        self,
        service: &PaymentStatusService,
        recorded: Option<Result<Recorded, StoreError>>,
    ) -> Result<ProcessCallbackResponse, Failure> {
        let Self { gateway, reply, duplicate_reply, span } = self;
        let _entered = span.enter();
        let Recorded { callback_id, outcome, transactions, mark } =
            recorded.ok_or_else(Failure::internal)??;
        let reply = if outcome == Outcome::Duplicate { duplicate_reply } else { reply };
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
