//! The text that is signed: a template over values and the body.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::{
    message::Message,
    place::{Piece, Place, Text},
    verify::Reason,
};

/// Text with `{places}`, the last of which may hold anything.
///
/// Where values are joined by a separator, a value that holds the separator could be read as two, and a
/// signature of one message would prove another. So no value may hold the literal beside it, but for the one
/// named as [`SignedText::free`]: with a single one left open, there is one way to read the text.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "SignedFormat")]
pub(crate) struct SignedText {
    pub(crate) template: Text,
    free: Option<Place>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text with `{places}` or { text = \"…\", free = \"place\" }")]
enum SignedFormat {
    Template(String),
    WithFree { text: String, free: Place },
}

impl SignedText {
    /// The exact bytes, in pieces. Anything but a value of the event must be there.
    pub(crate) fn of<'m>(&'m self, message: &Message<'m>) -> Result<Vec<Cow<'m, [u8]>>, Reason> {
        let mut pieces = Vec::with_capacity(self.template.0.len());
        for (index, piece) in self.template.0.iter().enumerate() {
            pieces.push(match piece {
                Piece::Literal(literal) => Cow::Borrowed(literal.as_bytes()),
                Piece::Hole(Place::Body) => Cow::Borrowed(message.callback.body.as_slice()),
                Piece::Hole(place) => {
                    let value = message.read(place).map_err(|_| Reason::BadSignature)?;
                    let value = match (value, place) {
                        (Some(value), _) => value,
                        (None, Place::Event(_) | Place::Root(_)) => Cow::Borrowed(""),
                        (None, _) => return Err(Reason::MissingSignature),
                    };
                    if self.is_ambiguous(index, place, &value) {
                        return Err(Reason::BadSignature);
                    }
                    as_bytes(value)
                }
            });
        }
        Ok(pieces)
    }

    fn is_ambiguous(&self, index: usize, place: &Place, value: &str) -> bool {
        if self.free.as_ref() == Some(place) {
            return false;
        }
        let literal = |index: usize| match self.template.0.get(index) {
            Some(Piece::Literal(literal)) => Some(literal.as_str()),
            _ => None,
        };
        let beside = [index.checked_sub(1).and_then(literal), literal(index + 1)];
        beside.into_iter().flatten().any(|literal| value.contains(literal))
    }

    pub(crate) fn holes(&self) -> impl Iterator<Item = &Place> {
        self.template.places()
    }
}

fn as_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

impl TryFrom<SignedFormat> for SignedText {
    type Error = String;

    fn try_from(format: SignedFormat) -> Result<Self, String> {
        let (text, free) = match format {
            SignedFormat::Template(text) => (text, None),
            SignedFormat::WithFree { text, free } => (text, Some(free)),
        };
        let template = Text::template(&text)?;
        let neighbours = |pair: &[Piece]| matches!(pair, [Piece::Hole(_), Piece::Hole(_)]);
        if template.places().next().is_none() {
            return Err("the signed text holds no `{place}`, so it would prove nothing".to_owned());
        }
        if template.0.windows(2).any(neighbours) {
            return Err("two `{places}` without text between them could be read in two ways".to_owned());
        }
        Ok(Self { template, free })
    }
}
