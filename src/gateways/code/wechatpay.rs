//! WeChat Pay API v3: the resource of a notification is encrypted with AES-256-GCM under the APIv3 key.
//!
//! <https://pay.weixin.qq.com/doc/v3/merchant/4012791882>: the key is 32 ASCII bytes as they are, the nonce 12,
//! the tag the last 16 bytes of the ciphertext.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::Keys;
use crate::gateways::{json::Json, message::Message};

const ALGORITHM: &str = "AEAD_AES_256_GCM";

/// Any of the secrets may be the key: they are replaced without a gap.
pub(crate) fn decrypted(ciphertext: &[u8], message: &Message<'_>, keys: &Keys<'_>) -> Option<Vec<u8>> {
    if resource(message, "algorithm").as_deref() != Some(ALGORITHM) {
        return None;
    }
    let (nonce, aad) =
        (resource(message, "nonce")?, resource(message, "associated_data").unwrap_or_default());
    keys.secrets.iter().find_map(|key| opened(key, &nonce, &aad, ciphertext))
}

fn resource(message: &Message<'_>, member: &str) -> Option<String> {
    match message.event?.member("resource")?.member(member)? {
        Json::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

fn opened(key: &str, nonce: &str, aad: &str, ciphertext: &[u8]) -> Option<Vec<u8>> {
    let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).ok()?;
    let mut text = ciphertext.to_vec();
    let opened = cipher(key)?.open_in_place(nonce, Aad::from(aad.as_bytes()), &mut text).ok()?.len();
    text.truncate(opened);
    Some(text)
}

/// What the gateway sends, with the nonce and the associated data that the message around it names.
pub(crate) fn encrypted(plain: &[u8], message: &Message<'_>, keys: &Keys<'_>) -> Option<Vec<u8>> {
    let (nonce, aad) =
        (resource(message, "nonce")?, resource(message, "associated_data").unwrap_or_default());
    let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).ok()?;
    let mut text = plain.to_vec();
    cipher(keys.secrets.first()?)?
        .seal_in_place_append_tag(nonce, Aad::from(aad.as_bytes()), &mut text)
        .ok()?;
    Some(text)
}

fn cipher(key: &str) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key.as_bytes()).ok().map(LessSafeKey::new)
}
