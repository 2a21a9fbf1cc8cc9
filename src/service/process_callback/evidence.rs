//! What is kept of a callback, so that every decision on it can be made again.

use time::OffsetDateTime;
use uuid::{NoContext, Timestamp, Uuid};

use crate::{
    domain::{Callback, CallbackId, Notification},
    gateways::{self, Gateway, Kept, Reason, Unreadable, Verified, dedupe_key},
    store::{Evidence, Reading, Rejected, Unregistered},
};

/// What is kept of the body of a callback that could not prove itself.
const MAX_REJECTED_BODY_BYTES: usize = 16 << 10;

pub(super) fn proven(
    gateway: &Gateway,
    callback: &Callback,
    verified: &Verified<'_>,
    now: OffsetDateTime,
) -> Evidence {
    let callback_id = callback_id(now);
    let parsed = gateway.parse(verified);
    let Kept { request_line, headers, body } = gateway.keep(callback);
    Evidence {
        callback_id,
        gateway: gateway.id().clone(),
        dedupe_key: dedupe_key(callback, &parsed),
        received_at: callback.received_at,
        request_line,
        headers,
        body,
        key_id: verified.key_id().to_owned(),
        reading: reading(gateway, callback_id, parsed),
        unregistered: match gateway.unregistered() {
            gateways::Unregistered::Park => Unregistered::Park,
            gateways::Unregistered::Adopt => Unregistered::Adopt,
        },
        traceparent: callback.traceparent.clone(),
    }
}

fn reading(
    gateway: &Gateway,
    callback_id: CallbackId,
    parsed: Result<Vec<Notification>, Unreadable>,
) -> Reading {
    match parsed {
        Ok(notifications) => {
            let facts: Vec<_> =
                notifications.into_iter().flat_map(|notification| notification.facts).collect();
            if facts.is_empty() { Reading::Ignored } else { Reading::Facts(facts) }
        }
        Err(unreadable) => {
            let gateway = gateway.id();
            tracing::warn!(%gateway, %callback_id, reason = %unreadable, "an authentic callback can not be read");
            Reading::Unreadable(unreadable.to_string())
        }
    }
}

pub(super) fn rejected(gateway: &Gateway, callback: &Callback, reason: Reason) -> Rejected {
    let Kept { request_line, headers, mut body } = gateway.keep(callback);
    body.truncate(MAX_REJECTED_BODY_BYTES);
    Rejected {
        gateway: gateway.id().clone(),
        received_at: callback.received_at,
        remote_address: callback.remote_address.clone(),
        request_line,
        headers,
        body,
        reason: reason.word().to_owned(),
    }
}

/// Ids rise with time, so that the index over them grows at its end.
fn callback_id(now: OffsetDateTime) -> CallbackId {
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
    CallbackId(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.nanosecond())).as_u128())
}
