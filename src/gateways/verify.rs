//! Verification: from a callback to a [`Verified`] one, or the reason why not.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{
    Gateway,
    auth::Scheme,
    certificates::{CertificateUrl, Certificates},
    json::Json,
    message::Message,
};
use crate::domain::Callback;

/// A callback that proved itself. Only [`Gateway::verify`] makes one, and only this can be parsed.
#[derive(Debug)]
pub struct Verified<'a> {
    pub(crate) callback: &'a Callback,
    key_id: Arc<str>,
    /// The body, where it had to be read to find the proof.
    pub(crate) document: Option<Json<'a>>,
}

/// The callback is not proven, so nothing in it counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the callback could not prove itself: {}", .reason.word())]
pub struct Refusal {
    pub reason: Reason,
    /// With [`Reason::CertificateNeeded`]: verify again with this one at hand.
    pub needs: Option<CertificateUrl>,
}

/// Why a proof failed; the later, the further it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The proof stands in the body, and the body is not readable.
    MalformedBody,
    MissingSignature,
    UnsupportedAlgorithm,
    /// No configured key is the one that is meant, or none is in force at this time.
    KeyMismatch,
    BadSignature,
    TimestampTooOld,
    TimestampInFuture,
    /// The certificate that would prove it has to be fetched first.
    CertificateNeeded,
}

impl Verified<'_> {
    /// The safe name of the secret that proved it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

impl Gateway {
    /// Checks the proof, over the exact bytes, without any lookup. Of a batch every event must prove itself.
    ///
    /// A proof by a certificate that is not among `certificates` is refused with
    /// [`Reason::CertificateNeeded`]: it is neither right nor wrong yet.
    pub fn verify<'a>(
        &self,
        callback: &'a Callback,
        now: OffsetDateTime,
        _certificates: &Certificates,
    ) -> Result<Verified<'a>, Refusal> {
        self.proven(callback, now).map_err(|reason| Refusal { reason, needs: None })
    }

    fn proven<'a>(&self, callback: &'a Callback, now: OffsetDateTime) -> Result<Verified<'a>, Reason> {
        if !self.proof_is_inside {
            let message = Message { callback, root: None, event: None, parts: &[] };
            let key_id = self.proving_key(&message, now)?;
            return Ok(Verified { callback, key_id, document: None });
        }
        let document = Json::read(&callback.body).map_err(|_| Reason::MalformedBody)?;
        let events = self.events(&document).map_err(|_| Reason::MalformedBody)?;
        let mut proven_by = None;
        for event in events {
            let message = Message { callback, root: Some(&document), event: Some(event), parts: &[] };
            let key_id = self.proving_key(&message, now)?;
            proven_by.get_or_insert(key_id);
        }
        // An empty batch proves nothing.
        let key_id = proven_by.ok_or(Reason::MissingSignature)?;
        Ok(Verified { callback, key_id, document: Some(document) })
    }

    fn proving_key(&self, message: &Message<'_>, now: OffsetDateTime) -> Result<Arc<str>, Reason> {
        let mut furthest = Reason::MissingSignature;
        for scheme in &self.schemes {
            match Scheme::check(scheme, message, now) {
                Ok(key) => return Ok(Arc::clone(&key.id)),
                Err(reason) => furthest = furthest.max(reason),
            }
        }
        Err(furthest)
    }
}

impl Reason {
    pub const ALL: &[Self] = &[
        Self::MalformedBody,
        Self::MissingSignature,
        Self::UnsupportedAlgorithm,
        Self::KeyMismatch,
        Self::BadSignature,
        Self::TimestampTooOld,
        Self::TimestampInFuture,
        Self::CertificateNeeded,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::MalformedBody => "malformed_body",
            Self::MissingSignature => "missing_signature",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::KeyMismatch => "key_mismatch",
            Self::BadSignature => "bad_signature",
            Self::TimestampTooOld => "timestamp_too_old",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::CertificateNeeded => "certificate_needed",
        }
    }
}
