//! A callback with its body taken apart: what places are looked up in.

use std::borrow::Cow;

use super::{
    form::Form,
    json::Json,
    place::{Path, Place, Step},
    text::{Hole, Piece, Text, Texts},
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
    /// The document inside one of its values.
    pub(crate) inner: Option<&'m Json<'m>>,
    /// The fields of a urlencoded body.
    pub(crate) form: Option<&'m Form<'m>>,
    pub(crate) query: Option<&'m Form<'m>>,
    /// The named entries that stand beside the signature.
    pub(crate) parts: &'m [(&'m str, &'m str)],
    /// The secret that is being tried.
    pub(crate) secret: Option<&'m str>,
}

/// Something stands there, but it is an object, a list or not text: guessing would be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotText;

type Read<'v> = Result<Option<Cow<'v, str>>, NotText>;

impl<'m> Message<'m> {
    pub(crate) fn bare(callback: &'m Callback) -> Self {
        Self {
            callback,
            root: None,
            event: None,
            inner: None,
            form: None,
            query: None,
            parts: &[],
            secret: None,
        }
    }

    /// The value at a place. `null`, missing and empty are all "no value".
    pub(crate) fn read<'v>(&self, place: &'v Place) -> Read<'v>
    where
        'm: 'v,
    {
        let found = match place {
            Place::Event(path) => json_text(self.event, path)?,
            Place::Root(path) => json_text(self.root, path)?,
            Place::Inner(path) => json_text(self.inner, path)?,
            Place::Header(name) => self.header(name)?.map(Cow::Borrowed),
            Place::Form(Some(name)) => self.form.and_then(|form| form.value(name)).map(Cow::Borrowed),
            Place::Query(Some(name)) => self.query.and_then(|query| query.value(name)).map(Cow::Borrowed),
            Place::Part(name) => self.part(name)?.map(Cow::Borrowed),
            Place::Const(text) => Some(Cow::Borrowed(text.as_str())),
            Place::Secret => self.secret.map(Cow::Borrowed),
            Place::Body => Some(std::str::from_utf8(&self.callback.body).map_err(|_| NotText)?.into()),
            Place::RequestPath => Some(Cow::Borrowed(self.callback.path.as_str())),
            Place::Method => Some(Cow::Borrowed(self.callback.method.as_str())),
            Place::Sum(parts) => self.sum(parts)?.map(Cow::Owned),
            // Settings are put in when the description is compiled; whole forms only say what a proof covers.
            Place::Setting(_) | Place::Form(None) | Place::Query(None) => None,
        };
        Ok(found.filter(|text| !text.is_empty()))
    }

    /// The bytes in a hole; of the body the exact ones.
    pub(crate) fn hole<'v>(&self, hole: &'v Hole) -> Result<Option<Cow<'v, [u8]>>, NotText>
    where
        'm: 'v,
    {
        let mut found = None;
        for place in &hole.places {
            found = match place {
                Place::Body => Some(Cow::Borrowed(self.callback.body.as_slice())),
                place => self.read(place)?.map(into_bytes),
            };
            if found.is_some() {
                break;
            }
        }
        let Some(mut value) = found else { return Ok(None) };
        for filter in &hole.filters {
            let looked_up = match filter.place() {
                Some(place) => self.read(place)?,
                None => None,
            };
            match filter.apply(value, looked_up.as_deref()) {
                Some(made) => value = made,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    pub(crate) fn text<'v>(&self, text: &'v Text) -> Read<'v>
    where
        'm: 'v,
    {
        if let Some(place) = text.only_place() {
            return self.read(place);
        }
        let mut joined = String::new();
        // Text in which only settings stood always has its value.
        let mut any = text.holes().next().is_none();
        for piece in &text.0 {
            match piece {
                Piece::Literal(literal) => joined.push_str(literal),
                Piece::Hole(hole) => {
                    let value = self.hole(hole)?;
                    any |= value.is_some();
                    let value = value.unwrap_or_default();
                    joined.push_str(std::str::from_utf8(&value).map_err(|_| NotText)?);
                }
            }
        }
        Ok((any && !joined.is_empty()).then_some(Cow::Owned(joined)))
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

    /// Of plain decimals, exactly; one that is none is an error.
    fn sum(&self, parts: &[Place]) -> Result<Option<String>, NotText> {
        let mut sum: Option<Billionths> = None;
        for part in parts {
            if let Some(text) = self.read(part)? {
                let part = Billionths::read(&text).ok_or(NotText)?;
                sum = Some(Billionths(sum.map_or(0, |sum| sum.0).checked_add(part.0).ok_or(NotText)?));
            }
        }
        Ok(sum.map(|sum| sum.to_string()))
    }
}

/// A plain decimal without a sign, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Billionths(i128);

impl Billionths {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 18 || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
            return None;
        }
        format!("{whole}{fraction:0<9}").parse().ok().map(Self)
    }
}

impl std::fmt::Display for Billionths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, fraction) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let fraction = format!("{fraction:09}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            fraction => write!(f, "{whole}.{fraction}"),
        }
    }
}

fn into_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

pub(crate) fn lookup<'m, 'a>(json: &'m Json<'a>, path: &Path) -> Option<&'m Json<'a>> {
    path.0.iter().try_fold(json, |value, step| match step {
        Step::Member(name) => value.member(name),
        Step::Element(index) => value.element(*index),
        Step::Last => value.elements().last(),
        Step::Where { member, value: wanted } => value
            .elements()
            .iter()
            .find(|element| matches!(element.member(member), Some(Json::Text(text)) if text == wanted)),
        Step::Count => None,
    })
}

fn json_text<'m>(json: Option<&'m Json<'_>>, path: &Path) -> Result<Option<Cow<'m, str>>, NotText> {
    if let [list @ .., Step::Count] = path.0.as_slice() {
        let list = Path(list.to_vec());
        let count = json.and_then(|json| lookup(json, &list)).map_or(0, |list| list.elements().len());
        return Ok((count > 0).then(|| Cow::Owned(count.to_string())));
    }
    match json.and_then(|json| lookup(json, path)) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text) | Json::Number(text)) => Ok(Some(Cow::Borrowed(text))),
        Some(Json::Bool(value)) => Ok(Some(Cow::Borrowed(if *value { "true" } else { "false" }))),
        Some(Json::List(_) | Json::Object(_)) => Err(NotText),
    }
}
