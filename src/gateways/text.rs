//! Texts: values made of one place, or of several with text between them.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IntoDeserializer as _, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use super::{filter::Filter, place::Place};

/// One place, or text with `{holes}` in it. `{{` and `}}` stand for the braces themselves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(pub(crate) Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Hole(Hole),
}

/// `{place // other place | filter | filter}`: the first place that has a value, through the filters in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) places: Vec<Place>,
    pub(crate) filters: Vec<Filter>,
}

/// Alternatives: the first that has a value gives it. Written as one text or as a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany<Text>")]
pub(crate) struct Texts(pub(crate) Vec<Text>);

/// Read without losing what is wrong with the one, or with one of the many.
#[derive(Clone, Debug)]
pub(crate) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl Text {
    /// Text with `{holes}`, also where it has none at all.
    pub(crate) fn template(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            literal.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else {
                let hole = from.strip_prefix('{').and_then(|from| from.split_once('}'));
                let (hole, after) =
                    hole.ok_or_else(|| format!("`{text}` has a brace without its other half"))?;
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Hole(Hole::parse(hole)?));
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self(pieces))
    }

    pub(crate) fn of(place: Place) -> Self {
        Self(vec![Piece::Hole(Hole::of(place))])
    }

    pub(crate) fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Hole(hole) => Some(hole),
            Piece::Literal(_) => None,
        })
    }

    /// The place that this is, if it is nothing but that.
    pub(crate) fn only_place(&self) -> Option<&Place> {
        match self.0.as_slice() {
            [Piece::Hole(hole)] => hole.only_place(),
            _ => None,
        }
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.holes().flat_map(Hole::places)
    }
}

impl Hole {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split(" | ");
        let places = parts.next().unwrap_or_default().split(" // ");
        let places =
            places.map(|place| Place::try_from(place.trim().to_owned())).collect::<Result<_, _>>()?;
        let filters = parts.map(|filter| Filter::parse(filter.trim())).collect::<Result<_, _>>()?;
        Ok(Self { places, filters })
    }

    pub(crate) fn of(place: Place) -> Self {
        Self { places: vec![place], filters: Vec::new() }
    }

    /// What a missing value comes to behind the filters: `""` in JSON, nothing elsewhere.
    pub(crate) fn of_nothing(&self) -> Cow<'static, [u8]> {
        let nothing = Cow::Borrowed(&b""[..]);
        let filtered = self.filters.iter().try_fold(nothing, |value, filter| filter.apply(value, None));
        filtered.unwrap_or_default()
    }

    pub(crate) fn only_place(&self) -> Option<&Place> {
        match (self.places.as_slice(), self.filters.as_slice()) {
            ([place], []) => Some(place),
            _ => None,
        }
    }

    /// Every place that is looked at, those of filters too.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().chain(self.filters.iter().filter_map(Filter::place))
    }

    /// Nobody outside can choose what stands here.
    pub(crate) fn is_ours(&self) -> bool {
        self.places().all(Place::is_ours)
    }
}

impl TryFrom<String> for Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.contains('{') {
            true => Self::template(&text),
            false => Place::try_from(text).map(Self::of),
        }
    }
}

impl Texts {
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().flat_map(Text::places)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(text.into_deserializer()).map(OneOrMany::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany::Many)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<T> OneOrMany<T> {
    pub(crate) fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

impl From<OneOrMany<Text>> for Texts {
    fn from(texts: OneOrMany<Text>) -> Self {
        Self(texts.into_vec())
    }
}

impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, place) in self.places().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{place}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_at_its_holes() {
        let text = Text::template(r#"{{"id":{$.id | json},"x":"{query:a // form:a}"}}"#).expect("a text");
        assert_eq!(text.0.len(), 5);
        assert_eq!(text.0.first(), Some(&Piece::Literal(r#"{"id":"#.to_owned())));
        assert_eq!(text.0.last(), Some(&Piece::Literal(r#""}"#.to_owned())));
        assert_eq!(text.places().map(ToString::to_string).collect::<Vec<_>>(), ["$.id", "query:a", "form:a"]);
    }

    #[test]
    fn a_wrong_text_says_what_is_wrong() {
        for (text, part) in [
            ("{$.a", "other half"),
            ("a}b", "other half"),
            ("{$.a | upside-down}", "unknown filter `upside-down`"),
            ("{x}", "not a place"),
        ] {
            let error = Text::template(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
