//! Verification: from a callback to a [`Verified`] one, or the reason why not.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{
    Gateway, HttpReply,
    auth::Proven,
    certificates::{CertificateUrl, Certificates},
    documents::Documents,
    message::Message,
};
use crate::domain::Callback;

/// A callback that proved itself. Only [`Gateway::verify`] makes one, and only this can be parsed.
#[derive(Debug)]
pub struct Verified<'a> {
    pub(crate) callback: &'a Callback,
    pub(crate) now: OffsetDateTime,
    key_id: Arc<str>,
    is_hint: bool,
    covers_something: bool,
    /// Which of the gateway's schemes proved each event; one for all where the proof is over the whole callback.
    pub(crate) schemes: Vec<usize>,
    /// The body, where it had to be read to find the proof.
    pub(crate) documents: Option<Documents<'a>>,
    /// What the gateway wants to hear at once, where it only checks that we are here.
    pub(crate) challenge: Option<HttpReply>,
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
    /// The sender's address is none of the gateway's.
    SourceAddress,
    UnsupportedAlgorithm,
    /// The callback names a certificate where none of the gateway's stands.
    UntrustedCertificateUrl,
    UntrustedCertificate,
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

    /// Whether nothing proved it, so that it only hints at what the gateway must be asked about.
    #[must_use]
    pub fn is_hint(&self) -> bool {
        self.is_hint
    }

    /// Whether the proof protects anything that the callback says.
    #[must_use]
    pub fn proves_its_content(&self) -> bool {
        self.covers_something
    }

    /// The answer to a challenge, where this is one: it takes the place of [`Gateway::reply`].
    #[must_use]
    pub fn challenge_reply(&self) -> Option<HttpReply> {
        self.challenge.clone()
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
        certificates: &Certificates,
    ) -> Result<Verified<'a>, Refusal> {
        let verified = |proven: Vec<(usize, Proven)>, documents| {
            let key_id = match proven.first() {
                Some((_, Proven::By(key_id))) => Arc::clone(key_id),
                Some((_, Proven::Hint)) | None => "unproven".into(),
            };
            let is_hint = proven.iter().any(|(_, proven)| matches!(proven, Proven::Hint));
            let schemes: Vec<usize> = proven.into_iter().map(|(scheme, _)| scheme).collect();
            let covers = |scheme: &usize| {
                self.schemes.get(*scheme).is_some_and(|scheme| !scheme.auth.covers.is_empty())
            };
            let covers_something = schemes.iter().all(covers);
            Verified { callback, now, key_id, is_hint, covers_something, schemes, documents, challenge: None }
        };
        if let Some(reply) =
            self.challenge.as_ref().and_then(|challenge| challenge.answer(self, callback, now))
        {
            return Ok(Verified { challenge: Some(reply), ..verified(Vec::new(), None) });
        }
        if !self.proof_is_inside {
            let proven = self.proven(&Message::bare(callback), certificates, now)?;
            return Ok(verified(vec![proven], None));
        }
        let documents = self.documents(callback, &self.keys(now)).map_err(|_| Reason::MalformedBody)?;
        let events = documents.events(self.batch.as_ref()).map_err(|_| Reason::MalformedBody)?;
        let mut all = Vec::with_capacity(events.len());
        for event in events {
            all.push(self.proven(&documents.message(callback, event), certificates, now)?);
        }
        // An empty batch proves nothing.
        if all.is_empty() {
            return Err(Reason::MissingSignature.into());
        }
        Ok(verified(all, Some(documents)))
    }

    /// What proves one message, with the scheme that says so.
    fn proven(
        &self,
        message: &Message<'_>,
        certificates: &Certificates,
        now: OffsetDateTime,
    ) -> Result<(usize, Proven), Refusal> {
        let mut furthest = Refusal::from(Reason::MissingSignature);
        for (index, scheme) in self.schemes.iter().enumerate() {
            match scheme.check(message, certificates, now) {
                Ok(proven) => return Ok((index, proven)),
                Err(refusal) if refusal.reason > furthest.reason => furthest = refusal,
                Err(_) => {}
            }
        }
        Err(furthest)
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, needs: None }
    }
}

impl Reason {
    pub const ALL: &[Self] = &[
        Self::MalformedBody,
        Self::MissingSignature,
        Self::SourceAddress,
        Self::UntrustedCertificateUrl,
        Self::UntrustedCertificate,
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
            Self::SourceAddress => "source_ip_not_allowed",
            Self::UntrustedCertificateUrl => "untrusted_certificate_url",
            Self::UntrustedCertificate => "untrusted_certificate",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::KeyMismatch => "key_mismatch",
            Self::BadSignature => "bad_signature",
            Self::TimestampTooOld => "timestamp_too_old",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::CertificateNeeded => "certificate_needed",
        }
    }
}
