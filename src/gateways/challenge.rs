//! Challenges: a gateway that asks whether we hold its key, before it sends anything.

use serde::Deserialize;
use time::OffsetDateTime;

use super::{Gateway, HttpReply, place::Place, text::Text};
use crate::domain::Callback;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Challenge {
    /// Where the challenge stands; always in a `GET`.
    at: Place,
    /// Its length, in lower-case hex digits. Whatever else comes gets no answer: we are no oracle for our key.
    hex_digits: [usize; 2],
    /// What stands before the signature of the challenge in the answer.
    pub(crate) before: Option<Text>,
}

impl Challenge {
    /// `None` for anything but a challenge, or where no key is in force.
    pub(crate) fn answer(
        &self,
        gateway: &Gateway,
        callback: &Callback,
        now: OffsetDateTime,
    ) -> Option<HttpReply> {
        if callback.method != "GET" || !callback.body.is_empty() {
            return None;
        }
        let documents = gateway.documents(callback, &gateway.keys(now)).ok()?;
        let message = documents.message(callback, None);
        let challenge = message.read(&self.at).ok().flatten()?;
        let [least, most] = self.hex_digits;
        let is_hex = challenge.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex || !(least..=most).contains(&challenge.len()) {
            return None;
        }
        let scheme = gateway.schemes.first()?;
        let key = scheme.keys.iter().find(|key| key.is_in_force(now))?;
        let signature = key.sign(&[challenge.as_bytes().into()], None)?;
        let encoding = scheme.auth.proof.as_ref()?.encoding;
        let before = match &self.before {
            Some(text) => message.text(text).ok().flatten().unwrap_or_default().into_owned(),
            None => String::new(),
        };
        let body = format!("{before}{}", encoding.encode(&signature)).into_bytes();
        Some(HttpReply { status: 200, content_type: "text/plain; charset=utf-8".to_owned(), body })
    }
}
