//! Places: where a value stands in a callback, as descriptions write it.

use std::fmt;

use serde::Deserialize;

/// Where one value stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Place {
    /// `$.a.b[0]`: in the JSON of the event; in a batch, of its item.
    Event(Path),
    /// `root:$.a`: in the JSON of the whole body, also in a batch.
    Root(Path),
    /// `header:Name`, without regard to case; no value unless it stands there exactly once.
    Header(String),
    /// `part:name`: the entry of this name beside the signature, where the proof is a list of pairs.
    Part(String),
    /// `setting:name`: from `[gateways.X.settings]`.
    Setting(String),
    /// `const:text`: always this.
    Const(String),
    /// `body`: the exact bytes.
    Body,
}

/// A path into JSON: `$`, then `.member`, `['member.with.dots']` and `[index]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Path(pub(crate) Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Member(String),
    Element(usize),
}

/// A value made of one place, or of text with `{places}` in it. A hole without a value stays empty.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(pub(crate) Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Hole(Place),
}

/// Alternatives: the first that has a value gives it. Written as one text or as a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany<Text>")]
pub(crate) struct Texts(pub(crate) Vec<Text>);

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(crate) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

const FORMS: &str =
    "one of `$.path`, `root:$.path`, `header:Name`, `part:name`, `setting:name`, `const:text`, `body`";

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let named = |name: &str| match name {
            "" => Err(format!("`{text}` names nothing after the colon")),
            name => Ok(name.to_owned()),
        };
        match text.split_once(':') {
            _ if text.starts_with('$') => Path::parse(&text).map(Self::Event),
            None if text == "body" => Ok(Self::Body),
            Some(("root", path)) => Path::parse(path).map(Self::Root),
            Some(("header", name)) => named(name).map(Self::Header),
            Some(("part", name)) => named(name).map(Self::Part),
            Some(("setting", name)) => named(name).map(Self::Setting),
            Some(("const", text)) => Ok(Self::Const(text.to_owned())),
            _ => Err(format!("`{text}` is not a place: expected {FORMS}")),
        }
    }
}

impl TryFrom<String> for Path {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl Path {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let malformed =
            || format!("`{text}` is not a path: expected `$`, then `.member`, `['member']` or `[0]`");
        let mut rest = text.strip_prefix('$').ok_or_else(malformed)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = next_step(rest).ok_or_else(malformed)?;
            steps.push(step);
            rest = after;
        }
        Ok(Self(steps))
    }

    /// Whether what stands at `other` is inside what stands here.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

fn next_step(rest: &str) -> Option<(Step, &str)> {
    if let Some(quoted) = rest.strip_prefix("['") {
        let (name, after) = quoted.split_once("']")?;
        return Some((Step::Member(name.to_owned()), after));
    }
    if let Some(bracket) = rest.strip_prefix('[') {
        let (index, after) = bracket.split_once(']')?;
        return Some((Step::Element(index.parse().ok()?), after));
    }
    let member = rest.strip_prefix('.')?;
    let end = member.find(['.', '[']).unwrap_or(member.len());
    let (name, after) = member.split_at_checked(end)?;
    (!name.is_empty()).then(|| (Step::Member(name.to_owned()), after))
}

impl Text {
    /// Text with `{places}`, also where it has no hole at all.
    pub(crate) fn template(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, hole)) = rest.split_once('{') {
            let (place, after) =
                hole.split_once('}').ok_or_else(|| format!("`{text}` has a `{{` without `}}`"))?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            pieces.push(Piece::Hole(Place::try_from(place.to_owned())?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Hole(place) => Some(place),
            Piece::Literal(_) => None,
        })
    }
}

impl TryFrom<String> for Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.contains('{') {
            return Self::template(&text);
        }
        Place::try_from(text).map(|place| Self(vec![Piece::Hole(place)]))
    }
}

impl Texts {
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().flat_map(Text::places)
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

// === how places are shown ===

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(path) => write!(f, "{path}"),
            Self::Root(path) => write!(f, "root:{path}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Part(name) => write!(f, "part:{name}"),
            Self::Setting(name) => write!(f, "setting:{name}"),
            Self::Const(text) => write!(f, "const:{text}"),
            Self::Body => f.write_str("body"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|step| match step {
            Step::Member(name) if name.contains('.') => write!(f, "['{name}']"),
            Step::Member(name) => write!(f, ".{name}"),
            Step::Element(index) => write!(f, "[{index}]"),
        })
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
    fn a_place_reads_as_it_is_written() {
        for text in
            ["$.a.b[0].c", "$.data['key.with.dots'].x", "root:$.live", "header:X-Sig", "const:EUR", "body"]
        {
            let place = Place::try_from(text.to_owned()).expect(text);
            assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn a_wrong_place_says_what_is_allowed() {
        for (text, part) in [
            ("data.id", "expected one of `$.path`"),
            ("heder:X", "expected one of `$.path`"),
            ("header:", "names nothing"),
            ("$.a..b", "not a path"),
            ("$[x]", "not a path"),
        ] {
            let error = Place::try_from(text.to_owned()).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(Text::template("{body").is_err());
    }
}
