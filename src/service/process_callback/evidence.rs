//! What is kept of a callback, so that every decision on it can be made again.

use time::OffsetDateTime;
use uuid::{NoContext, Timestamp, Uuid};

use crate::{
    domain::{Callback, CallbackId, Confirm, GatewayId, Notification},
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
    let dedupe_key = dedupe_key(callback, &parsed);
    let (reading, confirm) = reading(gateway.id(), callback_id, parsed);
    Evidence {
        callback_id,
        gateway: gateway.id().clone(),
        dedupe_key,
        received_at: callback.received_at,
        request_line,
        headers,
        body,
        key_id: verified.key_id().to_owned(),
        reading,
        confirm,
        unregistered: match gateway.unregistered() {
            gateways::Unregistered::Park => Unregistered::Park,
            gateways::Unregistered::Adopt => Unregistered::Adopt,
        },
        traceparent: callback.traceparent.clone(),
    }
}

/// What the callback states, and what the gateway must be asked because it only hints at it.
fn reading(
    gateway: &GatewayId,
    callback_id: CallbackId,
    parsed: Result<Vec<Notification>, Unreadable>,
) -> (Reading, Vec<Confirm>) {
    match parsed {
        Ok(notifications) => {
            let (mut facts, mut confirm) = (Vec::new(), Vec::new());
            for notification in notifications {
                if let Some(reason) = &notification.unreadable {
                    tracing::warn!(%gateway, %callback_id, reason, "one event of an authentic callback can not be read");
                }
                facts.extend(notification.facts);
                confirm.extend(notification.confirm);
            }
            let reading = if facts.is_empty() { Reading::Ignored } else { Reading::Facts(facts) };
            (reading, confirm)
        }
        Err(unreadable) => {
            tracing::warn!(%gateway, %callback_id, reason = %unreadable, "an authentic callback can not be read");
            (Reading::Unreadable(unreadable.to_string()), Vec::new())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(notifications: Vec<Notification>, expected: &[Confirm]) {
        let gateway = "shop".parse().unwrap();
        let (reading, confirm) = reading(&gateway, CallbackId(1), Ok(notifications));
        assert!(matches!(reading, Reading::Ignored), "{reading:?}");
        assert_eq!(confirm, expected);
    }

    #[test]
    fn what_a_batch_only_hints_at_is_asked_of_the_gateway() {
        let hint =
            |subject: &Confirm| Notification { confirm: Some(subject.clone()), ..Notification::default() };
        let payment = Confirm::Payment("tr_1".parse().unwrap());
        let refund = Confirm::Refund("re_1".parse().unwrap());
        check(vec![], &[]);
        check(vec![Notification::default()], &[]);
        check(vec![hint(&payment)], std::slice::from_ref(&payment));
        check(vec![hint(&payment), Notification::default(), hint(&refund)], &[payment, refund]);
    }
}
