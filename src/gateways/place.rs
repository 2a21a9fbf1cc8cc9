//! Places: where a value stands in a callback, as descriptions write it.

use std::fmt;

use serde::Deserialize;

pub(crate) use self::path::{Path, Step};

mod path;

/// Where one value stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Place {
    /// `$.a.b[0]`: in the JSON of the event; in a batch, of its item.
    Event(Path),
    /// `root:$.a`: in the JSON of the whole body, also in a batch.
    Root(Path),
    /// `inner:$.a`: in the document that one value of the message holds, decoded as `[inner]` says.
    Inner(Path),
    /// `header:Name`, without regard to case; no value unless it stands there exactly once.
    Header(String),
    /// `form:name`: a field of the urlencoded body, decoded once; `form` is all of them, as a proof covers them.
    Form(Option<String>),
    /// `query:name`: a parameter of the query, decoded once; `query` is all of them.
    Query(Option<String>),
    /// `part:name`: the entry of this name beside the signature, where the proof is a list.
    Part(String),
    /// `setting:name`: from `[gateways.X.settings]`.
    Setting(String),
    /// `const:text`: always this.
    Const(String),
    /// `secret`: the secret that is being tried; only in a signed text.
    Secret,
    /// `body`: the exact bytes.
    Body,
    /// `path`: of the request, as the gateway sent it.
    RequestPath,
    /// `method`: of the request, in upper case.
    Method,
    /// `sum:$.a,$.b`: the decimal sum of those that are there.
    Sum(Vec<Place>),
}

const FORMS: &str = "one of `$.path`, `root:$.path`, `inner:$.path`, `header:Name`, `form:name`, `query:name`, \
                     `part:name`, `setting:name`, `const:text`, `sum:place,place`, `secret`, `body`, `path`, `method`";

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let named = |name: &str| match name {
            "" => Err(format!("`{text}` names nothing after the colon")),
            name => Ok(name.to_owned()),
        };
        if text.starts_with('$') {
            return Path::parse(&text).map(Self::Event);
        }
        let Some((kind, rest)) = text.split_once(':') else { return Self::word(&text) };
        match kind {
            "root" => Path::parse(rest).map(Self::Root),
            "inner" => Path::parse(rest).map(Self::Inner),
            "header" => named(rest).map(Self::Header),
            "form" => named(rest).map(Some).map(Self::Form),
            "query" => named(rest).map(Some).map(Self::Query),
            "part" => named(rest).map(Self::Part),
            "setting" => named(rest).map(Self::Setting),
            "const" => Ok(Self::Const(rest.to_owned())),
            "sum" => rest.split(',').map(|part| addend(part.trim())).collect::<Result<_, _>>().map(Self::Sum),
            _ => Err(unknown(&text)),
        }
    }
}

/// No sum itself: sums inside sums would be read as deep as a text is long, and add nothing.
fn addend(text: &str) -> Result<Place, String> {
    match text.starts_with("sum:") {
        true => Err("a sum must not stand in a sum".to_owned()),
        false => Place::try_from(text.to_owned()),
    }
}

fn unknown(text: &str) -> String {
    format!("`{text}` is not a place: expected {FORMS}")
}

impl Place {
    fn word(text: &str) -> Result<Self, String> {
        match text {
            "secret" => Ok(Self::Secret),
            "body" => Ok(Self::Body),
            "path" => Ok(Self::RequestPath),
            "method" => Ok(Self::Method),
            "form" => Ok(Self::Form(None)),
            "query" => Ok(Self::Query(None)),
            _ => Err(unknown(text)),
        }
    }

    /// Nobody outside can choose it.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::Const(_) | Self::Setting(_) | Self::Secret)
    }

    /// The name, where it is a header.
    pub(crate) fn header(&self) -> Option<&str> {
        match self {
            Self::Header(name) => Some(name),
            _ => None,
        }
    }

    /// What it stands for, one by one.
    pub(crate) fn parts(&self) -> &[Self] {
        match self {
            Self::Sum(parts) => parts,
            place => std::slice::from_ref(place),
        }
    }

    /// Whether a document inside the body has to be read to find it.
    pub(crate) fn needs_the_body_read(&self) -> bool {
        self.parts()
            .iter()
            .any(|part| matches!(part, Self::Event(_) | Self::Root(_) | Self::Inner(_) | Self::Form(_)))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(path) => write!(f, "{path}"),
            Self::Root(path) => write!(f, "root:{path}"),
            Self::Inner(path) => write!(f, "inner:{path}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Form(Some(name)) => write!(f, "form:{name}"),
            Self::Query(Some(name)) => write!(f, "query:{name}"),
            Self::Part(name) => write!(f, "part:{name}"),
            Self::Setting(name) => write!(f, "setting:{name}"),
            Self::Const(text) => write!(f, "const:{text}"),
            Self::Form(None) => f.write_str("form"),
            Self::Query(None) => f.write_str("query"),
            Self::Secret => f.write_str("secret"),
            Self::Body => f.write_str("body"),
            Self::RequestPath => f.write_str("path"),
            Self::Method => f.write_str("method"),
            Self::Sum(parts) => {
                let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
                write!(f, "sum:{}", parts.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_is_written() {
        for text in [
            "$.a.b[0].c",
            "$.data['key.with.dots'].x",
            "root:$.live",
            "inner:$.refunds[last].id",
            "$.links[rel=up].href",
            "$.refunds[count]",
            "header:X-Sig",
            "form:amount",
            "query:data.id",
            "const:EUR",
            "sum:$.net,$.tax",
            "body",
            "path",
            "form",
        ] {
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
            ("sum:$.a,b", "expected one of `$.path`"),
            (&"sum:".repeat(100_000), "must not stand in a sum"),
        ] {
            let error = Place::try_from(text.to_owned()).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
