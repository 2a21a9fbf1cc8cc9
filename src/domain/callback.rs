//! What came over HTTP, untouched.

use time::OffsetDateTime;

use super::GatewayId;

/// One request from somebody who says to be a gateway. Nothing in it is believed before it is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    pub gateway: GatewayId,
    pub method: String,
    /// The path as the client sent it, still percent-encoded.
    pub path: String,
    /// The query as the client sent it, without `?`; empty where there is none.
    pub query: String,
    /// In order, names in any case; a name may stand more than once.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The exact bytes: signatures are over bytes.
    pub body: Vec<u8>,
    pub remote_address: String,
    pub received_at: OffsetDateTime,
    /// W3C trace context of the request, if it brought a valid one.
    pub traceparent: Option<String>,
}

impl Callback {
    /// Every value under this name, in order, without regard to case.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }
}

/// Bodies and headers hold personal data and proofs, so they stay out of logs.
impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback")
            .field("gateway", &self.gateway)
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
