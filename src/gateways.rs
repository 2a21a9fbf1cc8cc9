//! Gateways: prove a callback, read it, answer it.
//!
//! A gateway kind is a description, not a program: one TOML file in `kinds/` says where the proof stands, where
//! each value stands, what each event means and what to answer. Three functions run it: [`Gateway::verify`],
//! [`Gateway::parse`], which takes only what `verify` proved, and [`Gateway::reply`].
//!
//! ```text
//! description   the file as it is written        settings    what the operator configures
//! build         description + settings = Gateway  place       `$.data.id`, `header:X`, `{a}.{b}`
//! auth          proof, signed text, keys         verify      Callback -> Verified
//! events, facts what an event means              parse       Verified -> notifications with facts
//! evidence      what is kept of a callback       sign        the same description, as a sender
//! inspect       what would this callback do?     simulate    sequences of signed callbacks
//! ```
//!
//! No I/O, no clock, no lookups: everything comes in as an argument.

mod account;
mod amount;
mod auth;
mod build;
mod card_number;
mod certificates;
mod dedupe;
mod description;
mod events;
mod evidence;
mod facts;
pub mod inspect;
mod json;
mod kinds;
mod message;
mod parse;
mod paths;
mod place;
mod reply;
mod settings;
mod sign;
pub mod simulate;
mod verify;

use std::{collections::BTreeMap, fmt};

pub use certificates::{CertificateUrl, Certificates};
pub use dedupe::dedupe_key;
pub use evidence::Kept;
pub use kinds::built_in;
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
    account: Option<account::ExpectedAccount>,
    schemes: Vec<auth::Scheme>,
    /// The body must be read before the proof can be found in it.
    proof_is_inside: bool,
    batch: Option<description::Batch>,
    paths: paths::Paths,
    amounts: amount::Amounts,
    unit: amount::Unit,
    tally: facts::Tallies,
    rules: Vec<events::Rule>,
    reply: reply::Reply,
    /// Lower case.
    kept_headers: Vec<String>,
    samples: simulate::Samples,
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

    /// Whether every proof of this kind protects what stands there.
    fn covers(&self, texts: &place::Texts) -> bool {
        self.schemes.iter().all(|scheme| texts.places().all(|place| scheme.auth.covers(place)))
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}
