//! JSON written out again, and kept beyond the text it was read from.

use std::{borrow::Cow, fmt};

use super::Json;
use crate::gateways::filter::json_quoted;

/// In the shortest form: no white space, numbers as they stood.
impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(digits) => f.write_str(digits),
            Self::Text(text) => f.write_str(&json_quoted(text)),
            Self::List(elements) => {
                f.write_str("[")?;
                for (index, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (key, value)) in members.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{value}", json_quoted(key))?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Json<'_> {
    pub(crate) fn into_owned(self) -> Json<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Number(digits) => Json::Number(owned(digits)),
            Self::Text(text) => Json::Text(owned(text)),
            Self::List(elements) => Json::List(elements.into_iter().map(Json::into_owned).collect()),
            Self::Object(members) => Json::Object(
                members.into_iter().map(|(key, value)| (owned(key), value.into_owned())).collect(),
            ),
        }
    }
}
