//! An HTTP request as the service wants it: nothing added, nothing believed, nothing lost.

use axum::http::{HeaderMap, request::Parts};
use prost_types::Timestamp;
use time::OffsetDateTime;

use crate::{
    proto::{Header, ProcessCallbackRequest},
    telemetry::trace,
};

/// `traceparent` is our own span's; without one, the caller's travels on unchanged.
pub(super) fn callback(
    head: &Parts,
    gateway: &str,
    body: Vec<u8>,
    now: OffsetDateTime,
    remote_address: String,
    traceparent: Option<String>,
) -> ProcessCallbackRequest {
    let caller = || trace::traceparent(&head.headers).map(str::to_owned);
    ProcessCallbackRequest {
        gateway: gateway.to_owned(),
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers(&head.headers),
        body,
        remote_address,
        receive_time: Some(timestamp(now)),
        traceparent: traceparent.or_else(caller).unwrap_or_default(),
    }
}

/// In order within each name; between names HTTP gives the order no meaning.
fn headers(headers: &HeaderMap) -> Vec<Header> {
    let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| Header {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    headers.iter().map(header).collect()
}

fn timestamp(at: OffsetDateTime) -> Timestamp {
    // Below a second there are less than 2^30 nanoseconds.
    Timestamp { seconds: at.unix_timestamp(), nanos: i32::try_from(at.nanosecond()).unwrap_or_default() }
}
