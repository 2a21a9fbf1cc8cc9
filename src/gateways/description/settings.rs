//! Settings: what a kind lets its operator say, and how what was said is put into the description.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::{
    events::Word,
    paths::Paths,
    place::{Piece, Place, Text, Texts},
};

/// One setting that a kind knows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declared {
    /// One sentence for the operator.
    pub(crate) about: String,
    #[serde(default)]
    pub(crate) takes: Takes,
    /// The allowed values, where not every text is.
    #[serde(default)]
    pub(crate) one_of: Vec<String>,
    pub(crate) default: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Takes {
    #[default]
    Text,
    /// A place, or a list of them.
    Path,
    /// A table of places that replaces single entries of `[paths]`.
    Paths,
    /// A table from event type to status word, added to the description's events.
    StatusMap,
}

/// The settings of one gateway, checked against what its kind knows.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    texts: BTreeMap<String, String>,
    places: BTreeMap<String, Texts>,
    pub(crate) paths: Option<Paths>,
    pub(crate) status_map: BTreeMap<String, Word>,
}

impl Settings {
    pub(crate) fn read(declared: &BTreeMap<String, Declared>, given: toml::Table) -> Result<Self, String> {
        let mut settings = Self::default();
        for (name, setting) in declared {
            if let Some(default) = &setting.default {
                settings.take(name, setting, toml::Value::String(default.clone()))?;
            }
        }
        for (name, value) in given {
            let setting = declared.get(&name).ok_or_else(|| unknown(&name, declared))?;
            settings.take(&name, setting, value)?;
        }
        Ok(settings)
    }

    fn take(&mut self, name: &str, setting: &Declared, value: toml::Value) -> Result<(), String> {
        let wrong = |what: String| format!("settings.{name}: {what} ({})", setting.about);
        match setting.takes {
            Takes::Text => {
                let text: String = value.try_into().map_err(|_| wrong("expected a text".to_owned()))?;
                if !setting.one_of.is_empty() && !setting.one_of.contains(&text) {
                    return Err(wrong(format!("expected one of {}", quoted(&setting.one_of))));
                }
                self.texts.insert(name.to_owned(), text);
            }
            Takes::Path => {
                let texts: Texts =
                    value.try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
                self.places.insert(name.to_owned(), texts);
            }
            Takes::Paths => {
                let paths =
                    value.try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
                self.paths = Some(paths);
            }
            Takes::StatusMap => {
                self.status_map =
                    value.try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
            }
        }
        Ok(())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// Puts the settings in where `setting:…` stands.
    pub(crate) fn put_into(&self, texts: &mut Texts) {
        let resolved = std::mem::take(&mut texts.0).into_iter().flat_map(|text| match text.0.as_slice() {
            [Piece::Hole(Place::Setting(name))] => self.alternatives(name),
            _ => vec![self.filled(text)],
        });
        texts.0 = resolved.collect();
    }

    /// What a whole alternative `setting:name` comes to; nothing where it is not set.
    fn alternatives(&self, name: &str) -> Vec<Text> {
        let constant = |text: &str| Text(vec![Piece::Hole(Place::Const(text.to_owned()))]);
        match self.places.get(name) {
            Some(places) => places.0.clone(),
            None => self.text(name).map(constant).into_iter().collect(),
        }
    }

    pub(crate) fn filled(&self, text: Text) -> Text {
        let fill = |piece| match piece {
            Piece::Hole(Place::Setting(name)) => {
                Piece::Literal(self.text(&name).unwrap_or_default().to_owned())
            }
            piece => piece,
        };
        Text(text.0.into_iter().map(fill).collect())
    }
}

fn unknown(name: &str, declared: &BTreeMap<String, Declared>) -> String {
    match declared.is_empty() {
        true => format!("settings.{name}: this kind has no settings"),
        false => format!("settings.{name}: unknown setting, expected one of {}", quoted(declared.keys())),
    }
}

fn quoted<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
