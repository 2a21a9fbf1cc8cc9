//! Computop Paygate: the fields travel encrypted with Blowfish in ECB mode, zero-padded, with their length beside.
//!
//! <https://developer.computop.com/display/EN/Programming+basics>

use blowfish::{
    Blowfish,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, array::Array},
};

use super::Keys;
use crate::gateways::message::Message;

/// The setting that holds the encryption password.
const KEY: &str = "blowfish_key";
const BLOCK_BYTES: usize = 8;

pub(crate) fn decrypted(ciphertext: &[u8], message: &Message<'_>, keys: &Keys<'_>) -> Option<Vec<u8>> {
    let cipher = cipher(keys)?;
    let length: usize = message.form?.value("len")?.parse().ok()?;
    let mut plain = Vec::with_capacity(ciphertext.len());
    for block in ciphertext.chunks(BLOCK_BYTES) {
        let mut block = Array::<u8, _>::try_from(block).ok()?;
        cipher.decrypt_block(&mut block);
        plain.extend_from_slice(&block);
    }
    (length <= plain.len() && plain.len() - length < BLOCK_BYTES).then(|| plain.truncate(length))?;
    Some(plain)
}

/// What the gateway sends.
pub(crate) fn encrypted(plain: &[u8], keys: &Keys<'_>) -> Option<Vec<u8>> {
    let cipher = cipher(keys)?;
    let mut ciphertext = Vec::with_capacity(plain.len() + BLOCK_BYTES);
    for chunk in plain.chunks(BLOCK_BYTES) {
        let mut block = Array::<u8, _>::from([0; BLOCK_BYTES]);
        block.iter_mut().zip(chunk).for_each(|(byte, plain)| *byte = *plain);
        cipher.encrypt_block(&mut block);
        ciphertext.extend_from_slice(&block);
    }
    Some(ciphertext)
}

fn cipher(keys: &Keys<'_>) -> Option<Blowfish> {
    Blowfish::new_from_slice(keys.settings.get(KEY)?.as_bytes()).ok()
}
