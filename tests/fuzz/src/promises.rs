//! What must hold for every callback of every kind, whatever stands in it.

use std::hash::{DefaultHasher, Hash, Hasher};

use payment_status::{
    domain::{Callback, Fact, Hold},
    gateways::{Answer, Certificates, Gateway, dedupe_key},
};
use time::OffsetDateTime;

/// So many single bits of an accepted callback are turned over.
const TOUCHES: u64 = 6;

/// The facts that count now; `None` where the callback is refused or cannot be read.
pub fn counted(gateway: &Gateway, callback: &Callback, now: OffsetDateTime) -> Option<Vec<Fact>> {
    let facts = stated(gateway, callback, now)?;
    Some(facts.into_iter().filter(|fact| fact.key.held.is_none()).collect())
}

/// All facts, those too that are held.
fn stated(gateway: &Gateway, callback: &Callback, now: OffsetDateTime) -> Option<Vec<Fact>> {
    let kept = gateway.keep(callback);
    assert_eq!(kept.body.len(), callback.body.len(), "masking moves nothing");
    let verified = match gateway.verify(callback, now, &Certificates::default()) {
        Ok(verified) => verified,
        Err(refusal) => {
            let _ = gateway.reply(Answer::Refused(refusal.reason));
            return None;
        }
    };
    let read = gateway.parse(&verified);
    assert_eq!(dedupe_key(callback, &read), dedupe_key(callback, &read));
    let notifications = read.ok()?;
    let facts = notifications.into_iter().flat_map(|notification| notification.facts);
    let facts: Vec<Fact> = facts.collect();
    let proves = verified.proves_its_content() && !verified.is_hint();
    let counts = facts.iter().any(|fact| fact.key.held.is_none());
    assert!(proves || !counts, "nothing proved these, and they count: {facts:?}");
    Some(facts)
}

/// An accepted callback that somebody touched is refused, or what counts of it stays as it was.
pub fn withstands_touches(gateway: &Gateway, honest: &Callback, now: OffsetDateTime) {
    let Some(stated) = stated(gateway, honest, now) else { return };
    // An account or a mode that nobody proved may hold proven facts back, so its change may let them go.
    if stated.iter().any(|fact| fact.key.held.is_some_and(|hold| hold != Hold::ConfirmationRequired)) {
        return;
    }
    let expected: Vec<Fact> = stated.into_iter().filter(|fact| fact.key.held.is_none()).collect();
    for touch in 0..TOUCHES {
        let changed = touched(honest, touch);
        let found = counted(gateway, &changed, now).unwrap_or_default();
        assert!(
            found.is_empty() || found == expected,
            "touch {touch} of {} bytes changed what counts:\n{found:?}\ninstead of\n{expected:?}\n{:?}",
            honest.body.len(),
            String::from_utf8_lossy(&changed.body)
        );
    }
}

/// One bit turned over, in a place that the callback itself chooses, so that every run of an input is the same.
fn touched(honest: &Callback, touch: u64) -> Callback {
    let mut hasher = DefaultHasher::new();
    (&honest.body, &honest.query, touch).hash(&mut hasher);
    let chance = hasher.finish();
    let mut changed = honest.clone();
    let parts = 2 + changed.headers.len();
    match at(chance >> 48, parts) {
        0 => flip(&mut changed.body, chance),
        1 => {
            let mut query = changed.query.into_bytes();
            flip(&mut query, chance);
            changed.query = String::from_utf8(query).unwrap_or_default();
        }
        header => flip(&mut changed.headers[header - 2].1, chance),
    }
    changed
}

fn flip(bytes: &mut [u8], chance: u64) {
    if !bytes.is_empty() {
        let place = at(chance >> 3, bytes.len());
        bytes[place] ^= 1 << (chance % 8);
    }
}

fn at(chance: u64, length: usize) -> usize {
    usize::try_from(chance % length as u64).expect("less than a length")
}
