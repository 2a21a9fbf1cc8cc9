//! The kinds that are built in: one description each.

use super::{
    description::{Description, Fault},
    settings::KindSource,
};

mod about;
mod coverage;

pub use about::{About, Setting, Waits, about};

/// By name, sorted; listed by `build.rs`.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/kinds.rs"));

/// The names of the built-in kinds, sorted.
pub fn built_in() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// A kind's name, the text of its description, and whether it is built in.
pub(crate) fn text_of(kind: &KindSource) -> Result<(&str, &str, bool), String> {
    match kind {
        KindSource::File { name, text } => Ok((name, text, false)),
        KindSource::BuiltIn(wanted) => {
            let found = BUILT_IN.iter().find(|(name, _)| name == wanted);
            found.map(|(name, text)| (*name, *text, true)).ok_or_else(|| {
                let known: Vec<&str> = built_in().collect();
                format!(
                    "kind: there is no `{wanted}`, expected one of {}, or `file:your-own.toml` (src/gateways/README.md says \
                     what stands in one)",
                    known.join(", ")
                )
            })
        }
    }
}

pub(crate) fn describe(name: &str, text: &str) -> Result<Description, String> {
    Description::read(text).map_err(|fault| in_file(name, text, fault))
}

/// `our-bank.toml: line 12, key …`: enough to open the file at the right place.
pub(crate) fn in_file(name: &str, text: &str, fault: Fault) -> String {
    format!("{name}: {}", fault.placed(text))
}
