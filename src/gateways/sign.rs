//! Signing: the same description read as a sender, for `simulate`, the demo and tests.

use time::OffsetDateTime;

use super::{
    Gateway,
    auth::{Scheme, TimestampUnit, key::Key},
    json::Json,
    message::Message,
    place::Place,
};
use crate::domain::Callback;

/// Where the signature goes, in a body that carries it inside.
const MARK: &str = "{{signature}}";

/// What is to be signed.
#[derive(Debug)]
pub struct Signing<'s> {
    /// Holds `{{signature}}` once per event, where this kind's proof stands in the body.
    pub body: &'s str,
    /// Goes into the headers, where this kind names its message there.
    pub event_id: &'s str,
    pub now: OffsetDateTime,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot sign: {0}")]
pub struct SigningError(&'static str);

const NOT_JSON: SigningError = SigningError("the body is not JSON");

impl Gateway {
    /// A callback as the gateway itself would send it, proven by this gateway's first usable secret.
    pub fn sign(&self, signing: &Signing<'_>) -> Result<Callback, SigningError> {
        let usable = |scheme: &Scheme| {
            scheme.keys.iter().any(|key| key.is_in_force(signing.now) && key.sign(&[]).is_some())
        };
        let scheme = self.schemes.iter().find(|scheme| usable(scheme));
        let scheme = scheme.ok_or(SigningError("no secret in force can sign; a public key only verifies"))?;
        let sender = Sender { gateway: self, scheme, time: timestamp(scheme, signing.now) };
        sender.callback(signing)
    }
}

struct Sender<'s> {
    gateway: &'s Gateway,
    scheme: &'s Scheme,
    time: String,
}

impl Sender<'_> {
    fn callback(&self, signing: &Signing<'_>) -> Result<Callback, SigningError> {
        let mut callback = Callback {
            gateway: self.gateway.id.clone(),
            method: "POST".to_owned(),
            path: format!("/webhooks/{}", self.gateway.id),
            query: String::new(),
            headers: self.headers(signing),
            body: signing.body.replace(MARK, "").into_bytes(),
            remote_address: "127.0.0.1".to_owned(),
            received_at: signing.now,
            traceparent: None,
        };
        match &self.scheme.auth.proof.at {
            Place::Header(name) => {
                let document = match self.gateway.proof_is_inside {
                    true => Some(Json::read(&callback.body).map_err(|_| NOT_JSON)?),
                    false => None,
                };
                let (root, parts) = (document.as_ref(), self.parts());
                let message = Message { callback: &callback, root, event: root, parts: &parts };
                let proof = self.proof(&message, signing.now)?;
                callback.headers.push((name.clone(), proof.into_bytes()));
            }
            Place::Event(_) => callback.body = self.signed_inside(&callback, signing)?.into_bytes(),
            _ => return Err(SigningError("this kind's proof stands neither in a header nor in the event")),
        }
        Ok(callback)
    }

    /// Signs each event and writes the proofs where the marks are, in order.
    fn signed_inside(&self, callback: &Callback, signing: &Signing<'_>) -> Result<String, SigningError> {
        let document = Json::read(&callback.body).map_err(|_| NOT_JSON)?;
        let events = self.gateway.events(&document).map_err(|_| SigningError("the body holds no events"))?;
        let mut texts = signing.body.split(MARK);
        let mut body = texts.next().unwrap_or_default().to_owned();
        for (event, text) in events.into_iter().zip(texts) {
            let message =
                Message { callback, root: Some(&document), event: Some(event), parts: &self.parts() };
            body.push_str(&self.proof(&message, signing.now)?);
            body.push_str(text);
        }
        Ok(body)
    }

    fn proof(&self, message: &Message<'_>, now: OffsetDateTime) -> Result<String, SigningError> {
        let signed =
            self.scheme.auth.signed.of(message).map_err(|_| SigningError("a signed value is missing"))?;
        let key = self.scheme.keys.iter().find(|key| key.is_in_force(now));
        let signature = key.and_then(|key: &Key| key.sign(&signed)).ok_or(SigningError("no key in force"))?;
        Ok(self.scheme.auth.proof.write(&self.parts(), &signature))
    }

    /// The signed headers: the time where the timestamp stands, else the event's id.
    fn headers(&self, signing: &Signing<'_>) -> Vec<(String, Vec<u8>)> {
        let at = self.scheme.auth.timestamp.as_ref().map(|timestamp| &timestamp.at);
        let mut headers = vec![("Content-Type".to_owned(), b"application/json; charset=utf-8".to_vec())];
        for place in self.scheme.auth.signed.holes() {
            if let Place::Header(name) = place {
                let value = if at == Some(place) { self.time.as_str() } else { signing.event_id };
                headers.push((name.clone(), value.as_bytes().to_vec()));
            }
        }
        headers
    }

    fn parts(&self) -> Vec<(&str, &str)> {
        let named = self.scheme.auth.signed.holes().filter_map(|place| match place {
            Place::Part(name) => Some((name.as_str(), self.time.as_str())),
            _ => None,
        });
        named.collect()
    }
}

fn timestamp(scheme: &Scheme, now: OffsetDateTime) -> String {
    match scheme.auth.timestamp.as_ref().map(|timestamp| timestamp.unit) {
        Some(TimestampUnit::Milliseconds) => (now.unix_timestamp_nanos() / 1_000_000).to_string(),
        _ => now.unix_timestamp().to_string(),
    }
}
