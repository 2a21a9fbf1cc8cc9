//! Whole requests, for every built-in kind.
//!
//! The first line names the vector whose gateway takes the request, as HTTP writes it, on the lines behind it. The
//! method `SIGN` asks for the proof too: the body (behind a NUL byte, the inner document) and the query are signed as
//! the gateway itself would sign them, so that anything gets past the proof.

use payment_status::{domain::Callback, gateways::Signing};
use percent_encoding::percent_decode;

use super::{
    lines, promises,
    vectors::{self, Vector},
};

const SIGN: &str = "SIGN";

pub fn run(data: &[u8]) {
    let (name, rest) = lines::first(data);
    let vector = vectors::chosen(name);
    let request = request(rest);
    let callback = match request.method.as_str() {
        SIGN => signed(vector, &request),
        _ => Some(Callback { remote_address: vector.callback.remote_address.clone(), ..request }),
    };
    if let Some(callback) = callback {
        promises::withstands_touches(vector.gateway(), &callback, vector.now);
    }
}

fn request(text: &[u8]) -> Callback {
    let (line, mut rest) = lines::first(text);
    let line = lines::text(line);
    let (method, target) = line.split_once(' ').unwrap_or((&line, "/"));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = Vec::new();
    while !rest.is_empty() {
        let (line, after) = lines::first(rest);
        rest = after;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        let name = lines::text(&line[..colon]).into_owned();
        headers.push((name, line[colon + 1..].trim_ascii_start().to_vec()));
    }
    Callback {
        method: method.to_owned(),
        query: query.to_owned(),
        headers,
        ..vectors::bare(path.to_owned(), rest.to_vec())
    }
}

/// As the gateway would send it; `None` where it cannot be signed.
fn signed(vector: &Vector, request: &Callback) -> Option<Callback> {
    let mut parts = request.body.split(|byte| *byte == 0);
    let body = lines::text(parts.next().unwrap_or_default());
    let inner = parts.next().map(lines::text);
    let query = request.query.split('&').map(decoded).collect::<Vec<_>>().join("\n");
    let headers = request.headers.iter();
    let signing = Signing {
        query: &query,
        inner: inner.as_deref(),
        headers: headers.map(|(name, value)| (name.clone(), lines::text(value).into_owned())).collect(),
        ..Signing::new(&body, "evt-fuzz", vector.now)
    };
    vector.gateway().sign(&signing).ok()
}

fn decoded(field: &str) -> String {
    let spaced = field.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8_lossy().into_owned()
}
