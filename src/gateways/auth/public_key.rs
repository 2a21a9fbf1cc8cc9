//! Public keys: from PEM or bare base64 to what checks a signature.

use ed25519_dalek::{Signature, VerifyingKey};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, pem::PemObject};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::algorithm::Algorithm;
use crate::gateways::inner::lenient_base64;

/// RFC 8017, `rsaEncryption`.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 5480, `id-ecPublicKey`.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

#[derive(Clone)]
pub(crate) enum PublicKey {
    Ed25519(Box<VerifyingKey>),
    /// What ring takes: for RSA the PKCS #1 key, for ECDSA the point.
    Ring {
        key: Vec<u8>,
        algorithm: &'static dyn VerificationAlgorithm,
    },
}

impl PublicKey {
    /// Of one PEM block (`PUBLIC KEY` or `CERTIFICATE`), or of bare base64: of a SubjectPublicKeyInfo, for Ed25519
    /// also of the 32 bytes alone. The error never shows the key.
    pub(crate) fn read(text: &str, algorithm: Algorithm) -> Result<Self, String> {
        let text = text.trim();
        if text.contains("PRIVATE KEY") {
            return Err("holds a private key; only the gateway's public key is needed".to_owned());
        }
        if text.contains("-----BEGIN CERTIFICATE-----") {
            let certificate = CertificateDer::from_pem_slice(text.as_bytes());
            return Self::of_certificate(
                &certificate.map_err(|_| "is no certificate in PEM".to_owned())?,
                algorithm,
            );
        }
        if text.contains("-----BEGIN") {
            let info = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes());
            let info =
                info.map_err(|_| "is no public key in PEM (`-----BEGIN PUBLIC KEY-----`)".to_owned())?;
            return Self::of_info(&info, algorithm);
        }
        let bytes = lenient_base64(text.as_bytes()).ok_or("is neither PEM nor base64")?;
        match (algorithm, <[u8; 32]>::try_from(bytes.as_slice())) {
            (Algorithm::Ed25519, Ok(bare)) => Self::ed25519(&bare),
            (Algorithm::Ed25519, Err(_)) if SubjectPublicKeyInfoRef::try_from(bytes.as_slice()).is_err() => {
                Err("is not a 32-byte Ed25519 public key".to_owned())
            }
            _ => Self::of_info(&bytes, algorithm),
        }
    }

    pub(crate) fn of_certificate(
        certificate: &CertificateDer<'_>,
        algorithm: Algorithm,
    ) -> Result<Self, String> {
        let certificate =
            webpki::EndEntityCert::try_from(certificate).map_err(|_| "is no X.509 certificate".to_owned())?;
        Self::of_info(&certificate.subject_public_key_info(), algorithm)
    }

    fn of_info(der: &[u8], algorithm: Algorithm) -> Result<Self, String> {
        let info =
            SubjectPublicKeyInfoRef::try_from(der).map_err(|_| "is no public key (SubjectPublicKeyInfo)")?;
        let key = info.subject_public_key.raw_bytes();
        let (algorithm, needed): (&'static dyn VerificationAlgorithm, _) = match algorithm {
            Algorithm::Ed25519 => {
                let bare = <&[u8; 32]>::try_from(key).map_err(|_| "is not a 32-byte Ed25519 public key")?;
                return Self::ed25519(bare);
            }
            Algorithm::RsaSha1 => (&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA),
            Algorithm::RsaSha256 => (&RSA_PKCS1_2048_8192_SHA256, RSA),
            Algorithm::EcdsaSha256 => (&ECDSA_P256_SHA256_ASN1, EC),
            _ => return Err("does not fit the algorithm".to_owned()),
        };
        if info.algorithm.oid != needed {
            return Err("is a public key of another kind than the algorithm needs".to_owned());
        }
        Ok(Self::Ring { key: key.to_vec(), algorithm })
    }

    fn ed25519(bare: &[u8; 32]) -> Result<Self, String> {
        let key = VerifyingKey::from_bytes(bare).ok().filter(|key| !key.is_weak());
        Ok(Self::Ed25519(Box::new(key.ok_or("is not a usable Ed25519 public key")?)))
    }

    pub(crate) fn proves(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(signed, &signature).is_ok()),
            Self::Ring { key, algorithm } => {
                UnparsedPublicKey::new(*algorithm, key).verify(signed, signature).is_ok()
            }
        }
    }
}

/// Each PEM block of a text by itself, so that a new key can stand beside the old one.
pub(crate) fn blocks(text: &str) -> Vec<&str> {
    if !text.contains("-----BEGIN") {
        return vec![text];
    }
    let starts: Vec<usize> = text.match_indices("-----BEGIN").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).filter_map(|(&start, end)| text.get(start..end)).collect()
}
