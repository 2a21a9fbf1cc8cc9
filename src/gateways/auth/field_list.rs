//! Field lists: signed texts that are made of all fields of a message, or of those that a list names.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use super::super::{
    form::Field,
    json::Json,
    message::Message,
    place::{Path, Place, Step},
    text::Text,
    verify::Reason,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldList {
    /// Whose fields: `form`, `query`, or `json` for the scalar members of the event.
    of: Source,
    /// Left out.
    #[serde(default)]
    except: Vec<String>,
    /// A value of the message that lists the names, with commas between them. Only they are signed.
    listed_in: Option<Place>,
    /// Names that facts depend on. Where the message lists what it signs, they must be listed wherever it has them;
    /// and no decoded value may read as if one of them stood in it.
    #[serde(default)]
    guard: Vec<String>,
    /// The fields before this one; it must be the last.
    until: Option<String>,
    #[serde(default)]
    order: Order,
    #[serde(default)]
    values: Values,
    /// Fields without a value are left out.
    #[serde(default)]
    drop_empty: bool,
    /// Further fields, such as the secret's own.
    #[serde(default)]
    add: BTreeMap<String, Text>,
    #[serde(default)]
    write: Written,
    /// What stands between two fields.
    #[serde(default)]
    join: String,
    /// What follows the last field.
    then: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    Form,
    Query,
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// As in the message.
    #[default]
    Sent,
    /// By the bytes of the name.
    Sorted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Values {
    #[default]
    Decoded,
    /// Names and values still encoded, byte for byte as sent.
    Raw,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    /// `name=value`.
    #[default]
    Pairs,
    /// The values alone.
    Values,
}

/// The most names that a message may list: a stranger chooses them, and the text is written anew for each key.
const MAX_LISTED: usize = 512;

static FORM: Place = Place::Form(None);
static QUERY: Place = Place::Query(None);
static EVENT: Place = Place::Event(Path(Vec::new()));

impl FieldList {
    pub(crate) fn of(&self, message: &Message<'_>) -> Result<String, Reason> {
        let mut fields = self.chosen(message)?;
        for (name, text) in &self.add {
            let value =
                message.text(text).map_err(|_| Reason::BadSignature)?.ok_or(Reason::MissingSignature)?;
            fields.push((name.clone(), value.into_owned()));
        }
        if self.drop_empty {
            fields.retain(|(_, value)| !value.is_empty());
        }
        if self.order == Order::Sorted {
            fields.sort();
        }
        if self.hides_a_field(&fields) {
            return Err(Reason::BadSignature);
        }
        let written = fields.into_iter().map(|(name, value)| match self.write {
            Written::Pairs => format!("{name}={value}"),
            Written::Values => value,
        });
        let mut text = written.collect::<Vec<_>>().join(&self.join);
        if let Some(then) = &self.then {
            text.push_str(
                &message.text(then).map_err(|_| Reason::BadSignature)?.ok_or(Reason::MissingSignature)?,
            );
        }
        Ok(text)
    }

    fn chosen(&self, message: &Message<'_>) -> Result<Vec<(String, String)>, Reason> {
        let all = match self.of {
            Source::Form => self.pairs(message.form.ok_or(Reason::MissingSignature)?.fields())?,
            Source::Query => self.pairs(message.query.ok_or(Reason::MissingSignature)?.fields())?,
            Source::Json => scalars(message.event.ok_or(Reason::MissingSignature)?),
        };
        let listed = match &self.listed_in {
            Some(place) => Some(self.listed(place, &all, message)?),
            None => None,
        };
        let is_chosen = |name: &String| match &listed {
            Some(listed) => listed.contains(name.as_str()),
            None => !self.except.contains(name),
        };
        let chosen: Vec<_> = all.into_iter().filter(|(name, _)| is_chosen(name)).collect();
        match chosen.iter().any(|(name, _)| self.reads_like_more_than_a_name(name)) {
            true => Err(Reason::BadSignature),
            false => Ok(chosen),
        }
    }

    fn pairs<'f, 'a: 'f>(
        &self,
        fields: impl Iterator<Item = &'f Field<'a>>,
    ) -> Result<Vec<(String, String)>, Reason> {
        let mut pairs = Vec::new();
        let mut ended = false;
        for field in fields {
            // A field behind the signature would be read, but not signed.
            if ended {
                return Err(Reason::BadSignature);
            }
            ended = self.until.as_deref().is_some_and(|until| until == field.name);
            if !ended {
                pairs.push(match self.values {
                    Values::Decoded => (field.name.to_string(), field.value.to_string()),
                    Values::Raw => (field.raw_name.to_owned(), field.raw_value.to_owned()),
                });
            }
        }
        Ok(pairs)
    }

    fn listed(
        &self,
        place: &Place,
        all: &[(String, String)],
        message: &Message<'_>,
    ) -> Result<HashSet<String>, Reason> {
        let list = message.read(place).map_err(|_| Reason::BadSignature)?.ok_or(Reason::MissingSignature)?;
        if list.split(',').nth(MAX_LISTED).is_some() {
            return Err(Reason::BadSignature);
        }
        let listed: HashSet<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
        let is_there = |name: &str| all.iter().any(|(known, _)| known == name);
        let complete = self.guard.iter().all(|name| listed.contains(name) || !is_there(name));
        if complete { Ok(listed) } else { Err(Reason::BadSignature) }
    }

    /// Whether one value reads like several fields: with decoded values a signature of the one would prove the
    /// others. Only the names that facts depend on matter; all do, where none is said.
    fn hides_a_field(&self, fields: &[(String, String)]) -> bool {
        if !self.has_loose_borders() {
            return false;
        }
        let matters = |name: &str| self.guard.is_empty() || self.guard.iter().any(|known| known == name);
        fields.iter().any(|(_, value)| {
            let mut pieces = value.split(self.join.as_str()).skip(1);
            pieces.any(|piece| piece.split_once('=').is_some_and(|(name, _)| matters(name)))
        })
    }

    /// A decoded name may hold what ends names and fields, and hide a field whole.
    fn reads_like_more_than_a_name(&self, name: &str) -> bool {
        self.has_loose_borders() && (name.is_empty() || name.contains('=') || name.contains(&self.join))
    }

    /// Whether names and values may hold what stands between them.
    fn has_loose_borders(&self) -> bool {
        self.values == Values::Decoded && self.write == Written::Pairs && !self.join.is_empty()
    }

    /// Values without names or without anything between them: a digit may change sides.
    pub(crate) fn is_open(&self) -> bool {
        self.write == Written::Values || self.join.is_empty()
    }

    pub(crate) fn signs(&self, place: &Place) -> bool {
        let signs_name = |name: &Option<String>| match (&self.listed_in, name) {
            (Some(_), Some(name)) => self.guard.contains(name),
            (Some(_), None) => false,
            (None, Some(_)) => !self.leaves_out(place),
            (None, None) => true,
        };
        match (self.of, place) {
            (Source::Form, Place::Form(name)) => signs_name(name),
            (Source::Query, Place::Query(name)) => signs_name(name),
            (Source::Json, Place::Event(Path(steps))) => match steps.as_slice() {
                [Step::Member(name)] => !self.except.contains(name),
                _ => false,
            },
            _ => false,
        }
    }

    /// The fields that are left out or not guarded, as places of their own.
    pub(crate) fn leaves_out(&self, place: &Place) -> bool {
        match (self.of, place) {
            (Source::Form, Place::Form(Some(name))) | (Source::Query, Place::Query(Some(name))) => {
                let is_guarded =
                    !self.has_loose_borders() || self.guard.is_empty() || self.guard.contains(name);
                !is_guarded || self.except.contains(name) || self.until.as_ref() == Some(name)
            }
            _ => false,
        }
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        let source = match self.of {
            Source::Form => &FORM,
            Source::Query => &QUERY,
            Source::Json => &EVENT,
        };
        let texts = self.add.values().chain(&self.then).flat_map(Text::places);
        std::iter::once(source).chain(&self.listed_in).chain(texts)
    }

    pub(crate) fn texts_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        self.add.values_mut().chain(&mut self.then)
    }
}

/// Members that are objects, lists or `null` are left out.
fn scalars(event: &Json<'_>) -> Vec<(String, String)> {
    let Json::Object(members) = event else { return Vec::new() };
    let scalar = |(name, value): &(std::borrow::Cow<'_, str>, Json<'_>)| {
        let text = match value {
            Json::Text(text) | Json::Number(text) => text.to_string(),
            Json::Bool(value) => value.to_string(),
            Json::Null | Json::List(_) | Json::Object(_) => return None,
        };
        Some((name.to_string(), text))
    };
    members.iter().filter_map(scalar).collect()
}
