//! Schemes: the ways of proof that a gateway's own keys allow.

use super::{super::auth::algorithm::KeyKind, Auth, Mode, Settings};
use crate::gateways::{
    Secret,
    auth::{
        Scheme,
        certificate::Configured,
        key::{Key, KeyFormat},
        public_key,
    },
};

pub(super) fn build(
    auths: Vec<Auth>,
    secrets: &[Secret],
    settings: &Settings,
    mode: Mode,
) -> Result<Vec<Scheme>, String> {
    let prefixes: Vec<String> = auths.iter().filter_map(|auth| auth.key.prefix.clone()).collect();
    let mut schemes = Vec::new();
    let mut missing = Vec::new();
    for auth in auths {
        // With a key at hand, what proves nothing is not taken.
        if auth.without_secret && !secrets.is_empty() {
            continue;
        }
        let certificates = match &auth.key.certificate {
            Some(format) => format.configured(|name| settings.text(name))?,
            None => Configured::default(),
        };
        let keys = keys(&auth, secrets, &prefixes, settings, mode)?;
        match keys.is_empty() && !needs_no_key(&auth) {
            true => missing.extend(auth.key.setting),
            false => schemes.push(Scheme { auth, keys, certificates }),
        }
    }
    match (schemes.is_empty(), missing.first(), secrets.is_empty()) {
        (false, ..) => Ok(schemes),
        (true, Some(setting), _) => Err(format!("settings.{setting}: is needed, or nothing can be proven")),
        (true, None, true) => Err("secrets: at least one is needed, or nothing can be proven".to_owned()),
        (true, None, false) => Err(format!("secrets: none begins with {}", prefixes.join(" or "))),
    }
}

fn needs_no_key(auth: &Auth) -> bool {
    let keyless = auth.algorithm.0.iter().all(|algorithm| algorithm.key_kind() == KeyKind::None);
    keyless || auth.key.certificate.is_some() || auth.without_secret
}

fn keys(
    auth: &Auth,
    secrets: &[Secret],
    prefixes: &[String],
    settings: &Settings,
    mode: Mode,
) -> Result<Vec<Key>, String> {
    if auth.without_secret {
        return unkeyed(auth);
    }
    if needs_no_key(auth) {
        return Ok(Vec::new());
    }
    if let Some(name) = &auth.key.setting {
        // A way of proof whose key is not set is not taken.
        let Some(text) = settings.text(name) else { return Ok(Vec::new()) };
        let blocks = public_key::blocks(text).into_iter().enumerate();
        let key = |(index, block): (usize, &str)| {
            let secret = secret_of(format!("settings.{name}[{index}]"), block);
            Key::new(&secret, &auth.key, &auth.algorithm).map_err(|what| format!("settings.{name}: {what}"))
        };
        return blocks.map(key).collect();
    }
    let meant = secrets.iter().filter(|secret| is_meant(&auth.key, prefixes, &secret.value));
    meant.map(|secret| key(secret, auth, mode)).collect()
}

/// A digest without a secret in it is checked all the same: a broken message is not worth a question.
fn unkeyed(auth: &Auth) -> Result<Vec<Key>, String> {
    if auth.signed.is_none() {
        return Ok(Vec::new());
    }
    let format = KeyFormat { min_bytes: 0, ..KeyFormat::default() };
    Ok(vec![Key::new(&secret_of("unproven".to_owned(), ""), &format, &auth.algorithm)?])
}

fn secret_of(id: String, value: &str) -> Secret {
    Secret { id, value: value.to_owned(), not_before: None, not_after: None, key_id: None }
}

fn key(secret: &Secret, auth: &Auth, mode: Mode) -> Result<Key, String> {
    let named = |what: String| format!("secret `{}` {what}", secret.id);
    let is_shared = auth.algorithm.0.iter().any(|algorithm| algorithm.key_kind() == KeyKind::Shared);
    if let Some(what) = secret.weakness().filter(|_| is_shared && mode != Mode::Any) {
        return Err(named(what.to_owned()));
    }
    // A captured callback is looked at with whatever key it was made with.
    let min_bytes = if mode == Mode::Any { 1 } else { auth.key.min_bytes };
    let format = KeyFormat { min_bytes, ..auth.key.clone() };
    Key::new(secret, &format, &auth.algorithm).map_err(named)
}

/// A secret with a prefix that one way of proof asks for is meant for that way alone.
fn is_meant(format: &KeyFormat, prefixes: &[String], secret: &str) -> bool {
    match &format.prefix {
        Some(prefix) => secret.starts_with(prefix.as_str()),
        None => !prefixes.iter().any(|prefix| secret.starts_with(prefix.as_str())),
    }
}
