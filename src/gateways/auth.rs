//! Auth: how a callback of a kind proves itself, and the check of that proof.

use serde::Deserialize;
use time::OffsetDateTime;

use self::{
    key::{Algorithm, Key, KeyFormat},
    proof::{Proof, ProofFormat},
    signed::SignedText,
};
use super::{
    events::Condition,
    message::Message,
    place::{Path, Place},
    verify::Reason,
};

pub(crate) mod key;
pub(crate) mod proof;
pub(crate) mod signed;

/// One way in which a callback may prove itself. A kind with several takes any whose `when` holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    /// This way is meant only if all of these hold.
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
    pub(crate) proof: ProofFormat,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: KeyFormat,
    pub(crate) signed: SignedText,
    pub(crate) timestamp: Option<Timestamp>,
    /// The values that the proof protects. Nothing else may become a fact.
    pub(crate) covers: Vec<Place>,
}

/// When the proof was made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timestamp {
    pub(crate) at: Place,
    pub(crate) unit: TimestampUnit,
    /// How far from now it may be, in the past or the future.
    pub(crate) tolerance_seconds: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TimestampUnit {
    Seconds,
    Milliseconds,
}

/// An [`Auth`] with the keys of one gateway.
#[derive(Debug)]
pub(crate) struct Scheme {
    pub(crate) auth: Auth,
    /// Never empty.
    pub(crate) keys: Vec<Key>,
}

impl Scheme {
    /// The key that proves this message, or why none does.
    pub(crate) fn check(&self, message: &Message<'_>, now: OffsetDateTime) -> Result<&Key, Reason> {
        if !self.auth.when.iter().all(|condition| condition.holds(message)) {
            return Err(Reason::MissingSignature);
        }
        let at = message.read(&self.auth.proof.at).map_err(|_| Reason::BadSignature)?;
        let at = at.ok_or(Reason::MissingSignature)?;
        let proof = self.auth.proof.read(&at)?;
        let message = Message { parts: &proof.parts, ..*message };
        let key = self.proving_key(&message, &proof, now)?;
        self.check_time(&message, now)?;
        Ok(key)
    }

    fn proving_key(
        &self,
        message: &Message<'_>,
        proof: &Proof<'_>,
        now: OffsetDateTime,
    ) -> Result<&Key, Reason> {
        let signed = self.auth.signed.of(message)?;
        let mut in_force = self.keys.iter().filter(|key| key.is_in_force(now)).peekable();
        if in_force.peek().is_none() {
            return Err(Reason::KeyMismatch);
        }
        in_force.find(|key| key.proves(&signed, &proof.signatures)).ok_or(Reason::BadSignature)
    }

    /// After the signature, so that "too old" is only ever said of an authentic callback.
    fn check_time(&self, message: &Message<'_>, now: OffsetDateTime) -> Result<(), Reason> {
        let Some(timestamp) = &self.auth.timestamp else { return Ok(()) };
        let text = message.read(&timestamp.at).ok().flatten().ok_or(Reason::MissingSignature)?;
        let sent: i64 = text.parse().map_err(|_| Reason::BadSignature)?;
        let sent = match timestamp.unit {
            TimestampUnit::Seconds => sent,
            TimestampUnit::Milliseconds => sent.div_euclid(1000),
        };
        let age = now.unix_timestamp().saturating_sub(sent);
        let tolerance = i64::from(timestamp.tolerance_seconds);
        match age {
            _ if age > tolerance => Err(Reason::TimestampTooOld),
            _ if age < -tolerance => Err(Reason::TimestampInFuture),
            _ => Ok(()),
        }
    }
}

impl Auth {
    /// Whether the proof protects what stands at this place. What never leaves us needs no protection.
    pub(crate) fn covers(&self, place: &Place) -> bool {
        let inside_body = |path: &Path, of: fn(&Place) -> Option<&Path>| {
            self.covers.iter().any(|covered| {
                *covered == Place::Body || of(covered).is_some_and(|covered| covered.holds(path))
            })
        };
        match place {
            Place::Const(_) | Place::Setting(_) => true,
            Place::Event(path) => inside_body(path, |place| match place {
                Place::Event(path) => Some(path),
                _ => None,
            }),
            Place::Root(path) => inside_body(path, |place| match place {
                Place::Root(path) => Some(path),
                _ => None,
            }),
            Place::Header(name) => self.covers.iter().any(
                |covered| matches!(covered, Place::Header(covered) if covered.eq_ignore_ascii_case(name)),
            ),
            Place::Part(_) | Place::Body => self.covers.contains(place),
        }
    }

    /// What this claims to protect, but does not sign.
    pub(crate) fn claimed_but_not_signed(&self) -> Option<&Place> {
        self.covers.iter().find(|claimed| !self.signed.holes().any(|signed| signed == *claimed))
    }

    /// A time that is not signed proves nothing about age.
    pub(crate) fn unsigned_timestamp(&self) -> Option<&Place> {
        let at = self.timestamp.as_ref().map(|timestamp| &timestamp.at)?;
        (!self.signed.holes().any(|signed| signed == at)).then_some(at)
    }

    /// Every place that must be looked up to check the proof.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        let conditions = self.when.iter().flat_map(Condition::places);
        let timestamp = self.timestamp.iter().map(|timestamp| &timestamp.at);
        std::iter::once(&self.proof.at).chain(self.signed.holes()).chain(timestamp).chain(conditions)
    }
}
