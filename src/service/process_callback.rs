//! `ProcessCallback`: prove a callback, read it, record it, and say what the gateway wants to hear.

use tonic::Request;
use uuid::{NoContext, Timestamp, Uuid};

use super::{PaymentStatusService, convert, error::Failure, fields::Fields, traceparent};
use crate::{
    domain::{Callback, CallbackId, Notification},
    gateways::{Answer, Gateway, HttpReply, Kept, Unreadable, Verified, dedupe_key},
    proto::{Header, ProcessCallbackRequest, ProcessCallbackResponse},
    store::{Evidence, Reading, Recorded, Rejected, StoreError, Unregistered},
};

const MAX_BODY_BYTES: usize = 1 << 20;
/// Of the path, and of the query.
const MAX_TARGET_BYTES: usize = 16 << 10;
const MAX_HEADERS: usize = 200;
const MAX_HEADER_BYTES: usize = 64 << 10;
const MAX_ADDRESS_BYTES: usize = 64;
/// What is kept of the body of a callback that could not prove itself.
const MAX_REJECTED_BODY_BYTES: usize = 16 << 10;

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: Request<ProcessCallbackRequest>,
) -> Result<ProcessCallbackResponse, Failure> {
    let (metadata, _, request) = request.into_parts();
    let accepted = accept(service, request, traceparent::of_call(&metadata))?;
    let mut recorded = service.writer.record(vec![accepted.evidence]).await;
    let recorded = recorded.pop().ok_or_else(Failure::internal)?;
    respond(service, recorded, accepted.reply)
}

/// A proven callback on its way into the store.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) evidence: Evidence,
    /// What its gateway wants to hear once it is recorded.
    pub(super) reply: HttpReply,
}

/// All that is done before the store is asked. Only the CPU is used.
pub(super) fn accept(
    service: &PaymentStatusService,
    request: ProcessCallbackRequest,
    call_traceparent: Option<&str>,
) -> Result<Accepted, Failure> {
    let now = service.clock.now();
    let (gateway, callback) = read(service, request, call_traceparent)?;
    let verified = match gateway.verify(&callback, now) {
        Ok(verified) => verified,
        Err(refusal) => {
            let reason = refusal.reason();
            service.writer.reject(rejected(gateway, &callback, reason.word()));
            let reply = gateway.reply(Answer::Refused(reason));
            return Err(Failure::signature_invalid(gateway.id().as_str(), reason.word(), reply));
        }
    };
    let parsed = gateway.parse(&verified);
    let evidence = evidence(gateway, &callback, &verified, parsed, callback_id(now));
    Ok(Accepted { evidence, reply: gateway.reply(Answer::Success) })
}

pub(super) fn respond(
    service: &PaymentStatusService,
    recorded: Result<Recorded, StoreError>,
    reply: HttpReply,
) -> Result<ProcessCallbackResponse, Failure> {
    let Recorded { callback_id, outcome, transactions, mark } = recorded?;
    Ok(ProcessCallbackResponse {
        callback_id: callback_id.to_string(),
        outcome: convert::outcome(outcome).into(),
        transaction_ids: transactions.iter().map(ToString::to_string).collect(),
        reply: Some(convert::http_reply(reply)),
        cursor: service.feed.cursor_at(mark).to_string(),
    })
}

fn read<'a>(
    service: &'a PaymentStatusService,
    request: ProcessCallbackRequest,
    call_traceparent: Option<&str>,
) -> Result<(&'a Gateway, Callback), Failure> {
    let ProcessCallbackRequest {
        gateway,
        method,
        path,
        query,
        headers,
        body,
        remote_address,
        receive_time,
        traceparent,
    } = request;
    let mut fields = Fields::default();
    fields.require(!gateway.is_empty(), "gateway", "is required");
    let is_method =
        !method.is_empty() && method.len() <= 16 && method.bytes().all(|b| b.is_ascii_uppercase());
    fields.require(is_method, "method", "must be an HTTP method in upper case");
    fields.short_text("path", &path, MAX_TARGET_BYTES);
    fields.short_text("query", &query, MAX_TARGET_BYTES);
    check_headers(&mut fields, &headers);
    fields.require(body.len() <= MAX_BODY_BYTES, "body", "must be at most 1 MiB");
    fields.short_text("remote_address", &remote_address, MAX_ADDRESS_BYTES);
    let received_at = fields.instant("receive_time", receive_time).unwrap_or_else(|| service.clock.now());
    fields.finish(Some(()))?;

    let configured = service.gateways.get(&gateway).ok_or_else(|| Failure::gateway_unknown(&gateway))?;
    let traceparent = match traceparent::is_valid(&traceparent) {
        true => Some(traceparent),
        false => call_traceparent.map(str::to_owned),
    };
    let headers = headers.into_iter().map(|Header { name, value }| (name, value)).collect();
    let gateway = configured.id().clone();
    let callback =
        Callback { gateway, method, path, query, headers, body, remote_address, received_at, traceparent };
    Ok((configured, callback))
}

fn check_headers(fields: &mut Fields, headers: &[Header]) {
    fields.require(headers.len() <= MAX_HEADERS, "headers", "must be at most 200");
    let bytes: usize = headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    fields.require(bytes <= MAX_HEADER_BYTES, "headers", "must be at most 64 KiB");
    let named = headers.iter().all(|header| !header.name.is_empty());
    fields.require(named, "headers", "must each have a name");
}

fn evidence(
    gateway: &Gateway,
    callback: &Callback,
    verified: &Verified<'_>,
    parsed: Result<Vec<Notification>, Unreadable>,
    callback_id: CallbackId,
) -> Evidence {
    let Kept { request_line, headers, body } = gateway.keep(callback);
    Evidence {
        callback_id,
        gateway: gateway.id().clone(),
        dedupe_key: dedupe_key(verified, &parsed),
        received_at: callback.received_at,
        request_line,
        headers,
        body,
        key_id: verified.key_id().to_owned(),
        reading: reading(gateway, callback_id, parsed),
        unregistered: match gateway.unregistered() {
            crate::gateways::Unregistered::Park => Unregistered::Park,
            crate::gateways::Unregistered::Adopt => Unregistered::Adopt,
        },
        traceparent: callback.traceparent.clone(),
    }
}

fn reading(
    gateway: &Gateway,
    callback_id: CallbackId,
    parsed: Result<Vec<Notification>, Unreadable>,
) -> Reading {
    match parsed {
        Ok(notifications) => {
            let facts: Vec<_> =
                notifications.into_iter().flat_map(|notification| notification.facts).collect();
            if facts.is_empty() { Reading::Ignored } else { Reading::Facts(facts) }
        }
        Err(unreadable) => {
            let gateway = gateway.id();
            tracing::warn!(%gateway, %callback_id, reason = %unreadable, "an authentic callback can not be read");
            Reading::Unreadable(unreadable.to_string())
        }
    }
}

fn rejected(gateway: &Gateway, callback: &Callback, reason: &str) -> Rejected {
    let Kept { request_line, headers, mut body } = gateway.keep(callback);
    body.truncate(MAX_REJECTED_BODY_BYTES);
    Rejected {
        gateway: gateway.id().clone(),
        received_at: callback.received_at,
        remote_address: callback.remote_address.clone(),
        request_line,
        headers,
        body,
        reason: reason.to_owned(),
    }
}

/// Ids rise with time, so that the index over them grows at its end.
fn callback_id(now: time::OffsetDateTime) -> CallbackId {
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
    CallbackId(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.nanosecond())).as_u128())
}
