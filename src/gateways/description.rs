//! The description of a gateway kind, as its TOML file says it.
//!
//! Reading it refuses unknown keys and names the line. What only makes sense together (a fact from a value that
//! the proof does not cover, a setting that nobody declared) is checked when a gateway is built from it.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{
    amount::Amounts,
    auth::Auth,
    challenge::Challenge,
    documents::Bodies,
    events::{Rule, Word},
    facts::Tallies,
    form::NameCase,
    inner::Inner,
    paths::Paths,
    place,
    reply::Reply,
    rules::Shape,
    simulate::Samples,
    text::Texts,
};

mod fault;
pub(crate) mod settings;
mod whereabouts;

pub(crate) use fault::Fault;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    /// The gateway's name, for people.
    pub(crate) title: String,
    /// Where the gateway itself describes its callbacks.
    #[serde(default)]
    pub(crate) docs: Vec<String>,
    /// Where in the gateway's dashboard the URL goes and the secret comes from.
    #[serde(default)]
    pub(crate) setup: String,
    /// How the gateway can be asked for the state of a payment.
    #[serde(default)]
    pub(crate) poll: String,
    /// The library of the gateway's own that this was compared with.
    #[serde(default)]
    pub(crate) oracle: String,
    /// What is not sure: read nowhere of the gateway's own, or not tried against it.
    #[serde(default)]
    pub(crate) unconfirmed: Vec<String>,
    /// What the gateway offers nothing better than, where it signs with a weak digest.
    #[serde(default)]
    pub(crate) weak_digest: bool,
    /// Whether events may look at values that the proof does not cover: their facts wait for a confirmation then.
    #[serde(default)]
    pub(crate) uncovered: Uncovered,
    /// The word for an event that no rule matches.
    #[serde(default = "ignore")]
    pub(crate) otherwise: Word,
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, settings::Declared>,
    pub(crate) auth: Vec<Spanned<Auth>>,
    #[serde(default)]
    pub(crate) body: Bodies,
    /// Whether the names of form fields are told apart by case.
    #[serde(default)]
    pub(crate) form_names: NameCase,
    pub(crate) inner: Option<Inner>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) batch: Option<Batch>,
    pub(crate) account: Option<Account>,
    #[serde(default)]
    pub(crate) paths: Paths,
    /// What some messages of this kind look like instead.
    #[serde(default)]
    pub(crate) shape: Vec<Shape>,
    #[serde(default)]
    pub(crate) amount: Amounts,
    /// How the amounts of each kind of operation add up.
    #[serde(default)]
    pub(crate) tally: Tallies,
    #[serde(default)]
    pub(crate) event: Vec<Spanned<Rule>>,
    pub(crate) reply: Reply,
    #[serde(default)]
    pub(crate) simulate: Samples,
}

/// What to do with an event that looks at what the proof leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Uncovered {
    /// The description is wrong: each such event must say so itself.
    #[default]
    Refuse,
    /// Its facts raise `CONFIRMATION_REQUIRED` and do not count.
    Confirm,
}

fn ignore() -> Word {
    Word::Ignore
}

/// One callback holds a list of events.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    /// Where the list stands in the body.
    pub(crate) items: place::Path,
    /// The member of each item that holds the event.
    pub(crate) member: Option<String>,
}

/// Which merchant account an event is about, and which one it must be about.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    pub(crate) is: Texts,
    /// Used where the gateway's configuration names no `account`.
    #[serde(default)]
    pub(crate) must_be: Texts,
    /// The gateway signs for all its customers with one key, so that only the account tells whose an event is.
    #[serde(default)]
    pub(crate) shared_key: bool,
    /// Further values that must be ours too.
    #[serde(default)]
    pub(crate) also: Vec<AlsoOurs>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlsoOurs {
    pub(crate) is: Texts,
    pub(crate) must_be: Texts,
}

impl Account {
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Texts> {
        let also = self.also.iter().flat_map(|AlsoOurs { is, must_be }| [is, must_be]);
        [&self.is, &self.must_be].into_iter().chain(also)
    }
}

impl Description {
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let reader = toml::Deserializer::parse(text).map_err(|error| Fault::of_syntax(&error, text))?;
        serde_path_to_error::deserialize(reader).map_err(|error| Fault::of_value(&error, text))
    }
}
