//! About: what a built-in kind says of itself, for people.

use super::{coverage, describe, text_of};
use crate::gateways::{
    HttpReply, KindSource,
    auth::{
        Auth,
        algorithm::{Algorithm, KeyKind},
    },
    description::{
        Description, Uncovered,
        settings::{Declared, Takes},
    },
    events::{Rule, Unproven, Word},
};

/// A built-in kind, as its description tells it.
#[derive(Clone, Debug)]
pub struct About {
    pub title: String,
    /// Where the gateway itself describes its callbacks.
    pub docs: Vec<String>,
    /// Where in the gateway's dashboard the URL goes and the secret stands.
    pub setup: String,
    /// How the gateway's API is asked for the state of a payment; empty where nobody said.
    pub poll: String,
    /// The gateway's own library that the description was compared with; empty where there is none.
    pub oracle: String,
    /// What nobody could confirm.
    pub unconfirmed: Vec<String>,
    /// The algorithms that prove callbacks.
    pub scheme: String,
    /// What their proofs protect.
    pub signed: String,
    /// How many seconds old a proof may be; `None` where proofs have no time.
    pub tolerance_seconds: Option<u32>,
    /// Whether one callback may hold several events.
    pub is_batch: bool,
    pub success: HttpReply,
    pub refusal: HttpReply,
    pub waits: Waits,
    /// Whether a gateway of this kind is configured with `secrets`.
    pub takes_secrets: bool,
    pub settings: Vec<Setting>,
}

/// Which callbacks wait for the gateway's own confirmation before they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    None,
    /// Those that depend on something which the proof leaves out.
    Some,
    All,
}

/// A setting that a kind knows.
#[derive(Clone, Debug)]
pub struct Setting {
    pub name: String,
    /// One sentence for the operator.
    pub about: String,
    /// What it takes, as `[settings.X]` says it: `text`, `path`, `paths`, …
    pub takes: &'static str,
    /// The allowed texts, where not every text is.
    pub one_of: Vec<String>,
    pub default: Option<String>,
    /// Without it a gateway of this kind does not start.
    pub is_required: bool,
}

/// What a built-in kind says of itself; `None` where there is no such kind.
#[must_use]
pub fn about(kind: &str) -> Option<About> {
    let source = KindSource::BuiltIn(kind.to_owned());
    let (name, text, _) = text_of(&source).ok()?;
    describe(name, text).ok().map(About::of)
}

impl About {
    fn of(description: Description) -> Self {
        let auths: Vec<&Auth> = description.auth.iter().map(toml::Spanned::get_ref).collect();
        let (success, refusal) = description.reply.answers();
        Self {
            scheme: distinct(auths.iter().map(|auth| scheme(auth))),
            signed: distinct(auths.iter().map(|auth| coverage::in_words(&auth.covers))),
            tolerance_seconds: auths
                .iter()
                .filter_map(|auth| auth.timestamp.as_ref())
                .map(|timestamp| timestamp.tolerance_seconds)
                .max(),
            is_batch: description.batch.is_some(),
            waits: waits(&description, &auths),
            takes_secrets: auths.iter().any(|auth| takes_secrets(auth)),
            settings: settings(&description, &auths),
            success,
            refusal,
            title: description.title,
            docs: description.docs,
            setup: description.setup,
            poll: description.poll,
            oracle: description.oracle,
            unconfirmed: description.unconfirmed,
        }
    }
}

fn distinct(words: impl Iterator<Item = String>) -> String {
    let mut known: Vec<String> = Vec::new();
    for word in words {
        if !known.contains(&word) {
            known.push(word);
        }
    }
    known.join("; ")
}

fn scheme(auth: &Auth) -> String {
    let words: Vec<&str> = auth.algorithm.0.iter().map(|algorithm| algorithm.word()).collect();
    let words = words.join(" or ");
    match (&auth.key.certificate, auth.without_secret) {
        (Some(_), _) => format!("{words} by certificate"),
        (None, true) => "without a secret: none".to_owned(),
        (None, false) => words,
    }
}

fn takes_secrets(auth: &Auth) -> bool {
    let needs_a_key = auth.algorithm.0.iter().any(|algorithm| algorithm.key_kind() != KeyKind::None);
    needs_a_key && !auth.without_secret && auth.key.setting.is_none() && auth.key.certificate.is_none()
}

fn waits(description: &Description, auths: &[&Auth]) -> Waits {
    let proves_nothing = |auth: &&Auth| auth.covers.is_empty();
    let rules = || description.event.iter().map(toml::Spanned::get_ref);
    let waits = |rule: &Rule| rule.unproven == Some(Unproven::Confirm) || rule.status == Word::Fetch;
    if auths.iter().all(proves_nothing) || (rules().next().is_some() && rules().all(waits)) {
        return Waits::All;
    }
    let some = description.uncovered == Uncovered::Confirm || rules().any(waits);
    if some || auths.iter().any(proves_nothing) { Waits::Some } else { Waits::None }
}

/// A key among the settings is required where every other way of proof needs one too.
fn settings(description: &Description, auths: &[&Auth]) -> Vec<Setting> {
    let keyless = |auth: &&Auth| auth.algorithm.0 == [Algorithm::None] || auth.without_secret;
    let keyed: Vec<&Option<String>> =
        auths.iter().filter(|auth| !keyless(auth)).map(|auth| &auth.key.setting).collect();
    let proves =
        |name: &String| !keyed.is_empty() && keyed.iter().all(|setting| setting.as_ref() == Some(name));
    let setting = |(name, declared): (&String, &Declared)| Setting {
        is_required: declared.required || (proves(name) && !auths.iter().any(keyless)),
        name: name.clone(),
        about: declared.about.clone(),
        takes: takes(declared.takes),
        one_of: declared.one_of.clone(),
        default: declared.default.clone(),
    };
    description.settings.iter().map(setting).collect()
}

fn takes(takes: Takes) -> &'static str {
    match takes {
        Takes::Text => "text",
        Takes::Path => "path",
        Takes::Paths => "paths",
        Takes::StatusMap => "status_map",
        Takes::Networks => "networks",
        Takes::Remark => "remark",
    }
}
