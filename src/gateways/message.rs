//! A callback with its body taken apart: what places are looked up in.

use std::borrow::Cow;

use super::{
    json::Json,
    place::{Path, Piece, Place, Step, Text, Texts},
};
use crate::domain::Callback;

/// One event of a callback.
#[derive(Clone, Copy)]
pub(crate) struct Message<'m> {
    pub(crate) callback: &'m Callback,
    /// The JSON of the whole body.
    pub(crate) root: Option<&'m Json<'m>>,
    /// The JSON of this event: the root, or one item of a batch.
    pub(crate) event: Option<&'m Json<'m>>,
    /// The named entries that stand beside the signature.
    pub(crate) parts: &'m [(&'m str, &'m str)],
}

/// Something stands there, but it is an object, a list or not text: guessing would be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotText;

type Read<'v> = Result<Option<Cow<'v, str>>, NotText>;

impl<'m> Message<'m> {
    /// The value at a place. `null`, missing and empty are all "no value".
    pub(crate) fn read<'v>(&self, place: &'v Place) -> Read<'v>
    where
        'm: 'v,
    {
        let found = match place {
            Place::Event(path) => json_text(self.event, path)?,
            Place::Root(path) => json_text(self.root, path)?,
            Place::Header(name) => self.header(name)?.map(Cow::Borrowed),
            Place::Part(name) => self.part(name)?.map(Cow::Borrowed),
            Place::Const(text) => Some(Cow::Borrowed(text.as_str())),
            Place::Body => Some(std::str::from_utf8(&self.callback.body).map_err(|_| NotText)?.into()),
            // Settings are put in when the description is compiled.
            Place::Setting(_) => None,
        };
        Ok(found.filter(|text| !text.is_empty()))
    }

    pub(crate) fn text<'v>(&self, text: &'v Text) -> Read<'v>
    where
        'm: 'v,
    {
        if let [Piece::Hole(place)] = text.0.as_slice() {
            return self.read(place);
        }
        let mut joined = String::new();
        let mut any = false;
        for piece in &text.0 {
            match piece {
                Piece::Literal(literal) => joined.push_str(literal),
                Piece::Hole(place) => {
                    let value = self.read(place)?;
                    any |= value.is_some();
                    joined.push_str(value.as_deref().unwrap_or_default());
                }
            }
        }
        Ok(any.then_some(Cow::Owned(joined)))
    }

    pub(crate) fn first<'v>(&self, texts: &'v Texts) -> Read<'v>
    where
        'm: 'v,
    {
        for text in &texts.0 {
            let value = self.text(text)?;
            if value.is_some() {
                return Ok(value);
            }
        }
        Ok(None)
    }

    fn header<'v>(&self, name: &'v str) -> Result<Option<&'v str>, NotText>
    where
        'm: 'v,
    {
        let mut values = self.callback.headers_named(name);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => Err(NotText),
            (Some(value), None) => std::str::from_utf8(value).map(Some).map_err(|_| NotText),
            (None, _) => Ok(None),
        }
    }

    fn part(&self, name: &str) -> Result<Option<&'m str>, NotText> {
        let mut values = self.parts.iter().filter(|(known, _)| *known == name);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => Err(NotText),
            (value, _) => Ok(value.map(|(_, value)| *value)),
        }
    }
}

pub(crate) fn lookup<'m, 'a>(json: &'m Json<'a>, path: &Path) -> Option<&'m Json<'a>> {
    path.0.iter().try_fold(json, |value, step| match step {
        Step::Member(name) => value.member(name),
        Step::Element(index) => value.element(*index),
    })
}

fn json_text<'m>(json: Option<&'m Json<'_>>, path: &Path) -> Result<Option<Cow<'m, str>>, NotText> {
    match json.and_then(|json| lookup(json, path)) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => Ok(Some(Cow::Borrowed(text))),
        Some(Json::Number(text)) => Ok(Some(Cow::Borrowed(text))),
        Some(Json::Bool(value)) => Ok(Some(Cow::Borrowed(if *value { "true" } else { "false" }))),
        Some(Json::List(_) | Json::Object(_)) => Err(NotText),
    }
}
