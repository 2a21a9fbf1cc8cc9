//! Patterns: a text, or its beginning or end with `*` for the rest.

use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum Pattern {
    Exact(String),
    /// `payment.*`
    Begins(String),
    /// `*DEMO`
    Ends(String),
}

impl Pattern {
    pub(crate) fn new(text: String) -> Self {
        match (text.strip_suffix('*'), text.strip_prefix('*')) {
            (Some(start), _) => Self::Begins(start.to_owned()),
            (None, Some(end)) => Self::Ends(end.to_owned()),
            (None, None) => Self::Exact(text),
        }
    }

    pub(crate) fn exact(text: String) -> Self {
        Self::Exact(text)
    }

    pub(crate) fn fits(&self, value: &str) -> bool {
        match self {
            Self::Exact(text) => text == value,
            Self::Begins(start) => value.starts_with(start),
            Self::Ends(end) => value.ends_with(end),
        }
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}
