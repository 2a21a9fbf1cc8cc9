//! Auth: how a callback of a kind proves itself, and the check of that proof.

use serde::Deserialize;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use self::{
    algorithm::{Algorithm, Algorithms},
    certificate::Configured,
    key::{Key, KeyFormat},
    networks::Networks,
    proof::{Candidate, Proof, ProofFormat},
    signed::SignedText,
    timestamp::Timestamp,
};
use super::{
    certificates::Certificates,
    events::Condition,
    message::Message,
    place::{Path, Place},
    text::Texts,
    verify::{Reason, Refusal},
};

pub(crate) mod algorithm;
pub(crate) mod certificate;
mod field_list;
pub(crate) mod key;
pub(crate) mod networks;
pub(crate) mod proof;
pub(crate) mod public_key;
pub(crate) mod signed;
pub(crate) mod timestamp;

/// One way in which a callback may prove itself. A kind with several takes any whose `when` holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    /// This way is meant only if all of these hold; they may look at the parts of the proof.
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
    /// This way is taken only where the gateway has no secret; it proves nothing, so it covers nothing.
    #[serde(default)]
    pub(crate) without_secret: bool,
    pub(crate) proof: Option<ProofFormat>,
    pub(crate) algorithm: Algorithms,
    /// The gateway's own word for the algorithm, where it sends one: anything else is refused.
    pub(crate) named: Option<Named>,
    #[serde(default)]
    pub(crate) key: KeyFormat,
    pub(crate) signed: Option<SignedText>,
    pub(crate) timestamp: Option<Timestamp>,
    /// For the algorithm `peer`.
    #[serde(default)]
    pub(crate) networks: Networks,
    /// The values that the proof protects. Nothing else may become a fact.
    pub(crate) covers: Vec<Place>,
}

/// The word that an algorithm must go by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// Left out where it stands in each entry of the proof. A place without a value is let pass.
    pub(crate) at: Option<Texts>,
    pub(crate) is: Vec<String>,
}

/// An [`Auth`] with the keys of one gateway.
#[derive(Debug)]
pub(crate) struct Scheme {
    pub(crate) auth: Auth,
    /// Empty only where the algorithm takes none, or the key is in a certificate.
    pub(crate) keys: Vec<Key>,
    pub(crate) certificates: Configured,
}

/// What proved a callback.
#[derive(Clone, Debug)]
pub(crate) enum Proven {
    /// The safe name of the key.
    By(std::sync::Arc<str>),
    /// Nothing did: the callback is a hint.
    Hint,
}

impl Scheme {
    /// What proves this message, or why nothing does.
    pub(crate) fn check(
        &self,
        message: &Message<'_>,
        certificates: &Certificates,
        now: OffsetDateTime,
    ) -> Result<Proven, Refusal> {
        match self.auth.algorithm.0.as_slice() {
            [Algorithm::None] => {
                return self.meant(message).then_some(Proven::Hint).ok_or(Reason::MissingSignature.into());
            }
            [Algorithm::Peer] => {
                let known = self.auth.networks.hold(&message.callback.remote_address);
                return known.then(|| Proven::By("peer address".into())).ok_or(Reason::SourceAddress.into());
            }
            _ => {}
        }
        let format = self.auth.proof.as_ref().ok_or(Reason::MissingSignature)?;
        let texts = format.find(message).map_err(|_| Reason::BadSignature)?;
        if texts.is_empty() {
            return Err(Reason::MissingSignature.into());
        }
        let proof = format.read(&texts)?;
        let message = Message { parts: &proof.parts, ..*message };
        if !self.meant(&message) {
            return Err(Reason::MissingSignature.into());
        }
        let proven = self.proven(&message, &proof, certificates, now)?;
        if let Some(timestamp) = &self.auth.timestamp {
            timestamp.check(&message, now)?;
        }
        Ok(proven)
    }

    fn meant(&self, message: &Message<'_>) -> bool {
        self.auth.when.iter().all(|condition| condition.holds(message))
    }

    fn proven(
        &self,
        message: &Message<'_>,
        proof: &Proof<'_>,
        certificates: &Certificates,
        now: OffsetDateTime,
    ) -> Result<Proven, Refusal> {
        self.knows_a_key_of(proof)?;
        let candidates = self.named_right(message, proof)?;
        let signed = self.auth.signed.as_ref().ok_or(Reason::MissingSignature)?;
        if let Some(format) = &self.auth.key.certificate {
            let algorithm = self.auth.algorithm.0.first().copied().unwrap_or(Algorithm::None);
            let key = format.key(message, &self.certificates, certificates, algorithm, now)?;
            let signed = signed.of(message)?.concat();
            let proves = candidates.iter().any(|candidate| key.proves(&signed, &candidate.signature));
            return proves.then(|| Proven::By("certificate".into())).ok_or(Reason::BadSignature.into());
        }
        self.key_proven(message, &candidates, signed, now)
    }

    fn key_proven(
        &self,
        message: &Message<'_>,
        candidates: &[&Candidate<'_>],
        signed: &SignedText,
        now: OffsetDateTime,
    ) -> Result<Proven, Refusal> {
        let named = match &self.auth.key.id {
            Some(texts) => message.first(texts).map_err(|_| Reason::KeyMismatch)?,
            None => None,
        };
        let derived_from = message.first(&self.auth.key.derive_from).map_err(|_| Reason::BadSignature)?;
        // Only what holds a secret differs from key to key.
        let shared = if signed.holds_secret() { None } else { Some(signed.of(message)?) };
        let mut tried = false;
        for key in self.keys.iter().filter(|key| key.is_in_force(now)) {
            let is_meant =
                |candidate: &&&Candidate<'_>| self.is_meant(key, candidate.key_id.or(named.as_deref()));
            let meant: Vec<&[u8]> =
                candidates.iter().filter(is_meant).map(|candidate| &*candidate.signature).collect();
            if meant.is_empty() && !candidates.is_empty() {
                continue;
            }
            tried = true;
            let own;
            let signed = match &shared {
                Some(signed) => signed,
                None => {
                    own = signed.of(&Message { secret: Some(&key.text), ..*message })?;
                    &own
                }
            };
            if key.proves(signed, derived_from.as_deref(), meant.into_iter()) {
                return Ok(Proven::By(std::sync::Arc::clone(&key.id)));
            }
        }
        Err(if tried { Reason::BadSignature } else { Reason::KeyMismatch }.into())
    }

    /// Whether a key is the one that the callback names; any is, where it names none.
    fn is_meant(&self, key: &Key, named: Option<&str>) -> bool {
        if self.auth.key.id.is_none() && self.auth.key.id_must_be.0.is_empty() && !self.names_keys() {
            return true;
        }
        let must_be = self.auth.key.id_must_be.places().find_map(|place| match place {
            Place::Const(text) => Some(text.as_str()),
            _ => None,
        });
        let expected = key.key_id.as_deref().or(must_be);
        match (expected, named) {
            (Some(expected), Some(named)) => expected.as_bytes().ct_eq(named.as_bytes()).into(),
            (Some(_), None) => false,
            // A key without a name stands for all names only where no key has one.
            (None, _) => self.keys.iter().all(|key| key.key_id.is_none()),
        }
    }

    /// Refused first, as what else stands in an entry of another's key is not ours to judge.
    fn knows_a_key_of(&self, proof: &Proof<'_>) -> Result<(), Reason> {
        let mut named = proof.candidates.iter().filter_map(|candidate| candidate.key_id).peekable();
        let is_known = |named: &str| self.keys.iter().any(|key| self.is_meant(key, Some(named)));
        let none_is = named.peek().is_some() && !self.keys.is_empty() && !named.any(is_known);
        if none_is { Err(Reason::KeyMismatch) } else { Ok(()) }
    }

    fn names_keys(&self) -> bool {
        let fields = self.auth.proof.as_ref().and_then(|proof| proof.fields.as_ref());
        fields.is_some_and(|fields| fields.names.contains(&proof::EntryField::Key))
    }

    /// The signatures whose algorithm goes by the right name.
    fn named_right<'p>(
        &self,
        message: &Message<'_>,
        proof: &'p Proof<'p>,
    ) -> Result<Vec<&'p Candidate<'p>>, Reason> {
        let Some(Named { at, is }) = &self.auth.named else { return Ok(proof.candidates.iter().collect()) };
        let right = |word: &str| is.iter().any(|known| known == word);
        if let Some(texts) = at {
            let word = message.first(texts).map_err(|_| Reason::UnsupportedAlgorithm)?;
            if word.is_some_and(|word| !right(&word)) {
                return Err(Reason::UnsupportedAlgorithm);
            }
        }
        let candidates: Vec<_> =
            proof.candidates.iter().filter(|candidate| candidate.algorithm.is_none_or(right)).collect();
        match candidates.is_empty() && !proof.candidates.is_empty() {
            true => Err(Reason::UnsupportedAlgorithm),
            false => Ok(candidates),
        }
    }
}

impl Auth {
    /// Whether the proof protects what stands at this place. What never leaves us needs no protection. `inner_at` is
    /// where the inner document stands.
    pub(crate) fn covers(&self, place: &Place, inner_at: &Texts) -> bool {
        if let Place::Sum(parts) = place {
            return parts.iter().all(|part| self.covers(part, inner_at));
        }
        if place.is_ours() {
            return true;
        }
        if self.signed.as_ref().is_some_and(SignedText::is_open) {
            return false;
        }
        let has = |wanted: &Place| self.covers.contains(wanted);
        match place {
            Place::Event(path) => has(&Place::Body) || self.covers_inside(path, event_path),
            Place::Root(path) => has(&Place::Body) || self.covers_inside(path, root_path),
            Place::Inner(path) => {
                let mut outer = inner_at.places().peekable();
                let all_outer = outer.peek().is_some() && outer.all(|at| self.covers(at, inner_at));
                all_outer || self.covers_inside(path, inner_path)
            }
            Place::Form(_) => {
                has(&Place::Body) || has(place) || (has(&Place::Form(None)) && !self.leaves_out(place))
            }
            Place::Query(_) => has(place) || (has(&Place::Query(None)) && !self.leaves_out(place)),
            Place::Header(name) => self.covers.iter().any(
                |covered| matches!(covered, Place::Header(covered) if covered.eq_ignore_ascii_case(name)),
            ),
            place => has(place),
        }
    }

    fn covers_inside(&self, path: &Path, of: fn(&Place) -> Option<&Path>) -> bool {
        // A list of fields holds no objects, so it protects nothing inside of them.
        let alone = matches!(self.signed, Some(SignedText::Fields(_)));
        let holds = |covered: &Path| if alone { covered == path } else { covered.holds(path) };
        self.covers.iter().filter_map(of).any(holds)
    }

    fn leaves_out(&self, place: &Place) -> bool {
        matches!(&self.signed, Some(SignedText::Fields(list)) if list.leaves_out(place))
    }

    /// What this claims to protect, but does not sign.
    pub(crate) fn claimed_but_not_signed(&self) -> Option<&Place> {
        let signs = |claimed: &Place| self.signed.as_ref().is_some_and(|signed| signed.signs(claimed));
        self.covers.iter().find(|claimed| !signs(claimed))
    }

    /// What this claims to protect, but signs in a way that leaves room.
    pub(crate) fn claimed_but_signed_loosely(&self) -> Option<&Place> {
        let loosely =
            |claimed: &Place| self.signed.as_ref().is_some_and(|signed| signed.signs_loosely(claimed));
        self.covers.iter().find(|claimed| loosely(claimed))
    }

    /// A time that is not signed proves nothing about age.
    pub(crate) fn unsigned_timestamp(&self, inner_at: &Texts) -> Option<&Place> {
        let at = self.timestamp.as_ref().map(|timestamp| &timestamp.at)?;
        (!self.covers(at, inner_at)).then_some(at)
    }

    /// Whether every callback brings the same proof, which then is as good as the secret.
    pub(crate) fn is_constant(&self) -> bool {
        self.signed.as_ref().is_some_and(|signed| signed.places().all(Place::is_ours))
    }

    pub(crate) fn holds_proof(&self, place: &Place) -> bool {
        self.proof.as_ref().is_some_and(|proof| proof.at.0.contains(place))
    }

    /// Every place that must be looked up to check the proof.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        let conditions = self.when.iter().flat_map(Condition::places);
        let timestamp = self.timestamp.iter().map(|timestamp| &timestamp.at);
        let named = self.named.iter().filter_map(|named| named.at.as_ref()).flat_map(Texts::places);
        let signed = self.signed.iter().flat_map(SignedText::places);
        let proof = self.proof.iter().flat_map(|proof| &proof.at.0);
        proof.chain(signed).chain(timestamp).chain(conditions).chain(named).chain(self.key.places())
    }
}

fn event_path(place: &Place) -> Option<&Path> {
    match place {
        Place::Event(path) => Some(path),
        _ => None,
    }
}

fn inner_path(place: &Place) -> Option<&Path> {
    match place {
        Place::Inner(path) => Some(path),
        _ => None,
    }
}

fn root_path(place: &Place) -> Option<&Path> {
    match place {
        Place::Root(path) => Some(path),
        _ => None,
    }
}
