//! Settings: what a kind lets its operator say, and how what was said is put into the description.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    super::{
        auth::networks::Networks,
        events::Word,
        paths::Paths,
        place::Place,
        text::{Hole, Piece, Text, Texts},
    },
    fault::worded,
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
    /// The gateway cannot run without it.
    #[serde(default)]
    pub(crate) required: bool,
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
    /// Addresses and networks, added to the description's own.
    Networks,
    /// Whatever; kept for the reader of the configuration and looked at by nobody.
    Remark,
}

/// The settings of one gateway, checked against what its kind knows.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) texts: BTreeMap<String, String>,
    places: BTreeMap<String, Texts>,
    pub(crate) paths: Option<Paths>,
    pub(crate) status_map: BTreeMap<String, Word>,
    pub(crate) networks: Option<Networks>,
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
        for (name, setting) in declared {
            if setting.required && settings.text(name).is_none() {
                return Err(format!("settings.{name}: is needed ({})", setting.about));
            }
        }
        Ok(settings)
    }

    fn take(&mut self, name: &str, setting: &Declared, value: toml::Value) -> Result<(), String> {
        let wrong = |what: String| format!("settings.{name}: {what} ({})", setting.about);
        match setting.takes {
            Takes::Text => {
                let text = match value {
                    toml::Value::String(text) => text,
                    toml::Value::Integer(number) => number.to_string(),
                    toml::Value::Boolean(value) => value.to_string(),
                    _ => return Err(wrong("expected a text".to_owned())),
                };
                if !setting.one_of.is_empty() && !setting.one_of.contains(&text) {
                    return Err(wrong(format!("expected one of {}", quoted(&setting.one_of))));
                }
                self.texts.insert(name.to_owned(), text);
            }
            Takes::Path => {
                self.places.insert(name.to_owned(), read(value).map_err(wrong)?);
            }
            Takes::Paths => self.paths = Some(read(value).map_err(wrong)?),
            Takes::StatusMap => self.status_map = read(value).map_err(wrong)?,
            Takes::Networks => self.networks = Some(read(value).map_err(wrong)?),
            Takes::Remark => {}
        }
        Ok(())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// Puts the settings in where `setting:…` stands.
    pub(crate) fn put_into(&self, texts: &mut Texts) {
        let resolved = std::mem::take(&mut texts.0).into_iter().flat_map(|text| match text.only_place() {
            Some(Place::Setting(name)) => self.alternatives(name),
            _ => vec![self.filled(text)],
        });
        for text in resolved {
            let always = matches!(text.only_place(), Some(Place::Const(_)));
            texts.0.push(text);
            // What always has a value leaves nothing for the alternatives behind it.
            if always {
                break;
            }
        }
    }

    /// What a whole alternative `setting:name` comes to; nothing where it is not set.
    fn alternatives(&self, name: &str) -> Vec<Text> {
        match self.places.get(name) {
            Some(places) => places.0.clone(),
            None => self.constant(name).map(Text::of).into_iter().collect(),
        }
    }

    fn constant(&self, name: &str) -> Option<Place> {
        self.text(name).filter(|text| !text.is_empty()).map(|text| Place::Const(text.to_owned()))
    }

    pub(crate) fn filled(&self, text: Text) -> Text {
        Text(text.0.into_iter().map(|piece| self.filled_piece(piece)).collect())
    }

    fn filled_piece(&self, piece: Piece) -> Piece {
        let Piece::Hole(Hole { places, filters }) = piece else { return piece };
        let named_a_setting = places.iter().any(|place| matches!(place, Place::Setting(_)));
        let places = places.into_iter().filter_map(|place| match place {
            Place::Setting(name) => self.constant(&name),
            place => Some(place),
        });
        let mut places: Vec<Place> = places.collect();
        match (places.pop(), places.is_empty(), filters.is_empty()) {
            (None, ..) => Piece::Literal(String::new()),
            (Some(Place::Const(text)), true, true) if named_a_setting => Piece::Literal(text),
            (Some(last), ..) => {
                places.push(last);
                Piece::Hole(Hole { places, filters })
            }
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(value: toml::Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error: serde_path_to_error::Error<toml::de::Error>| {
        let what = worded(error.inner().message());
        match error.path().to_string() {
            key if key == "." => what,
            key => format!("key `{key}`: {what}"),
        }
    })
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
