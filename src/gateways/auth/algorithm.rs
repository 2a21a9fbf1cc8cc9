//! Algorithms: how a signature is made of a key and the signed text.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::super::text::OneOrMany;

/// The algorithms that a proof may use. Where there are several, the length of the signature says which.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "OneOrMany<Algorithm>")]
pub(crate) struct Algorithms(pub(crate) Vec<Algorithm>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Algorithm {
    HmacSha1,
    HmacSha256,
    HmacSha512,
    /// A plain digest of a text that holds the secret.
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    /// RSASSA-PKCS1-v1_5.
    RsaSha1,
    RsaSha256,
    /// On the curve P-256, signatures in ASN.1.
    EcdsaSha256,
    Ed25519,
    /// The proof is the text itself: a token, or `Basic` credentials.
    Token,
    /// The sender's address is one of `networks`; nothing is signed.
    Peer,
    /// Nothing proves anything: the callback is a hint that something happened.
    None,
}

/// What kind of key an algorithm takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// Known to both sides.
    Shared,
    Public,
    /// No key at all.
    None,
}

impl Algorithm {
    pub(crate) fn key_kind(self) -> KeyKind {
        match self {
            Self::HmacSha1 | Self::HmacSha256 | Self::HmacSha512 => KeyKind::Shared,
            Self::Md5 | Self::Sha1 | Self::Sha256 | Self::Sha384 | Self::Sha512 | Self::Token => {
                KeyKind::Shared
            }
            Self::RsaSha1 | Self::RsaSha256 | Self::EcdsaSha256 | Self::Ed25519 => KeyKind::Public,
            Self::Peer | Self::None => KeyKind::None,
        }
    }

    /// Collisions are made at will, so only a gateway that offers nothing better may use it.
    pub(crate) fn is_weak(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1 | Self::RsaSha1)
    }

    /// Whether the secret must stand in the signed text, since nothing else brings it in.
    pub(crate) fn needs_secret_in_text(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1 | Self::Sha256 | Self::Sha384 | Self::Sha512 | Self::Token)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC-SHA-1",
            Self::HmacSha256 => "HMAC-SHA-256",
            Self::HmacSha512 => "HMAC-SHA-512",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::RsaSha1 => "RSA-SHA-1",
            Self::RsaSha256 => "RSA-SHA-256",
            Self::EcdsaSha256 => "ECDSA-SHA-256",
            Self::Ed25519 => "Ed25519",
            Self::Token => "token",
            Self::Peer => "address",
            Self::None => "none",
        }
    }

    /// The digest of a text that holds the secret; `None` for what is no plain digest.
    pub(crate) fn digest(self, signed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Md5 => Some(Md5::digest(signed).to_vec()),
            Self::Sha1 => Some(Sha1::digest(signed).to_vec()),
            Self::Sha256 => Some(Sha256::digest(signed).to_vec()),
            Self::Sha384 => Some(Sha384::digest(signed).to_vec()),
            Self::Sha512 => Some(Sha512::digest(signed).to_vec()),
            Self::Token => Some(signed.to_vec()),
            _ => None,
        }
    }
}

/// An HMAC with its key, ready to be fed.
#[derive(Clone)]
pub(crate) enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl Keyed {
    /// `None` where the algorithm is no HMAC.
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::HmacSha1 => Hmac::new_from_slice(key).ok().map(Self::Sha1),
            Algorithm::HmacSha256 => Hmac::new_from_slice(key).ok().map(Self::Sha256),
            Algorithm::HmacSha512 => Hmac::new_from_slice(key).ok().map(Self::Sha512),
            _ => None,
        }
    }

    pub(crate) fn fed<'p>(&self, pieces: impl Iterator<Item = &'p [u8]>) -> Self {
        let mut keyed = self.clone();
        for piece in pieces {
            match &mut keyed {
                Self::Sha1(mac) => mac.update(piece),
                Self::Sha256(mac) => mac.update(piece),
                Self::Sha512(mac) => mac.update(piece),
            }
        }
        keyed
    }

    /// In constant time.
    pub(crate) fn is(&self, signature: &[u8]) -> bool {
        match self.clone() {
            Self::Sha1(mac) => mac.verify_slice(signature).is_ok(),
            Self::Sha256(mac) => mac.verify_slice(signature).is_ok(),
            Self::Sha512(mac) => mac.verify_slice(signature).is_ok(),
        }
    }

    pub(crate) fn signature(self) -> Vec<u8> {
        match self {
            Self::Sha1(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
        }
    }
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed")
    }
}

impl From<OneOrMany<Algorithm>> for Algorithms {
    fn from(algorithms: OneOrMany<Algorithm>) -> Self {
        Self(algorithms.into_vec())
    }
}
