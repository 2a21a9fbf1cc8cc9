//! The text that is signed: a template over values and the body, or a list of fields.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;

use super::{
    super::{
        filter::Filter,
        message::Message,
        place::Place,
        text::{Hole, OneOrMany, Piece, Text},
        text_or_table::TextOrTable,
        verify::Reason,
    },
    field_list::FieldList,
};

/// Text with `{places}`.
///
/// Where values are joined by a separator, a value that holds the separator could be read as two, and a
/// signature of one message would prove another. So no value may hold the literal beside it, but for the one
/// named as `free`: with a single one left open, there is one way to read the text. Several neighbours may be free,
/// if none of them is claimed as covered: their borders may move, those around them cannot. Where values stand side by
/// side, their `looks` must show where the one ends, or the boundaries are `open` and nothing that the
/// text holds counts as proven.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "SignedFormat")]
pub(crate) enum SignedText {
    Template(Template),
    Fields(FieldList),
}

#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// Joined without anything between them. Of several, one whose places all have no value is left out.
    pub(crate) texts: Vec<Text>,
    free: Vec<Place>,
    looks: Vec<(Place, Look)>,
    open: bool,
}

/// What a value must look like, so that its end can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Look {
    Digits,
    /// Letters and underscores.
    Letters,
    /// `2026-01-01T10:00:00Z`, with or without a fraction.
    UtcTime,
    /// Letters, digits, `+`, `/`, `=` and line breaks.
    Base64,
    /// Anything but nothing.
    Filled,
}

type SignedFormat = TextOrTable<OneOrMany<TemplateText>, DetailedFormat>;

/// Always with `{places}`: a place alone is a text like any other here.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct TemplateText(Text);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DetailedFormat {
    text: Option<OneOrMany<TemplateText>>,
    fields: Option<FieldList>,
    free: Option<OneOrMany<Place>>,
    looks: Option<BTreeMap<String, Look>>,
    boundaries: Option<Boundaries>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Boundaries {
    Fixed,
    Open,
}

impl SignedText {
    /// The exact bytes, in pieces. Anything but a value of the event must be there.
    pub(crate) fn of<'m>(&'m self, message: &Message<'m>) -> Result<Vec<Cow<'m, [u8]>>, Reason> {
        match self {
            Self::Template(template) => template.of(message),
            Self::Fields(list) => list.of(message).map(|text| vec![Cow::Owned(text.into_bytes())]),
        }
    }

    /// Whether it says something else under each secret.
    pub(crate) fn holds_secret(&self) -> bool {
        self.places().any(|place| *place == Place::Secret)
    }

    /// Whether a value's end could be moved into its neighbour, so that none of them is proven.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Template(template) => template.open,
            Self::Fields(list) => list.is_open(),
        }
    }

    pub(crate) fn signs(&self, place: &Place) -> bool {
        match self {
            Self::Template(template) if template.moving().contains(place) => false,
            Self::Template(template) => {
                let holes = template.texts.iter().flat_map(Text::holes);
                holes.flat_map(|hole| &hole.places).any(|signed| signed == place)
            }
            Self::Fields(list) => list.signs(place),
        }
    }

    /// A value that another one may take the place of, or that is signed only in part: in a description that we
    /// have not read, neither may count as proven.
    pub(crate) fn signs_loosely(&self, place: &Place) -> bool {
        let Self::Template(template) = self else { return false };
        let mut holes = template.texts.iter().flat_map(Text::holes);
        let is_whole = |hole: &Hole| {
            hole.places.first() == Some(place) && hole.filters.iter().all(Filter::keeps_all_it_is_given)
        };
        self.signs(place) && !holes.any(is_whole)
    }

    pub(crate) fn places(&self) -> Box<dyn Iterator<Item = &Place> + '_> {
        match self {
            Self::Template(template) => Box::new(template.texts.iter().flat_map(Text::places)),
            Self::Fields(list) => Box::new(list.places()),
        }
    }

    pub(crate) fn texts_mut(&mut self) -> Box<dyn Iterator<Item = &mut Text> + '_> {
        match self {
            Self::Template(template) => Box::new(template.texts.iter_mut()),
            Self::Fields(list) => Box::new(list.texts_mut()),
        }
    }
}

impl Template {
    pub(crate) fn of<'m>(&'m self, message: &Message<'m>) -> Result<Vec<Cow<'m, [u8]>>, Reason> {
        let mut pieces = Vec::with_capacity(self.texts.iter().map(|text| text.0.len()).sum());
        for text in &self.texts {
            if self.texts.len() > 1 && self.says_nothing(text, message)? {
                continue;
            }
            for (index, piece) in text.0.iter().enumerate() {
                pieces.push(match piece {
                    Piece::Literal(literal) => Cow::Borrowed(literal.as_bytes()),
                    Piece::Hole(hole) => {
                        self.value(hole, message, [index.checked_sub(1), Some(index + 1)], text)?
                    }
                });
            }
        }
        Ok(pieces)
    }

    fn says_nothing(&self, text: &Text, message: &Message<'_>) -> Result<bool, Reason> {
        let mut any_hole = false;
        for hole in text.holes() {
            any_hole = true;
            if message.hole(hole).map_err(|_| Reason::BadSignature)?.is_some() {
                return Ok(false);
            }
        }
        Ok(any_hole)
    }

    fn value<'m>(
        &'m self,
        hole: &'m Hole,
        message: &Message<'m>,
        beside: [Option<usize>; 2],
        text: &Text,
    ) -> Result<Cow<'m, [u8]>, Reason> {
        let value = message.hole(hole).map_err(|_| Reason::BadSignature)?;
        let Some(value) = value else {
            let may_be_empty = hole.places.iter().all(|place| {
                matches!(
                    place,
                    Place::Event(_) | Place::Root(_) | Place::Inner(_) | Place::Form(_) | Place::Query(_)
                )
            });
            return if may_be_empty { Ok(hole.of_nothing()) } else { Err(Reason::MissingSignature) };
        };
        let is_body = hole.places.contains(&Place::Body);
        let wrong_look =
            self.looks.iter().any(|(place, look)| hole.places.contains(place) && !look.fits(&value));
        let literals = beside.into_iter().flatten().filter_map(|index| match text.0.get(index) {
            Some(Piece::Literal(literal)) if !literal.is_empty() => Some(literal.as_bytes()),
            _ => None,
        });
        let is_free = is_body || hole.is_ours() || self.is_free(hole);
        let ambiguous = !is_free && literals.into_iter().any(|literal| contains(&value, literal));
        if wrong_look || ambiguous { Err(Reason::BadSignature) } else { Ok(value) }
    }

    fn is_free(&self, hole: &Hole) -> bool {
        hole.places.iter().any(|place| self.free.contains(place))
    }

    /// Several free values whose borders may move.
    fn moving(&self) -> &[Place] {
        if self.free.len() > 1 { &self.free } else { &[] }
    }

    /// Whether the free values stand side by side, so that the borders around all of them are found from both ends.
    fn free_ones_are_neighbours(&self) -> bool {
        let holes: Vec<bool> =
            self.texts.iter().flat_map(Text::holes).map(|hole| self.is_free(hole)).collect();
        let starts = holes.windows(2).filter(|pair| matches!(pair, [false, true])).count();
        starts + usize::from(holes.first() == Some(&true)) <= 1
    }

    /// Neighbours whose border nothing shows.
    fn unseparated(&self) -> Option<(&Hole, &Hole)> {
        let pieces: Vec<&Piece> = self.texts.iter().flat_map(|text| &text.0).collect();
        pieces.windows(2).find_map(|pair| match pair {
            [Piece::Hole(one), Piece::Hole(other)] if !self.have_a_border(one, other) => Some((one, other)),
            _ => None,
        })
    }

    fn have_a_border(&self, one: &Hole, other: &Hole) -> bool {
        let look = |hole: &Hole| {
            self.looks.iter().find(|(place, _)| hole.places.contains(place)).map(|(_, look)| *look)
        };
        let is_body = |hole: &Hole| hole.places.contains(&Place::Body);
        let known = |hole: &Hole| hole.is_ours() || look(hole) == Some(Look::UtcTime);
        known(one)
            || known(other)
            || match (look(one), look(other)) {
                (Some(Look::Digits), Some(Look::Letters)) | (Some(Look::Letters), Some(Look::Digits)) => true,
                // A body is read as a whole, and none begins with a digit.
                (Some(Look::Digits), _) => is_body(other),
                _ => false,
            }
    }
}

impl Look {
    fn fits(self, value: &[u8]) -> bool {
        match self {
            Self::Digits => value.iter().all(u8::is_ascii_digit),
            Self::Letters => value.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_'),
            Self::Filled => !value.is_empty(),
            Self::Base64 => value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=\n".contains(byte)),
            Self::UtcTime => {
                value.ends_with(b"Z")
                    && value.iter().filter(|byte| **byte == b'Z').count() == 1
                    && value.iter().all(|byte| byte.is_ascii_digit() || b"-:.TZ".contains(byte))
            }
        }
    }
}

fn contains(value: &[u8], literal: &[u8]) -> bool {
    value.windows(literal.len()).any(|window| window == literal)
}

impl TryFrom<SignedFormat> for SignedText {
    type Error = String;

    fn try_from(format: SignedFormat) -> Result<Self, String> {
        let format = match format {
            SignedFormat::Text(text) => return template(text, DetailedFormat::default()),
            SignedFormat::Table(format) => format,
        };
        let DetailedFormat { text, fields, free, looks, boundaries } = format;
        let of_a_text =
            [("free", free.is_some()), ("looks", looks.is_some()), ("boundaries", boundaries.is_some())];
        let misplaced = of_a_text.into_iter().find_map(|(name, is_said)| is_said.then_some(name));
        match (text, fields, misplaced) {
            (Some(text), None, _) => {
                template(text, DetailedFormat { free, looks, boundaries, ..DetailedFormat::default() })
            }
            (None, Some(fields), None) => Ok(Self::Fields(fields)),
            (None, Some(_), Some(name)) => Err(format!("`{name}` goes with `text`, not with `fields`")),
            (Some(_), Some(_), _) => Err("expected either `text` or `fields`, not both".to_owned()),
            (None, None, _) => {
                Err("missing key `text` (the signed text) or `fields` (a list of fields)".to_owned())
            }
        }
    }
}

impl TryFrom<String> for TemplateText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Text::template(&text).map(Self)
    }
}

fn template(texts: OneOrMany<TemplateText>, format: DetailedFormat) -> Result<SignedText, String> {
    let texts: Vec<Text> = texts.into_vec().into_iter().map(|TemplateText(text)| text).collect();
    let DetailedFormat { free, looks, boundaries, .. } = format;
    let free = free.map(OneOrMany::into_vec).unwrap_or_default();
    let looks = looks.unwrap_or_default();
    let looks = looks.into_iter().map(|(place, look)| Ok((Place::try_from(place)?, look)));
    let looks = looks.collect::<Result<Vec<_>, String>>()?;
    let template = Template { texts, free, looks, open: boundaries == Some(Boundaries::Open) };
    if template.texts.iter().flat_map(Text::places).next().is_none() {
        return Err("the signed text holds no `{place}`, so it would prove nothing".to_owned());
    }
    if !template.free_ones_are_neighbours() {
        return Err("`free` values must stand side by side, or the borders between them are lost".to_owned());
    }
    if let Some((one, other)) = template.unseparated().filter(|_| !template.open) {
        let name = |hole: &Hole| hole.places().map(ToString::to_string).collect::<Vec<_>>().join(" // ");
        return Err(format!(
            "`{}` and `{}` without text between them could be read in two ways: say what both of them `looks` like, or \
             say `boundaries = \"open\"`, and nothing in the text counts as proven",
            name(one),
            name(other)
        ));
    }
    Ok(SignedText::Template(template))
}
