//! Gateways: prove a callback, read it, answer it.
//!
//! A gateway kind is a description, not a program: one TOML file in `kinds/` says where the proof stands, where
//! each value stands, what each event means and what to answer. Three functions run it: [`Gateway::verify`],
//! [`Gateway::parse`], which takes only what `verify` proved, and [`Gateway::reply`].
//!
//! ```text
//! description   the file as it is written        settings    what the operator configures
//! build         description + settings = Gateway  place, text `$.data.id`, `header:X`, `{a}.{b | lower}`
//! auth          proof, signed text, keys         verify      Callback -> Verified
//! documents     JSON, form, query, inner          message     what places are looked up in
//! rules, facts  what an event means              parse       Verified -> notifications with facts
//! evidence      what is kept of a callback       sign        the same description, as a sender
//! inspect       what would this callback do?     simulate    sequences of signed callbacks
//! kinds         the descriptions that are built in, and what they say of themselves
//! code          what no description can say      certificates  what a proof may ask for
//! ```
//!
//! No I/O, no clock, no lookups: everything comes in as an argument.

mod account;
mod amount;
mod auth;
mod build;
mod card_number;
mod certificates;
mod challenge;
mod code;
mod condition;
mod dedupe;
mod description;
mod documents;
mod events;
mod evidence;
mod facts;
mod filter;
mod form;
mod inner;
pub mod inspect;
mod json;
mod kinds;
mod message;
mod parse;
mod paths;
mod pattern;
mod place;
mod reply;
mod rules;
mod settings;
mod sign;
pub mod simulate;
mod text;
mod text_or_table;
mod time_format;
mod verify;

use std::{collections::BTreeMap, fmt};

pub use certificates::{CertificateUrl, Certificates};
pub use dedupe::dedupe_key;
pub use evidence::Kept;
pub use kinds::{About, Setting, Waits, about, built_in};
pub use parse::Unreadable;
pub use reply::{Answer, HttpReply};
pub use settings::{GatewaySettings, KindSource, Mode, Secret, SettingsError, Unregistered};
pub use sign::{Signing, SigningError};
pub use verify::{Reason, Refusal, Verified};

use crate::domain::GatewayId;

/// Every configured gateway, by its name.
#[derive(Debug)]
pub struct Gateways(BTreeMap<GatewayId, Gateway>);

/// One configured gateway: a kind's description, with this gateway's settings and keys put in.
pub struct Gateway {
    id: GatewayId,
    kind: String,
    unregistered: Unregistered,
    expects_live: Option<bool>,
    /// All of them must be ours.
    accounts: Vec<account::ExpectedAccount>,
    schemes: Vec<auth::Scheme>,
    /// The body or the query must be read before the proof can be found.
    proof_is_inside: bool,
    proof_is_in_inner: bool,
    challenge: Option<challenge::Challenge>,
    bodies: documents::Bodies,
    name_case: form::NameCase,
    inner: Option<inner::Inner>,
    inner_at: text::Texts,
    batch: Option<description::Batch>,
    amounts: amount::Amounts,
    unit: amount::Unit,
    tally: facts::Tallies,
    shapes: Vec<rules::Shaped>,
    /// The word for what no rule matches.
    otherwise: events::Word,
    weak_digest: bool,
    reply: reply::Reply,
    /// Lower case.
    kept_headers: Vec<String>,
    samples: simulate::Samples,
    /// For what is encrypted, and for signing.
    secrets: Vec<Secret>,
    setting_texts: BTreeMap<String, String>,
    /// With which `simulate` signs, where the gateway's key is its own.
    private_key: Option<String>,
}

impl Gateways {
    /// Compiles each gateway's description once, so that a callback costs no more than its own bytes.
    pub fn build(settings: Vec<GatewaySettings>) -> Result<Self, SettingsError> {
        let mut gateways = BTreeMap::new();
        for settings in settings {
            let id = settings.id.clone();
            if gateways.insert(id.clone(), Gateway::build(settings)?).is_some() {
                return Err(SettingsError::new(&id, "is configured twice"));
            }
        }
        Ok(Self(gateways))
    }

    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Gateway> {
        // The map is small and ids are checked text, so parsing the name costs less than a second index.
        self.0.get(&id.parse().ok()?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Gateway> {
        self.0.values()
    }
}

impl Gateway {
    #[must_use]
    pub fn id(&self) -> &GatewayId {
        &self.id
    }

    /// The name of its description.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    #[must_use]
    pub fn unregistered(&self) -> Unregistered {
        self.unregistered
    }

    /// Why an operator should know better than to rely on this gateway's proofs, in words for a log.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.weak_digest {
            let weak = self
                .schemes
                .iter()
                .flat_map(|scheme| &scheme.auth.algorithm.0)
                .filter(|algorithm| algorithm.is_weak());
            let words: Vec<&str> = weak.map(|algorithm| algorithm.word()).collect();
            if let Some(first) = words.first() {
                warnings.push(format!(
                    "this gateway signs with {first}, which is weak, and offers nothing better"
                ));
            }
        }
        if self.schemes.iter().any(|scheme| scheme.auth.covers.is_empty()) {
            warnings.push(
                "its callbacks prove nothing of what they say: every one waits for a confirmation".to_owned(),
            );
        }
        warnings
    }

    /// Whether the proof of this scheme protects what stands there.
    fn covers(&self, scheme: usize, texts: &text::Texts) -> bool {
        let Some(scheme) = self.schemes.get(scheme) else { return false };
        texts.places().all(|place| scheme.auth.covers(place, &self.inner_at))
    }

    /// What may open an encrypted message now.
    fn keys(&self, now: time::OffsetDateTime) -> code::Keys<'_> {
        let in_force = self.secrets.iter().filter(|secret| secret.is_in_force(now));
        code::Keys {
            secrets: in_force.map(|secret| secret.value.as_str()).collect(),
            settings: &self.setting_texts,
        }
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}
