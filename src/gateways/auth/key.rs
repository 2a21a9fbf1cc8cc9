//! Keys: from the configured secret to what checks a signature.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::Deserialize;
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use super::{
    super::{code::redsys, inner::lenient_base64, place::Place, settings::Secret, text::Texts},
    algorithm::{Algorithm, Algorithms, KeyKind, Keyed},
    certificate::CertificateFormat,
    public_key::PublicKey,
};

/// The least bytes of a shared key, where the kind does not say that its gateway issues shorter ones.
const MIN_KEY_BYTES: usize = 16;

/// Where the key comes from and how its bytes stand there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeyFormat {
    /// The setting that holds the key; else it is the gateway's secret.
    pub(crate) setting: Option<String>,
    pub(crate) encoding: KeyEncoding,
    /// Only secrets that begin with this are meant; it is not part of the key.
    pub(crate) prefix: Option<String>,
    /// Taken away where a secret begins with it.
    pub(crate) strip: Option<String>,
    pub(crate) min_bytes: usize,
    /// Where the callback names the key that it was proven with.
    pub(crate) id: Option<Texts>,
    /// The name that it must give, where the key was configured without one.
    pub(crate) id_must_be: Texts,
    pub(crate) derive: Option<Derivation>,
    /// What the key is derived from, beside the secret.
    pub(crate) derive_from: Texts,
    /// The key is in a certificate that the callback names.
    pub(crate) certificate: Option<CertificateFormat>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyEncoding {
    /// The bytes of the text as it is; of a public key, PEM or base64.
    #[default]
    Text,
    Hex,
    /// Padding may be left out.
    Base64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Derivation {
    /// The key is the SHA-1 digest of the secret.
    Sha1,
    /// Redsys' keys by order; built in only.
    #[serde(rename = "redsys-3des")]
    Redsys3des,
    RedsysAes,
}

/// One secret, ready to check signatures.
pub(crate) struct Key {
    /// The secret's safe name, recorded with what it proved.
    pub(crate) id: Arc<str>,
    /// The gateway's name for it.
    pub(crate) key_id: Option<String>,
    not_before: Option<OffsetDateTime>,
    not_after: Option<OffsetDateTime>,
    /// The text as it is configured: some gateways sign it as one value among others.
    pub(crate) text: String,
    materials: Vec<(Algorithm, Material)>,
}

enum Material {
    Keyed(Box<Keyed>),
    /// The secret stands in the signed text.
    Digest,
    Derived(Derivation),
    Public(PublicKey),
}

impl Key {
    /// The error never shows the secret.
    pub(crate) fn new(secret: &Secret, format: &KeyFormat, algorithms: &Algorithms) -> Result<Self, String> {
        let materials =
            algorithms.0.iter().map(|&algorithm| Ok((algorithm, format.material(&secret.value, algorithm)?)));
        Ok(Self {
            id: secret.id.as_str().into(),
            key_id: secret.key_id.clone(),
            not_before: secret.not_before,
            not_after: secret.not_after,
            text: secret.value.clone(),
            materials: materials.collect::<Result<_, String>>()?,
        })
    }

    pub(crate) fn is_in_force(&self, now: OffsetDateTime) -> bool {
        self.not_before.is_none_or(|start| start <= now) && self.not_after.is_none_or(|end| now < end)
    }

    /// Whether any of the signatures is this key's. What is signed is digested once for each algorithm, however many
    /// signatures there are: a stranger chooses both. Compares in constant time.
    pub(crate) fn proves<'s>(
        &self,
        signed: &[Cow<'_, [u8]>],
        derived_from: Option<&str>,
        signatures: impl Iterator<Item = &'s [u8]> + Clone,
    ) -> bool {
        self.materials.iter().any(|(algorithm, material)| match material {
            Material::Keyed(keyed) => is_any_of(&keyed.fed(pieces(signed)), signatures.clone()),
            Material::Derived(derivation) => {
                let keyed = derived_from.and_then(|from| derivation.keyed(&self.text, from, *algorithm));
                keyed.is_some_and(|keyed| is_any_of(&keyed.fed(pieces(signed)), signatures.clone()))
            }
            Material::Digest => {
                let digest = algorithm.digest(&signed.concat());
                digest
                    .is_some_and(|digest| signatures.clone().any(|signature| digest.ct_eq(signature).into()))
            }
            Material::Public(key) => {
                let signed = signed.concat();
                signatures.clone().any(|signature| key.proves(&signed, signature))
            }
        })
    }

    /// What a sender with this key writes, by the best of its algorithms; `None` where only the gateway can.
    pub(crate) fn sign(&self, signed: &[Cow<'_, [u8]>], derived_from: Option<&str>) -> Option<Vec<u8>> {
        self.materials.iter().find_map(|(algorithm, material)| match material {
            Material::Keyed(keyed) => Some(keyed.fed(pieces(signed)).signature()),
            Material::Derived(derivation) => {
                let keyed = derivation.keyed(&self.text, derived_from.unwrap_or_default(), *algorithm)?;
                Some(keyed.fed(pieces(signed)).signature())
            }
            Material::Digest => algorithm.digest(&signed.concat()),
            Material::Public(_) => None,
        })
    }

    pub(crate) fn can_sign(&self) -> bool {
        self.materials.iter().any(|(_, material)| !matches!(material, Material::Public(_)))
    }
}

fn pieces<'p>(signed: &'p [Cow<'_, [u8]>]) -> impl Iterator<Item = &'p [u8]> {
    signed.iter().map(|piece| &**piece)
}

fn is_any_of<'s>(keyed: &Keyed, mut signatures: impl Iterator<Item = &'s [u8]>) -> bool {
    signatures.any(|signature| keyed.is(signature))
}

impl Derivation {
    fn keyed(self, secret: &str, from: &str, algorithm: Algorithm) -> Option<Keyed> {
        let key = match self {
            Self::Sha1 => Sha1::digest(secret.as_bytes()).to_vec(),
            Self::Redsys3des => redsys::key_by_3des(secret, from)?,
            Self::RedsysAes => redsys::key_by_aes(secret, from)?,
        };
        Keyed::new(algorithm, &key)
    }

    /// Needs a function that no description can hold.
    pub(crate) fn is_code(self) -> bool {
        self != Self::Sha1
    }
}

impl KeyFormat {
    fn material(&self, secret: &str, algorithm: Algorithm) -> Result<Material, String> {
        if algorithm.key_kind() == KeyKind::Public {
            return PublicKey::read(self.stripped(secret), algorithm).map(Material::Public);
        }
        let key = self.decode(secret)?;
        if key.len() < self.min_bytes {
            let (has, needs) = (key.len(), self.min_bytes);
            return Err(format!("is too short: its key has {has} bytes, at least {needs} are needed"));
        }
        match self.derive {
            Some(Derivation::Sha1) => {
                let keyed = Derivation::Sha1.keyed(secret, "", algorithm);
                keyed
                    .map(Box::new)
                    .map(Material::Keyed)
                    .ok_or_else(|| "does not fit the algorithm".to_owned())
            }
            Some(derivation) => match redsys::is_commerce_key(secret) {
                true => Ok(Material::Derived(derivation)),
                false => Err("is no commerce key: expected 24 bytes in base64".to_owned()),
            },
            None if algorithm.needs_secret_in_text() => Ok(Material::Digest),
            None => {
                let keyed = Keyed::new(algorithm, &key);
                keyed
                    .map(Box::new)
                    .map(Material::Keyed)
                    .ok_or_else(|| "does not fit the algorithm".to_owned())
            }
        }
    }

    fn stripped<'s>(&self, secret: &'s str) -> &'s str {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let text = secret.strip_prefix(prefix).unwrap_or(secret);
        self.strip.as_deref().and_then(|strip| text.strip_prefix(strip)).unwrap_or(text)
    }

    fn decode(&self, secret: &str) -> Result<Vec<u8>, String> {
        let text = self.stripped(secret).as_bytes();
        match self.encoding {
            KeyEncoding::Text => Ok(text.to_vec()),
            KeyEncoding::Hex => data_encoding::HEXLOWER_PERMISSIVE
                .decode(text)
                .map_err(|_| "must be an even number of hex digits".to_owned()),
            KeyEncoding::Base64 => forgiving_base64(text).ok_or_else(|| "must be base64".to_owned()),
        }
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        let certificate = self.certificate.iter().flat_map(CertificateFormat::places);
        let texts = self.id.iter().chain([&self.derive_from]);
        texts.flat_map(Texts::places).chain(certificate)
    }
}

/// Without padding, and without regard to the bits that base64 leaves over: gateways' own libraries take both.
fn forgiving_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut alphabet = data_encoding::BASE64_NOPAD.specification();
    alphabet.check_trailing_bits = false;
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    alphabet.encoding().ok()?.decode(text.get(..end)?).ok().or_else(|| lenient_base64(text))
}

impl Default for KeyFormat {
    fn default() -> Self {
        Self {
            setting: None,
            encoding: KeyEncoding::default(),
            prefix: None,
            strip: None,
            min_bytes: MIN_KEY_BYTES,
            id: None,
            id_must_be: Texts::default(),
            derive: None,
            derive_from: Texts::default(),
            certificate: None,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}
