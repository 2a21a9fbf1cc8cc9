//! What a description refers to must be there: a setting that is declared, a part where a proof is at hand, an inner
//! document where one is described, code only where it is built in.

use toml::Spanned;

use super::{Account, Auth, Condition, Description, Fault, Paths, Place, Rule, Texts, UnitSource};
use crate::gateways::{
    auth::algorithm::{Algorithm, KeyKind},
    facts::FactRule,
    inner::Inner,
};

pub(super) fn check(description: &Description, text: &str, is_built_in: bool) -> Result<(), Fault> {
    for auth in &description.auth {
        check_auth(auth, description, text, is_built_in)?;
    }
    if description.challenge.is_some() && !is_built_in {
        return Err(Fault::in_key("challenge", "only built-in kinds may sign what strangers ask for"));
    }
    let reads = |place: &Place| is_readable(place, description);
    for rule in &description.event {
        let wrong = rule_places(rule.get_ref()).find(|place| !reads(place));
        refuse(wrong, rule, text, "event", description)?;
    }
    let account = description.account.iter().flat_map(Account::texts);
    let inner = description.inner.iter().map(|inner| &inner.at);
    let mut places = paths(&description.paths).chain(account).chain(inner).flat_map(Texts::places);
    if let Some(place) = places.find(|place| !reads(place)) {
        return Err(Fault::in_key("paths", wrong(place, description)));
    }
    for (index, shape) in description.shape.iter().enumerate() {
        let conditions = shape.when.iter().flat_map(Condition::places);
        let mut places = conditions.chain(paths(&shape.paths).flat_map(Texts::places));
        if let Some(place) = places.find(|place| !reads(place)) {
            return Err(Fault::in_key(format!("shape[{index}]"), wrong(place, description)));
        }
    }
    if description.inner.as_ref().is_some_and(Inner::names_code) && !is_built_in {
        return Err(Fault::in_key("inner.decode", "names code that only built-in kinds may use"));
    }
    match &description.amount.unit {
        UnitSource::Setting(name) if !declares(description, name) => {
            Err(Fault::in_key("amount.unit", undeclared(name)))
        }
        _ => Ok(()),
    }
}

fn check_auth(
    spanned: &Spanned<Auth>,
    description: &Description,
    text: &str,
    is_built_in: bool,
) -> Result<(), Fault> {
    let auth = spanned.get_ref();
    let fault = |key: &str, what: &str| Err(Fault::at(spanned, text, key, what));
    let undeclared = auth.places().find(|place| match place {
        Place::Setting(name) => !declares(description, name),
        Place::Inner(_) => description.inner.is_none(),
        _ => false,
    });
    refuse(undeclared, spanned, text, "auth", description)?;
    if let Some(setting) = auth.key.setting.as_ref().filter(|name| !declares(description, name)) {
        return Err(Fault::at(spanned, text, "auth.key.setting", self::undeclared(setting)));
    }
    if !is_built_in && auth.key.derive.is_some_and(|derivation| derivation.is_code()) {
        return fault("auth.key.derive", "names code that only built-in kinds may use");
    }
    if let Some(place) = auth.claimed_but_signed_loosely().filter(|_| !is_built_in) {
        let what = format!(
            "`{place}` is claimed as covered, but `signed` holds only a part of it, or another value where there is one"
        );
        return Err(Fault::at(spanned, text, "auth.covers", what));
    }
    let is_header = |place: &Place| matches!(place, Place::Header(_));
    let stays_out = auth.proof.as_ref().is_none_or(|proof| proof.at.0.iter().all(is_header));
    if !is_built_in && auth.is_constant() && !stays_out {
        return fault(
            "auth.proof.at",
            "a proof that never changes is a secret, and only headers are not kept",
        );
    }
    if !is_built_in && auth.key.certificate.is_some() {
        return fault("auth.key.certificate", "only built-in kinds may have certificates fetched");
    }
    let algorithms = auth.algorithm.0.as_slice();
    let keyless = algorithms.iter().all(|algorithm| algorithm.key_kind() == KeyKind::None);
    let signs = auth.signed.is_some() && auth.proof.is_some();
    match algorithms {
        [] => return fault("auth.algorithm", "at least one algorithm is needed"),
        [Algorithm::Peer] if auth.networks.is_empty() => {
            return fault("auth.networks", "`peer` needs the networks that the gateway calls from");
        }
        [_] => {}
        several
            if several
                .iter()
                .any(|algorithm| *algorithm == Algorithm::Token || algorithm.key_kind() == KeyKind::None) =>
        {
            return fault("auth.algorithm", "`token`, `peer` and `none` stand alone");
        }
        _ => {}
    }
    if !keyless && !signs {
        return fault(
            "auth",
            "`proof` and `signed` are needed: where the signature stands, and what is signed",
        );
    }
    if (keyless || auth.without_secret) && !auth.covers.is_empty() {
        return fault("auth.covers", "what proves nothing covers nothing: expected `covers = []`");
    }
    let holds_secret = auth.signed.as_ref().is_some_and(|signed| signed.holds_secret());
    let needs_secret = algorithms.iter().any(|algorithm| algorithm.needs_secret_in_text());
    if needs_secret && !holds_secret && !auth.without_secret {
        return fault(
            "auth.signed",
            "a plain digest proves nothing unless `{secret}` stands in the signed text",
        );
    }
    if algorithms.iter().any(|algorithm| algorithm.is_weak()) && !description.weak_digest {
        return fault(
            "auth.algorithm",
            "MD5 and SHA-1 are weak: say `weak_digest = true` if the gateway offers nothing better",
        );
    }
    Ok(())
}

fn refuse<T>(
    place: Option<&Place>,
    at: &Spanned<T>,
    text: &str,
    key: &str,
    description: &Description,
) -> Result<(), Fault> {
    place.map_or(Ok(()), |place| Err(Fault::at(at, text, key, wrong(place, description))))
}

fn rule_places(rule: &Rule) -> impl Iterator<Item = &Place> {
    let own = rule.facts.iter().flatten();
    let own = own.flat_map(|FactRule { operation, amount, .. }| [operation, amount]).flatten();
    let conditions = rule.when.iter().flat_map(Condition::places);
    conditions.chain(paths(&rule.paths).chain(own).flat_map(Texts::places))
}

fn paths(paths: &Paths) -> impl Iterator<Item = &Texts> {
    paths.texts().into_iter().flatten()
}

fn declares(description: &Description, name: &str) -> bool {
    description.settings.contains_key(name)
}

/// Beside the proof there are no parts, and the raw body is no value.
fn is_readable(place: &Place, description: &Description) -> bool {
    match place {
        Place::Setting(name) => declares(description, name),
        Place::Inner(_) => description.inner.is_some(),
        Place::Sum(parts) => parts.iter().all(|part| is_readable(part, description)),
        place => !matches!(
            place,
            Place::Part(_) | Place::Body | Place::Secret | Place::Form(None) | Place::Query(None)
        ),
    }
}

fn wrong(place: &Place, description: &Description) -> String {
    match place {
        Place::Setting(name) if !declares(description, name) => undeclared(name),
        Place::Inner(_) => format!("`{place}` needs [inner], which says where the inner document stands"),
        Place::Sum(_) => format!("`{place}` adds up something that is no value"),
        place => format!("`{place}` has a meaning only in [[auth]]"),
    }
}

fn undeclared(name: &str) -> String {
    format!("`setting:{name}` is not declared: add [settings.{name}] with its `about`")
}
