//! A captured callback: our JSON form or a raw HTTP request.

use std::collections::BTreeMap;

use serde::Deserialize;
use time::OffsetDateTime;

use crate::domain::{Callback, GatewayId};

/// Other members are passed over: a test vector is a capture with more around it.
#[derive(Deserialize)]
struct Capture {
    #[serde(default = "post")]
    method: String,
    path: String,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, HeaderValues>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    body_encoding: BodyEncoding,
    context: Option<Known>,
    /// The peer's address, for kinds that know their gateway by it.
    source_ip: Option<String>,
}

/// What we hold of the payment already, where the capture says so. Without it nobody can tell a refund of the
/// rest from a refund of a part.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Known {
    captured_amount_minor: i64,
    #[serde(default)]
    refunded_before_minor: i64,
}

/// A captured callback.
pub(super) struct Captured {
    pub(super) callback: Callback,
    pub(super) known: Option<Known>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum HeaderValues {
    One(String),
    Many(Vec<String>),
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BodyEncoding {
    #[default]
    Utf8,
    Base64,
}

pub(super) fn read(captured: &[u8], gateway: &GatewayId, now: OffsetDateTime) -> Result<Captured, String> {
    let is_json = captured.trim_ascii_start().first() == Some(&b'{');
    let (mut callback, known) = match is_json {
        true => from_json(captured, gateway, now)?,
        false => (from_http(captured, gateway, now)?, None),
    };
    if let Some((path, query)) = callback.path.split_once('?') {
        (callback.path, callback.query) = (path.to_owned(), query.to_owned());
    }
    Ok(Captured { callback, known })
}

impl Known {
    /// Counts one more refund. Returns the word for the payment after it.
    pub(super) fn refund(&mut self, amount: i64) -> &'static str {
        self.refunded_before_minor = self.refunded_before_minor.saturating_add(amount);
        if self.refunded_before_minor >= self.captured_amount_minor {
            "refunded"
        } else {
            "partially_refunded"
        }
    }
}

fn from_json(
    captured: &[u8],
    gateway: &GatewayId,
    now: OffsetDateTime,
) -> Result<(Callback, Option<Known>), String> {
    let capture: Capture = serde_json::from_slice(captured).map_err(|error| error.to_string())?;
    let body = match capture.body_encoding {
        BodyEncoding::Utf8 => capture.body.into_bytes(),
        BodyEncoding::Base64 => data_encoding::BASE64
            .decode(capture.body.as_bytes())
            .map_err(|error| format!("body is not base64: {error}"))?,
    };
    let headers = capture.headers.into_iter().flat_map(|(name, values)| {
        let values = match values {
            HeaderValues::One(value) => vec![value],
            HeaderValues::Many(values) => values,
        };
        values.into_iter().map(move |value| (name.clone(), value.into_bytes()))
    });
    let mut callback = bare(gateway, now, capture.method, capture.path);
    callback.query = capture.query.unwrap_or_default();
    callback.headers = headers.collect();
    callback.body = body;
    if let Some(address) = capture.source_ip {
        callback.remote_address = address;
    }
    Ok((callback, capture.context))
}

/// A request line, header lines, an empty line, then the exact body. Lines may end with or without CR.
fn from_http(captured: &[u8], gateway: &GatewayId, now: OffsetDateTime) -> Result<Callback, String> {
    let mut rest = captured;
    let request = next_line(&mut rest).ok_or("expected JSON or an HTTP request")?;
    let mut words = request.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err("expected JSON, or a first line like `POST /webhooks/x HTTP/1.1`".to_owned());
    };
    let mut callback = bare(gateway, now, method.to_owned(), path.to_owned());
    loop {
        let line = next_line(&mut rest).ok_or("the headers do not end with an empty line")?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or("a header line without a colon")?;
        callback.headers.push((name.trim().to_owned(), value.trim().as_bytes().to_vec()));
    }
    let length = content_length(&callback).unwrap_or(rest.len());
    // Editors like to add a line end, which nobody signed.
    callback.body = rest.get(..length).ok_or("the body is shorter than its Content-Length")?.to_vec();
    Ok(callback)
}

fn content_length(callback: &Callback) -> Option<usize> {
    std::str::from_utf8(callback.headers_named("content-length").next()?).ok()?.parse().ok()
}

fn next_line<'t>(rest: &mut &'t [u8]) -> Option<&'t str> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (line, after) = rest.split_at_checked(end)?;
    *rest = after.get(1..)?;
    std::str::from_utf8(line).ok().map(|line| line.trim_end_matches('\r'))
}

fn bare(gateway: &GatewayId, now: OffsetDateTime, method: String, path: String) -> Callback {
    Callback {
        gateway: gateway.clone(),
        method,
        path,
        query: String::new(),
        headers: Vec::new(),
        body: Vec::new(),
        remote_address: String::new(),
        received_at: now,
        traceparent: None,
    }
}

fn post() -> String {
    "POST".to_owned()
}
