//! Redsys: every order has its own key, derived from the commerce key and the order's number.
//!
//! As the vendor's own library (its `signature.php` and `utils.php`) and python-redsys 2.1.0 derive it.

use aes::Aes128;
use cbc::{
    Encryptor,
    cipher::{
        BlockModeEncrypt, KeyIvInit,
        block_padding::{NoPadding, Pkcs7},
    },
};
use des::TdesEde3;

use crate::gateways::inner::lenient_base64;

const DES_BLOCK_BYTES: usize = 8;
const AES_KEY_CHARACTERS: usize = 16;

/// HMAC_SHA256_V1: 3DES-CBC with a zero vector over the order, zero-padded to whole blocks.
pub(crate) fn key_by_3des(commerce_key: &str, order: &str) -> Option<Vec<u8>> {
    let key = lenient_base64(commerce_key.as_bytes())?;
    let mut padded = order.as_bytes().to_vec();
    padded.resize(padded.len().next_multiple_of(DES_BLOCK_BYTES), 0);
    let cipher = Encryptor::<TdesEde3>::new_from_slices(&key, &[0; DES_BLOCK_BYTES]).ok()?;
    Some(cipher.encrypt_padded_vec::<NoPadding>(&padded))
}

/// HMAC_SHA512_V1 and _V2: AES-128-CBC with a zero vector and PKCS #7 padding, under the first sixteen characters
/// of the key's text. The key of the HMAC is the base64 text of what comes out.
pub(crate) fn key_by_aes(commerce_key: &str, order: &str) -> Option<Vec<u8>> {
    let mut key = commerce_key.as_bytes().to_vec();
    key.resize(AES_KEY_CHARACTERS, b'0');
    let cipher = Encryptor::<Aes128>::new_from_slices(&key, &[0; 16]).ok()?;
    let derived = cipher.encrypt_padded_vec::<Pkcs7>(order.as_bytes());
    Some(data_encoding::BASE64.encode(&derived).into_bytes())
}

/// Whether a commerce key has the form that Redsys issues: 24 bytes in base64.
pub(crate) fn is_commerce_key(text: &str) -> bool {
    lenient_base64(text.as_bytes()).is_some_and(|key| key.len() == 24)
}
