//! Conditions: plain questions about values, by which proofs, shapes and events are chosen.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    message::{Billionths, Message},
    pattern::Pattern,
    place::Place,
    text::{OneOrMany, Texts},
};

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "ConditionFormat")]
pub(crate) struct Condition {
    pub(crate) path: Texts,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Exists(bool),
    In(Vec<Pattern>),
    NotIn(Vec<Pattern>),
    /// As decimals.
    LessThan(Texts),
    AtLeast(Texts),
    /// As a whole number, both ends inside.
    Between(i64, i64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionFormat {
    path: Texts,
    eq: Option<Scalar>,
    r#in: Option<Vec<Scalar>>,
    not_in: Option<Vec<Scalar>>,
    exists: Option<bool>,
    less_than: Option<Bound>,
    at_least: Option<Bound>,
    between: Option<[i64; 2]>,
}

/// JSON's `true` and `"true"` read alike, as the signed texts of gateways do.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text, a whole number or a boolean")]
enum Scalar {
    Text(String),
    Number(i64),
    Bool(bool),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a whole number, a place or a list of places")]
enum Bound {
    Number(i64),
    Texts(OneOrMany<super::text::Text>),
}

impl Condition {
    pub(crate) fn holds(&self, message: &Message<'_>) -> bool {
        let Ok(value) = message.first(&self.path) else { return matches!(self.test, Test::Exists(true)) };
        match &self.test {
            Test::Exists(expected) => value.is_some() == *expected,
            Test::In(allowed) => {
                value.is_some_and(|value| allowed.iter().any(|allowed| allowed.fits(&value)))
            }
            Test::NotIn(refused) => {
                !value.is_some_and(|value| refused.iter().any(|refused| refused.fits(&value)))
            }
            Test::LessThan(other) => {
                compare(value, other, message).is_some_and(|(value, other)| value < other)
            }
            Test::AtLeast(other) => {
                compare(value, other, message).is_some_and(|(value, other)| value >= other)
            }
            Test::Between(first, last) => {
                let number =
                    value.filter(|value| !value.starts_with('+')).and_then(|value| value.parse::<i64>().ok());
                number.is_some_and(|number| (*first..=*last).contains(&number))
            }
        }
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        let other = match &self.test {
            Test::LessThan(other) | Test::AtLeast(other) => Some(other),
            _ => None,
        };
        self.path.places().chain(other.into_iter().flat_map(Texts::places))
    }

    pub(crate) fn texts_mut(&mut self) -> impl Iterator<Item = &mut Texts> {
        let other = match &mut self.test {
            Test::LessThan(other) | Test::AtLeast(other) => Some(other),
            _ => None,
        };
        std::iter::once(&mut self.path).chain(other)
    }
}

fn compare(
    value: Option<Cow<'_, str>>,
    other: &Texts,
    message: &Message<'_>,
) -> Option<(Billionths, Billionths)> {
    let other = message.first(other).ok().flatten()?;
    Some((Billionths::read(&value?)?, Billionths::read(&other)?))
}

impl TryFrom<ConditionFormat> for Condition {
    type Error = &'static str;

    fn try_from(format: ConditionFormat) -> Result<Self, Self::Error> {
        let ConditionFormat { path, eq, r#in, not_in, exists, less_than, at_least, between } = format;
        let mut tests = Vec::new();
        tests.extend(eq.map(|value| Test::In(vec![Pattern::exact(value.into_text())])));
        tests.extend(r#in.map(|values| Test::In(patterns(values))));
        tests.extend(not_in.map(|values| Test::NotIn(patterns(values))));
        tests.extend(exists.map(Test::Exists));
        tests.extend(less_than.map(|bound| Test::LessThan(bound.into_texts())));
        tests.extend(at_least.map(|bound| Test::AtLeast(bound.into_texts())));
        tests.extend(between.map(|[first, last]| Test::Between(first, last)));
        match (tests.pop(), tests.is_empty()) {
            (Some(test), true) => Ok(Self { path, test }),
            _ => Err(
                "a condition has exactly one of `eq`, `in`, `not_in`, `exists`, `less_than`, `at_least`, `between`",
            ),
        }
    }
}

fn patterns(values: Vec<Scalar>) -> Vec<Pattern> {
    values.into_iter().map(|value| Pattern::new(value.into_text())).collect()
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
        }
    }
}

impl Bound {
    fn into_texts(self) -> Texts {
        match self {
            Self::Number(number) => Texts(vec![super::text::Text::of(Place::Const(number.to_string()))]),
            Self::Texts(texts) => Texts::from(texts),
        }
    }
}
