//! The request as it came, checked for form. Whether it is true is for the gateway's proof to say.

use time::OffsetDateTime;

use crate::{
    domain::Callback,
    gateways::Gateway,
    proto::{Header, ProcessCallbackRequest},
    service::{PaymentStatusService, error::Failure, fields::Fields},
    telemetry::trace,
};

const MAX_BODY_BYTES: usize = 1 << 20;
/// Of the path, and of the query.
const MAX_TARGET_BYTES: usize = 16 << 10;
const MAX_HEADERS: usize = 200;
const MAX_HEADER_BYTES: usize = 64 << 10;
const MAX_ADDRESS_BYTES: usize = 64;

/// Everything is moved, nothing copied: bodies are large.
pub(super) fn callback(
    service: &PaymentStatusService,
    request: ProcessCallbackRequest,
    now: OffsetDateTime,
) -> Result<(&Gateway, Callback), Failure> {
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
    let received_at = fields.instant("receive_time", receive_time).unwrap_or(now);
    fields.finish(Some(()))?;

    let configured = service.gateways.get(&gateway).ok_or_else(|| {
        // Strangers may name what they like, so the name is no label.
        service.metrics.callback(None, "unknown_gateway");
        Failure::gateway_unknown(&gateway)
    })?;
    let traceparent = Some(traceparent).filter(|text| trace::is_valid(text));
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
