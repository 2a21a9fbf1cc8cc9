//! Why a call failed: a canonical code, a reason that clients may switch on, and what to do about it.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::{
    feed::FeedError,
    gateways,
    proto::{CallbackError, HttpReply},
    store::StoreError,
};

/// Of every ErrorInfo.
const DOMAIN: &str = "payment-status";
/// When to come back after UNAVAILABLE or RESOURCE_EXHAUSTED.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Of a name that is no one's.
const MAX_SHOWN_CHARS: usize = 64;

/// The one way in which a call ends badly. Its texts never hold bodies, headers or secrets.
#[derive(Debug)]
pub(super) struct Failure {
    code: Code,
    reason: &'static str,
    message: String,
    /// Of invalid requests: which fields, and why.
    fields: Vec<FieldViolation>,
    /// Of a refused callback: what the gateway wants to hear.
    reply: Option<Box<HttpReply>>,
}

impl Failure {
    fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), fields: Vec::new(), reply: None }
    }

    pub(super) fn fields_invalid(fields: Vec<FieldViolation>) -> Self {
        let named: Vec<_> = fields.iter().map(|f| format!("{} {}", f.field, f.description)).collect();
        let message = format!("the request is invalid: {}", named.join("; "));
        Self { fields, ..Self::new(Code::InvalidArgument, "FIELD_INVALID", message) }
    }

    pub(super) fn signature_invalid(gateway: &str, why: &str, reply: gateways::HttpReply) -> Self {
        let message = format!("the proof of this callback of {gateway} was refused: {why}");
        let reply = Some(Box::new(super::convert::http_reply(reply)));
        Self { reply, ..Self::new(Code::Unauthenticated, "SIGNATURE_INVALID", message) }
    }

    /// Neither proven nor refuted. That is our trouble, so the gateway must try again.
    pub(super) fn certificate_unavailable(gateway: &str) -> Self {
        let message =
            format!("the certificate that this callback of {gateway} needs cannot be had; try again");
        Self::new(Code::Unavailable, "CERTIFICATE_UNAVAILABLE", message)
    }

    pub(super) fn gateway_unknown(gateway: &str) -> Self {
        // The name is a stranger's, and the message travels in a header.
        let shown: String = gateway.chars().take(MAX_SHOWN_CHARS).collect();
        Self::new(Code::NotFound, "GATEWAY_UNKNOWN", format!("no gateway {shown:?} is configured"))
    }

    pub(super) fn transaction_unknown(name: impl std::fmt::Display) -> Self {
        let message = format!("no transaction {name} is known; register it first");
        Self::new(Code::NotFound, "TRANSACTION_UNKNOWN", message)
    }

    pub(super) fn slow_consumer(patience: Duration) -> Self {
        let message = format!(
            "nothing was read from this stream for {} s; read faster, and resume with the last cursor",
            patience.as_secs()
        );
        Self::new(Code::ResourceExhausted, "SLOW_CONSUMER", message)
    }

    pub(super) fn shutting_down() -> Self {
        let message = "this server is shutting down; reconnect and resume with the last cursor";
        Self::new(Code::Unavailable, "SHUTTING_DOWN", message)
    }

    pub(super) fn internal() -> Self {
        Self::new(Code::Internal, "INTERNAL", "this is a fault of the service; its log says more")
    }

    fn metadata(&self) -> HashMap<String, String> {
        let status = self.reply.iter().map(|reply| ("http_status".to_owned(), reply.status.to_string()));
        status.collect()
    }
}

impl From<StoreError> for Failure {
    /// The driver's words may hold data, so they go to the log alone.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded => {
                let message = "the write queue is full; try again later";
                Self::new(Code::ResourceExhausted, "OVERLOADED", message)
            }
            StoreError::Conflict(message) => Self::new(Code::AlreadyExists, "TRANSACTION_CONFLICT", message),
            StoreError::Unavailable(_) | StoreError::ReadOnly | StoreError::Contended(_) => {
                // Every call says so while the database is away; the readiness says it once.
                tracing::debug!(%error, "a call failed for want of the database");
                let message = "the database does not answer; nothing is lost, try again";
                Self::new(Code::Unavailable, "STORE_UNAVAILABLE", message)
            }
            StoreError::Inconsistent { .. } | StoreError::Refused(_) | StoreError::Schema(_) => {
                tracing::error!(%error, "a call failed in the store");
                Self::internal()
            }
        }
    }
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Store(error) => error.into(),
            FeedError::Expired => {
                Self::new(Code::OutOfRange, "CURSOR_EXPIRED", format!("{error}; start with a snapshot"))
            }
            FeedError::Diverged => Self::new(
                Code::FailedPrecondition,
                "CURSOR_DIVERGED",
                format!("{error}; start with a snapshot"),
            ),
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let mut details = ErrorDetails::with_error_info(failure.reason, DOMAIN, failure.metadata());
        if matches!(failure.code, Code::Unavailable | Code::ResourceExhausted) {
            details.set_retry_info(Some(RETRY_DELAY));
        }
        if !failure.fields.is_empty() {
            details.set_bad_request(failure.fields);
        }
        Self::with_error_details(failure.code, failure.message, details)
    }
}

impl From<Failure> for CallbackError {
    fn from(failure: Failure) -> Self {
        let Failure { code, reason, message, fields: _, reply } = failure;
        Self { code: code.into(), reason: reason.to_owned(), message, reply: reply.map(|reply| *reply) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(failure: impl Into<Failure>, code: Code, reason: &str, retry: bool) {
        let status = Status::from(failure.into());
        let details = status.get_error_details();
        let info = details.error_info().expect("every error has an ErrorInfo");
        assert_eq!((status.code(), info.reason.as_str(), info.domain.as_str()), (code, reason, DOMAIN));
        assert_eq!(details.retry_info().is_some(), retry, "{reason}");
        assert!(!status.message().contains("driver"), "the driver's words stay in the log");
    }

    #[test]
    fn every_error_names_its_reason_and_whether_to_retry() {
        let driver = || "driver text".to_owned();
        check(StoreError::Unavailable(driver()), Code::Unavailable, "STORE_UNAVAILABLE", true);
        check(StoreError::Overloaded, Code::ResourceExhausted, "OVERLOADED", true);
        check(StoreError::Conflict("x".into()), Code::AlreadyExists, "TRANSACTION_CONFLICT", false);
        check(StoreError::Refused(driver()), Code::Internal, "INTERNAL", false);
        check(FeedError::Expired, Code::OutOfRange, "CURSOR_EXPIRED", false);
        check(FeedError::Diverged, Code::FailedPrecondition, "CURSOR_DIVERGED", false);
        check(Failure::gateway_unknown("x"), Code::NotFound, "GATEWAY_UNKNOWN", false);
        check(Failure::transaction_unknown("x"), Code::NotFound, "TRANSACTION_UNKNOWN", false);
        check(Failure::certificate_unavailable("x"), Code::Unavailable, "CERTIFICATE_UNAVAILABLE", true);
        check(Failure::shutting_down(), Code::Unavailable, "SHUTTING_DOWN", true);
        check(Failure::slow_consumer(RETRY_DELAY), Code::ResourceExhausted, "SLOW_CONSUMER", true);
    }

    #[test]
    fn a_refused_proof_says_what_the_gateway_wants_to_hear() {
        let reply =
            gateways::HttpReply { status: 403, content_type: "text/plain".into(), body: b"no".into() };
        let status = Status::from(Failure::signature_invalid("shop", "expired", reply.clone()));
        let metadata = status.get_error_details().error_info().expect("info").metadata.clone();
        assert_eq!(metadata.get("http_status").map(String::as_str), Some("403"));
        let error = CallbackError::from(Failure::signature_invalid("shop", "expired", reply));
        assert_eq!(error.reply.map(|reply| reply.body), Some(b"no".to_vec()));
        assert_eq!((error.code, error.reason.as_str()), (16, "SIGNATURE_INVALID"));
    }
}
