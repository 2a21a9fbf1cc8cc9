//! Faults: what is wrong with a description, told by line, key and allowed values.

use std::fmt;

use toml::Spanned;

use super::whereabouts;

/// What is wrong with a description, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: Option<usize>,
    pub(crate) key: String,
    pub(crate) what: String,
}

/// How `toml::Spanned` shows up in the path of an error.
const SPAN: &str = ".$__serde_spanned_private_value";

impl Fault {
    /// Text that is no TOML at all.
    pub(super) fn of_syntax(error: &toml::de::Error, text: &str) -> Self {
        let mut fault = Self::of(error, text, String::new());
        let named = error.span().and_then(|span| text.get(span)).filter(|named| !named.contains('\n'));
        if let ("duplicate key", Some(named)) = (fault.what.as_str(), named) {
            fault.what = format!("the key `{named}` stands twice");
        }
        fault
    }

    /// TOML that does not say what a description says.
    pub(super) fn of_value(error: &serde_path_to_error::Error<toml::de::Error>, text: &str) -> Self {
        let mut fault = Self::of(error.inner(), text, error.path().to_string().replace(SPAN, ""));
        if fault.what == "expected a list, found a table" {
            let hint = match fault.key.contains('.') {
                true => ": write `[{ … }]`".to_owned(),
                false => format!(": write `[[{}]]`", fault.key),
            };
            fault.what.push_str(&hint);
        }
        fault
    }

    fn of(error: &toml::de::Error, text: &str, key: String) -> Self {
        let line = error.span().map(|span| line_of(text, span.start));
        Self { line, key, what: worded(error.message()) }
    }

    pub(crate) fn at<T>(
        spanned: &Spanned<T>,
        text: &str,
        key: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self { line: Some(line_of(text, spanned.span().start)), key: key.into(), what: what.into() }
    }

    pub(crate) fn in_key(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { line: None, key: key.into(), what: what.into() }
    }

    /// With the line and the full name of the key, as far as they can be found in the text. A place that the fault
    /// begins with is looked for below its key.
    pub(crate) fn placed(mut self, text: &str) -> Self {
        let culprit = self.what.strip_prefix('`').and_then(|rest| rest.split_once('`'));
        let culprit = culprit.map(|(place, _)| place);
        if let Some((key, at)) = whereabouts::find(text, &self.key, culprit, self.line) {
            // What serde saw is nearer than the key's own beginning.
            if self.line.is_none() || key != self.key {
                self.line = Some(line_of(text, at));
            }
            self.key = key;
        }
        self
    }
}

pub(super) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        if !self.key.is_empty() && self.key != "." {
            write!(f, "key `{}`: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// What serde says, in the words of TOML's users: they know keys, tables and lists, not fields, maps and sequences.
pub(super) fn worded(message: &str) -> String {
    let message = message.trim().replace('\n', ", ");
    if let Some((found, expected)) = type_mismatch(&message) {
        return format!("expected {}, found {}", in_toml(expected), in_toml(found));
    }
    for (theirs, ours) in [
        ("unknown field", "unknown key"),
        ("missing field", "missing key"),
        ("unknown variant", "unknown value"),
        ("wanted string or table", "expected a word in quotes"),
    ] {
        if let Some(rest) = message.strip_prefix(theirs) {
            return format!("{ours}{rest}");
        }
    }
    message
}

/// What was found, and what should be there.
fn type_mismatch(message: &str) -> Option<(&str, &str)> {
    let told = ["invalid type: ", "invalid value: ", "invalid "];
    let told = told.into_iter().find_map(|start| message.strip_prefix(start))?;
    // The text that was found may hold anything; what was expected comes last.
    told.rsplit_once(", expected ")
}

fn in_toml(theirs: &str) -> String {
    let named = |rest: &str, word: &str| format!("{word}{rest}");
    match theirs {
        "map" | "a map" => "a table".to_owned(),
        "sequence" | "a sequence" => "a list".to_owned(),
        "a string" => "a text".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "i64" => "a whole number".to_owned(),
        "u8" | "u16" | "u32" | "usize" => "a whole number, not below 0".to_owned(),
        _ => [("string ", "the text "), ("integer ", "the number "), ("floating point ", "the number ")]
            .into_iter()
            .chain([("boolean ", ""), ("an array of length ", "a list of "), ("length ", "a list of ")])
            .find_map(|(start, word)| theirs.strip_prefix(start).map(|rest| named(rest, word)))
            .unwrap_or_else(|| kind_of(theirs).to_owned()),
    }
}

/// Rust's own types have names that mean nothing to anybody else.
fn kind_of(theirs: &str) -> &str {
    match theirs.split_once(' ') {
        Some(("struct", _)) => "a table",
        Some(("enum" | "variant", _)) => "a word",
        Some(("tuple", _)) => "a text",
        _ => theirs,
    }
}
