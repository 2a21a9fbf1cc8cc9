//! Keys: from the configured secret to what checks a signature.

use std::{borrow::Cow, fmt, sync::Arc};

use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use time::OffsetDateTime;

use super::super::settings::Secret;

/// The least bytes of a shared key, where the kind does not say that its gateway issues shorter ones.
const MIN_KEY_BYTES: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Algorithm {
    HmacSha256,
    Ed25519,
}

/// How the bytes of the key stand in the secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFormat {
    pub(crate) encoding: KeyEncoding,
    /// Only secrets that begin with this are meant; it is not part of the key.
    pub(crate) prefix: Option<String>,
    /// Taken away where a secret begins with it.
    pub(crate) strip: Option<String>,
    #[serde(default = "min_key_bytes")]
    pub(crate) min_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyEncoding {
    /// The bytes of the text as it is.
    Text,
    Hex,
    /// The standard alphabet; padding may be left out.
    Base64,
}

/// One secret, ready to check signatures.
pub(crate) struct Key {
    /// The secret's safe name, recorded with what it proved.
    pub(crate) id: Arc<str>,
    not_before: Option<OffsetDateTime>,
    not_after: Option<OffsetDateTime>,
    material: Material,
}

enum Material {
    HmacSha256(Hmac<Sha256>),
    Ed25519(Box<VerifyingKey>),
}

impl Key {
    /// The error never shows the secret.
    pub(crate) fn new(secret: &Secret, format: &KeyFormat, algorithm: Algorithm) -> Result<Self, String> {
        let bytes = format.decode(&secret.value)?;
        let material = match algorithm {
            Algorithm::HmacSha256 if bytes.len() < format.min_bytes => {
                return Err(format!(
                    "is too short: its key has {} bytes, at least {} are needed",
                    bytes.len(),
                    format.min_bytes
                ));
            }
            Algorithm::HmacSha256 => Material::HmacSha256(
                Hmac::new_from_slice(&bytes).map_err(|_| "does not fit the algorithm".to_owned())?,
            ),
            Algorithm::Ed25519 => {
                let bytes: [u8; 32] =
                    bytes.try_into().map_err(|_| "is not a 32-byte Ed25519 public key".to_owned())?;
                let key = VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak());
                Material::Ed25519(Box::new(key.ok_or("is not a usable Ed25519 public key")?))
            }
        };
        let (not_before, not_after) = (secret.not_before, secret.not_after);
        Ok(Self { id: secret.id.as_str().into(), not_before, not_after, material })
    }

    pub(crate) fn is_in_force(&self, now: OffsetDateTime) -> bool {
        self.not_before.is_none_or(|start| start <= now) && self.not_after.is_none_or(|end| now < end)
    }

    /// Whether any of the signatures is this key's. What is signed is digested once, however many there are: a
    /// stranger chooses both. Compares in constant time.
    pub(crate) fn proves(&self, signed: &[Cow<'_, [u8]>], signatures: &[Vec<u8>]) -> bool {
        match &self.material {
            Material::HmacSha256(keyed) => {
                let mac = fed(keyed, signed);
                signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
            }
            Material::Ed25519(key) => {
                let signed = signed.concat();
                let mut signatures = signatures.iter().filter_map(|bytes| Signature::from_slice(bytes).ok());
                signatures.any(|signature| key.verify_strict(&signed, &signature).is_ok())
            }
        }
    }

    /// What a sender with this key writes; `None` where only the gateway can.
    pub(crate) fn sign(&self, signed: &[Cow<'_, [u8]>]) -> Option<Vec<u8>> {
        match &self.material {
            Material::HmacSha256(keyed) => Some(fed(keyed, signed).finalize().into_bytes().to_vec()),
            Material::Ed25519(_) => None,
        }
    }
}

fn fed(keyed: &Hmac<Sha256>, signed: &[Cow<'_, [u8]>]) -> Hmac<Sha256> {
    let mut mac = keyed.clone();
    signed.iter().for_each(|piece| mac.update(piece));
    mac
}

impl KeyFormat {
    fn decode(&self, secret: &str) -> Result<Vec<u8>, String> {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let text = secret.strip_prefix(prefix).unwrap_or(secret);
        let text = self.strip.as_deref().and_then(|strip| text.strip_prefix(strip)).unwrap_or(text);
        match self.encoding {
            KeyEncoding::Text => Ok(text.as_bytes().to_vec()),
            KeyEncoding::Hex => data_encoding::HEXLOWER_PERMISSIVE
                .decode(text.as_bytes())
                .map_err(|_| "must be an even number of hex digits".to_owned()),
            KeyEncoding::Base64 => lenient_base64(text).ok_or_else(|| "must be base64".to_owned()),
        }
    }
}

/// Without padding, and without regard to the bits that base64 leaves over: gateways' own libraries take both.
fn lenient_base64(text: &str) -> Option<Vec<u8>> {
    let mut alphabet = data_encoding::BASE64_NOPAD.specification();
    alphabet.check_trailing_bits = false;
    alphabet.encoding().ok()?.decode(text.trim_end_matches('=').as_bytes()).ok()
}

fn min_key_bytes() -> usize {
    MIN_KEY_BYTES
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}
