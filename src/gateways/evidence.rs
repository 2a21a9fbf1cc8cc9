//! Evidence: what is kept of a callback.

use super::{Gateway, card_number};
use crate::domain::Callback;

/// Kept of every callback, beside what its kind's proof needs.
const ALWAYS_KEPT: [&str; 3] = ["content-type", "traceparent", "user-agent"];

/// Of a header that no proof needs: strangers choose it.
const MAX_OTHER_HEADER_BYTES: usize = 256;

/// A callback as it is stored: enough to check its proof again, without what nobody should keep.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// `METHOD path?query`.
    pub request_line: String,
    /// `name: value` lines.
    pub headers: String,
    /// As received, but for the middle digits of card numbers. The length is the same.
    pub body: Vec<u8>,
}

impl Gateway {
    #[must_use]
    pub fn keep(&self, callback: &Callback) -> Kept {
        let Callback { method, path, query, .. } = callback;
        let separator = if query.is_empty() { "" } else { "?" };
        let mut request_line = format!("{method} {path}{separator}{query}").into_bytes();
        card_number::mask(&mut request_line);
        let mut headers = self.kept_headers(callback).into_bytes();
        card_number::mask(&mut headers);
        let mut body = callback.body.clone();
        card_number::mask(&mut body);
        Kept {
            request_line: String::from_utf8_lossy(&request_line).into_owned(),
            headers: String::from_utf8_lossy(&headers).into_owned(),
            body,
        }
    }

    fn kept_headers(&self, callback: &Callback) -> String {
        let kept_bytes = |name: &str| {
            let is = |known: &str| known.eq_ignore_ascii_case(name);
            match self.kept_headers.iter().any(|known| is(known)) {
                true => Some(usize::MAX),
                false => ALWAYS_KEPT.into_iter().any(is).then_some(MAX_OTHER_HEADER_BYTES),
            }
        };
        let mut lines = String::new();
        for (name, value) in &callback.headers {
            let Some(bytes) = kept_bytes(name) else { continue };
            let value = value.get(..bytes).unwrap_or(value);
            lines.push_str(&name.to_ascii_lowercase());
            lines.push_str(": ");
            lines.push_str(&String::from_utf8_lossy(value).replace(['\r', '\n'], " "));
            lines.push('\n');
        }
        lines
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}
