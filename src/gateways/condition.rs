//! Conditions: plain questions about values, by which proofs, shapes and events are chosen.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer as _, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use super::{
    message::{Billionths, Message},
    pattern::Pattern,
    place::Place,
    text::{Text, Texts},
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
struct Scalar(String);

/// A number or a place to compare with.
struct Bound(Texts);

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
    type Error = String;

    fn try_from(format: ConditionFormat) -> Result<Self, Self::Error> {
        let ConditionFormat { path, eq, r#in, not_in, exists, less_than, at_least, between } = format;
        let tests = [
            ("eq", eq.map(|value| Test::In(vec![Pattern::exact(value.0)]))),
            ("in", r#in.map(|values| Test::In(patterns(values)))),
            ("not_in", not_in.map(|values| Test::NotIn(patterns(values)))),
            ("exists", exists.map(Test::Exists)),
            ("less_than", less_than.map(|bound| Test::LessThan(bound.0))),
            ("at_least", at_least.map(|bound| Test::AtLeast(bound.0))),
            ("between", between.map(|[first, last]| Test::Between(first, last))),
        ];
        let known = quoted(tests.iter().map(|(name, _)| *name));
        let mut said = tests.into_iter().filter_map(|(name, test)| Some((name, test?)));
        match (said.next(), said.next()) {
            (Some((_, test)), None) => Ok(Self { path, test }),
            (Some((one, _)), Some((other, _))) => Err(format!(
                "a condition has one test, not both `{one}` and `{other}`: expected one of {known}"
            )),
            (None, _) => Err(format!("a condition needs a test: expected one of {known}")),
        }
    }
}

fn quoted<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn patterns(values: Vec<Scalar>) -> Vec<Pattern> {
    values.into_iter().map(|value| Pattern::new(value.0)).collect()
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Plain;

        impl Visitor<'_> for Plain {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number, `true` or `false`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
        }

        deserializer.deserialize_any(Plain)
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Bound;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, a place or a list of places")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Bound, E> {
                Ok(Bound(Texts(vec![Text::of(Place::Const(number.to_string()))])))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bound, E> {
                Texts::deserialize(text.into_deserializer()).map(Bound)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Bound, A::Error> {
                Texts::deserialize(SeqAccessDeserializer::new(list)).map(Bound)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
