//! Signing: the same description read as a sender, for `simulate`, the demo and tests.

use time::OffsetDateTime;

use super::{
    Gateway,
    auth::{
        Scheme,
        algorithm::{Algorithm, KeyKind},
        key::Key,
        proof::Encoding,
    },
    code,
    documents::Documents,
    filter::php_encoded,
    inner::Decoding,
    message::Message,
    place::Place,
};
use crate::domain::Callback;

mod private_key;

/// Where the signature goes, in a body that carries it inside.
const MARK: &str = "{{signature}}";
/// Where the inner document goes, and its length.
const INNER: &str = "{{inner}}";
const INNER_LENGTH: &str = "{{inner_length}}";

/// What is to be signed.
#[derive(Clone, Debug)]
pub struct Signing<'s> {
    /// Holds `{{signature}}` once per event, where this kind's proof stands in the body. Of a kind that sends forms,
    /// `name=value` lines, not encoded.
    pub body: &'s str,
    /// `name=value` lines, not encoded.
    pub query: &'s str,
    /// Put where `{{inner}}` stands, encoded and encrypted as the kind says.
    pub inner: Option<&'s str>,
    pub headers: Vec<(String, String)>,
    /// Goes into the headers, where this kind names its message there.
    pub event_id: &'s str,
    pub now: OffsetDateTime,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot sign: {0}")]
pub struct SigningError(&'static str);

const UNREADABLE: SigningError = SigningError("the body is not what this kind sends");

impl<'s> Signing<'s> {
    #[must_use]
    pub fn new(body: &'s str, event_id: &'s str, now: OffsetDateTime) -> Self {
        Self { body, query: "", inner: None, headers: Vec::new(), event_id, now }
    }
}

impl Gateway {
    /// A callback as the gateway itself would send it, proven by this gateway's first usable secret.
    pub fn sign(&self, signing: &Signing<'_>) -> Result<Callback, SigningError> {
        let mut failure = SigningError("no secret in force can sign; a public key only verifies");
        for scheme in &self.schemes {
            let Some(signer) = self.signer(scheme, signing.now) else { continue };
            let unit = scheme.auth.timestamp.as_ref().map(|timestamp| timestamp.unit);
            let time = unit.map_or_else(String::new, |unit| unit.write(signing.now));
            let sender = Sender { gateway: self, scheme, signer, signing, time };
            match sender.callback() {
                Ok(Some(callback)) => return Ok(callback),
                // Another scheme is meant by such a message.
                Ok(None) => {}
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn signer<'s>(&'s self, scheme: &'s Scheme, now: OffsetDateTime) -> Option<Signer<'s>> {
        let algorithm = *scheme.auth.algorithm.0.first()?;
        if let Some(key) = scheme.keys.iter().find(|key| key.is_in_force(now) && key.can_sign()) {
            return Some(Signer::Key(key));
        }
        match (algorithm.key_kind(), &self.private_key) {
            (KeyKind::None, _) => Some(Signer::Nobody),
            (KeyKind::Public, Some(pem)) if algorithm == Algorithm::RsaSha256 => Some(Signer::Private(pem)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum Signer<'s> {
    Key(&'s Key),
    Private(&'s str),
    /// The kind has no signatures.
    Nobody,
}

struct Sender<'s> {
    gateway: &'s Gateway,
    scheme: &'s Scheme,
    signer: Signer<'s>,
    signing: &'s Signing<'s>,
    /// As this kind's timestamps are written.
    time: String,
}

/// Why a header is there.
#[derive(Clone, Copy)]
enum Needed {
    Signed,
    Algorithm,
    Key,
}

impl Sender<'_> {
    /// `None` if this scheme is not meant for such a message.
    fn callback(&self) -> Result<Option<Callback>, SigningError> {
        let body = self.with_inner(self.signing.body)?;
        let unsigned = self.assembled(&body, None);
        if matches!(self.signer, Signer::Nobody) {
            return Ok(Some(unsigned));
        }
        let documents = self.documents(&unsigned)?;
        let events = documents.events(self.gateway.batch.as_ref()).map_err(|_| UNREADABLE)?;
        let parts = self.parts();
        let mut proofs = Vec::new();
        for event in events {
            let message = Message { parts: &parts, ..documents.message(&unsigned, event) };
            if !self.scheme.auth.when.iter().all(|condition| condition.holds(&message)) {
                return Ok(None);
            }
            proofs.push(self.proof(&message)?);
        }
        Ok(Some(self.assembled(&body, Some(&proofs))))
    }

    fn documents<'c>(&self, callback: &'c Callback) -> Result<Documents<'c>, SigningError> {
        let gateway = self.gateway;
        let proof_is_outside = !gateway.proof_is_inside;
        match gateway.documents(callback, &gateway.keys(self.signing.now)) {
            Ok(documents) => Ok(documents),
            // What is signed as bytes need not be readable.
            Err(_) if proof_is_outside => Ok(Documents::default()),
            Err(_) => Err(UNREADABLE),
        }
    }

    /// The request, without its proofs or with them.
    fn assembled(&self, body: &str, proofs: Option<&[String]>) -> Callback {
        let first = proofs.and_then(|proofs| proofs.first()).map(String::as_str);
        let place = self.place();
        let is_form = !body.trim_start().starts_with(['{', '[']) && self.gateway.bodies.has_forms();
        let form_field = |place: Option<&Place>| match place {
            Some(Place::Form(Some(name))) => first.map(|proof| (name.clone(), proof.to_owned())),
            _ => None,
        };
        let query_field = match place {
            Some(Place::Query(Some(name))) => first.map(|proof| (name.clone(), proof.to_owned())),
            _ => None,
        };
        let is_get = body.is_empty() && !self.signing.query.is_empty();
        let content_type =
            if is_form { "application/x-www-form-urlencoded" } else { "application/json; charset=utf-8" };
        let body = if is_form { encoded(body, form_field(place)) } else { marked(body, proofs) };
        let mut callback = Callback {
            gateway: self.gateway.id.clone(),
            method: if is_get { "GET" } else { "POST" }.to_owned(),
            path: format!("/webhooks/{}", self.gateway.id),
            query: encoded(self.signing.query, query_field),
            headers: self.headers(content_type),
            body: body.into_bytes(),
            remote_address: self.address(),
            received_at: self.signing.now,
            traceparent: None,
        };
        if let (Some(Place::Header(name)), Some(proof)) = (place, first) {
            callback.headers.push((name.clone(), proof.as_bytes().to_vec()));
        }
        callback
    }

    /// Where the proof goes: the first of the places that may hold it.
    fn place(&self) -> Option<&Place> {
        self.scheme.auth.proof.as_ref().and_then(|proof| proof.at.0.first())
    }

    fn address(&self) -> String {
        let known = self.scheme.auth.networks.first_address();
        known.map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string())
    }

    fn proof(&self, message: &Message<'_>) -> Result<String, SigningError> {
        const MISSING: SigningError = SigningError("a signed value is missing");
        let auth = &self.scheme.auth;
        let (Some(format), Some(signed)) = (&auth.proof, &auth.signed) else { return Ok(String::new()) };
        let secret = match self.signer {
            Signer::Key(key) => Some(key.text.as_str()),
            _ => None,
        };
        let message = Message { secret, ..*message };
        let signed = signed.of(&message).map_err(|_| MISSING)?;
        let signature = match self.signer {
            Signer::Key(key) => {
                let derived_from = message.first(&auth.key.derive_from).map_err(|_| MISSING)?;
                key.sign(&signed, derived_from.as_deref())
            }
            Signer::Private(pem) => private_key::signature(pem, &signed.concat()),
            Signer::Nobody => None,
        };
        let signature = signature.ok_or(SigningError("the key does not fit the algorithm"))?;
        Ok(format.write(&self.parts(), &signature, &self.key_id(), self.algorithm_word()))
    }

    /// The headers that the kind's proof needs: the time where the timestamp stands, the names of the key and the
    /// algorithm, else the event's id.
    fn headers(&self, content_type: &str) -> Vec<(String, Vec<u8>)> {
        let auth = &self.scheme.auth;
        let mut headers = vec![("Content-Type".to_owned(), content_type.as_bytes().to_vec())];
        let given = self.signing.headers.iter();
        headers.extend(given.map(|(name, value)| (name.clone(), value.as_bytes().to_vec())));
        let named = auth.named.iter().filter_map(|named| named.at.as_ref()).flat_map(|texts| texts.places());
        let key = auth.key.id.iter().flat_map(|texts| texts.places());
        let signed = auth.signed.iter().flat_map(|signed| signed.places());
        let needed =
            signed.map(|place| (place, Needed::Signed)).chain(named.map(|place| (place, Needed::Algorithm)));
        for (place, needed) in needed.chain(key.map(|place| (place, Needed::Key))) {
            let Place::Header(name) = place else { continue };
            if headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            let value = match needed {
                Needed::Algorithm => self.algorithm_word().to_owned(),
                Needed::Key => self.key_id(),
                Needed::Signed if self.is_timestamp(place) => self.time.clone(),
                Needed::Signed => self.signing.event_id.to_owned(),
            };
            headers.push((name.clone(), value.into_bytes()));
        }
        headers
    }

    fn is_timestamp(&self, place: &Place) -> bool {
        self.scheme.auth.timestamp.as_ref().is_some_and(|timestamp| timestamp.at == *place)
    }

    /// What stands beside the signature in a list of pairs: the time, and the name of the algorithm.
    fn parts(&self) -> Vec<(&str, &str)> {
        let auth = &self.scheme.auth;
        let signed = auth.signed.iter().flat_map(|signed| signed.places());
        let named = auth.named.iter().filter_map(|named| named.at.as_ref()).flat_map(|texts| texts.places());
        let times = signed.filter_map(part_name).map(|name| (name, self.time.as_str()));
        times.chain(named.filter_map(part_name).map(|name| (name, self.algorithm_word()))).collect()
    }

    fn algorithm_word(&self) -> &str {
        self.scheme.auth.named.as_ref().and_then(|named| named.is.first()).map_or("", String::as_str)
    }

    /// The name that the gateway would give its key.
    fn key_id(&self) -> String {
        let own = match self.signer {
            Signer::Key(key) => key.key_id.clone(),
            _ => None,
        };
        let must_be = self.scheme.auth.key.id_must_be.places().find_map(|place| match place {
            Place::Const(text) => Some(text.clone()),
            _ => None,
        });
        own.or(must_be).unwrap_or_default()
    }

    /// The body with the inner document in its place.
    fn with_inner(&self, body: &str) -> Result<String, SigningError> {
        let (Some(inner), Some(plain)) = (&self.gateway.inner, self.signing.inner) else {
            return Ok(body.to_owned());
        };
        let body = body.replace(INNER_LENGTH, &plain.len().to_string());
        let outer = self.assembled(&body.replace(INNER, ""), None);
        let documents =
            Documents::read(&outer, &self.gateway.bodies, self.gateway.name_case).map_err(|_| UNREADABLE)?;
        let message = documents.message(&outer, documents.json.as_ref());
        let keys = self.gateway.keys(self.signing.now);
        let mut bytes = plain.as_bytes().to_vec();
        for decoding in inner.decode.iter().rev() {
            bytes = decoding
                .apply(&bytes, &message, &keys)
                .ok_or(SigningError("the inner document cannot be made"))?;
        }
        let text = String::from_utf8(bytes).map_err(|_| SigningError("the inner document is no text"))?;
        let is_json = body.trim_start().starts_with('{');
        Ok(body.replace(INNER, &if is_json { inside_quotes(&text) } else { text }))
    }
}

fn part_name(place: &Place) -> Option<&str> {
    match place {
        Place::Part(name) => Some(name),
        _ => None,
    }
}

/// Text as it stands between the quotes of a JSON text.
pub(super) fn inside_quotes(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

/// The proofs where the marks are, in order; without proofs nothing.
fn marked(body: &str, proofs: Option<&[String]>) -> String {
    let Some(proofs) = proofs else { return body.replace(MARK, "") };
    let mut texts = body.split(MARK);
    let mut marked = texts.next().unwrap_or_default().to_owned();
    for (text, proof) in texts.zip(proofs.iter().map(String::as_str).chain(std::iter::repeat(""))) {
        marked.push_str(proof);
        marked.push_str(text);
    }
    marked
}

/// `name=value` lines as a form, with one more field at its end.
fn encoded(lines: &str, more: Option<(String, String)>) -> String {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let given = lines.map(|line| line.split_once('=').unwrap_or((line, "")));
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let fields = given
        .chain(more)
        .map(|(name, value)| format!("{}={}", php_encoded(name.as_bytes()), php_encoded(value.as_bytes())));
    fields.collect::<Vec<_>>().join("&")
}

impl Decoding {
    /// What [`Decoding::undo`] takes apart.
    fn apply(self, bytes: &[u8], message: &Message<'_>, keys: &code::Keys<'_>) -> Option<Vec<u8>> {
        match self {
            Self::Base64 => Some(Encoding::Base64.encode(bytes).into_bytes()),
            Self::Hex => Some(Encoding::HexUpper.encode(bytes).into_bytes()),
            Self::Computop => code::computop::encrypted(bytes, keys),
            Self::Wechatpay => code::wechatpay::encrypted(bytes, message, keys),
        }
    }
}
