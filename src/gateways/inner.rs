//! Inner documents: messages that stand inside one value of another, encoded or encrypted.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    code,
    condition::Condition,
    form::{Form, NameCase, latin_text},
    json::Json,
    message::Message,
    text::Texts,
};

mod xml;

/// Where the document stands and how it is unwrapped. Its values are `inner:$.path`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inner {
    /// Only messages of which all of these hold have one.
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
    /// Where it stands. A message without a value there has no inner document.
    pub(crate) at: Texts,
    /// From the outside in.
    #[serde(default)]
    pub(crate) decode: Vec<Decoding>,
    pub(crate) format: Format,
    /// Whether the names of its outermost members are told apart by case; else they are read in lower case.
    #[serde(default)]
    pub(crate) names: NameCase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Decoding {
    /// Standard or URL-safe alphabet, padding or not, line breaks passed over.
    Base64,
    Hex,
    /// WeChat Pay's encrypted resource; built in only.
    Wechatpay,
    /// Computop's encrypted form; built in only.
    Computop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    Json,
    /// `name=value` pairs joined by `&`, urlencoded; names in lower case.
    Form,
    /// The same, not encoded at all.
    PlainPairs,
    /// Elements as members; `nil="true"` is no value, an element that stands several times is a list.
    Xml,
}

/// What stands there is not what the description says. Never says what it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the inner document: {0}")]
pub(crate) struct InnerError(pub(crate) String);

impl Inner {
    /// `keys` are the secrets in force, for what is encrypted by them.
    pub(crate) fn read(
        &self,
        message: &Message<'_>,
        keys: &code::Keys<'_>,
    ) -> Result<Option<Json<'static>>, InnerError> {
        let wrong = |what: &str| InnerError(what.to_owned());
        if !self.when.iter().all(|condition| condition.holds(message)) {
            return Ok(None);
        }
        let at = message.first(&self.at).map_err(|_| wrong("expected a text"))?;
        let Some(outer) = at else { return Ok(None) };
        let mut bytes = outer.into_owned().into_bytes();
        for decoding in &self.decode {
            bytes = decoding.undo(&bytes, message, keys).ok_or_else(|| InnerError(decoding.failure()))?;
        }
        let document = self.format.read(&bytes)?;
        match self.names {
            NameCase::Exact => Ok(Some(document)),
            NameCase::AnyCase => in_lower_case(document).map(Some),
        }
    }

    pub(crate) fn names_code(&self) -> bool {
        self.decode.iter().any(|decoding| matches!(decoding, Decoding::Wechatpay | Decoding::Computop))
    }
}

impl Decoding {
    fn undo(self, bytes: &[u8], message: &Message<'_>, keys: &code::Keys<'_>) -> Option<Vec<u8>> {
        match self {
            Self::Base64 => lenient_base64(bytes),
            Self::Hex => data_encoding::HEXLOWER_PERMISSIVE.decode(bytes).ok(),
            Self::Wechatpay => code::wechatpay::decrypted(bytes, message, keys),
            Self::Computop => code::computop::decrypted(bytes, message, keys),
        }
    }

    fn failure(self) -> String {
        match self {
            Self::Base64 => "is not base64".to_owned(),
            Self::Hex => "is not hex".to_owned(),
            Self::Wechatpay | Self::Computop => "cannot be decrypted with any key in force".to_owned(),
        }
    }
}

impl Format {
    fn read(self, bytes: &[u8]) -> Result<Json<'static>, InnerError> {
        let fault = |error: &dyn std::fmt::Display| InnerError(error.to_string());
        match self {
            Self::Json => Json::read(bytes).map(Json::into_owned).map_err(|error| fault(&error)),
            Self::Form => {
                let form = Form::read(bytes, NameCase::AnyCase).map_err(|error| fault(&error))?;
                Ok(object(form.fields().map(|field| (field.name.to_string(), field.value.to_string()))))
            }
            Self::PlainPairs => {
                // Read as a form for its bounds and its refusal of repeated names; the values as they stand, in UTF-8
                // or in ISO-8859-1.
                let latin = std::str::from_utf8(bytes).is_err().then(|| latin_text(bytes));
                let bytes = latin.as_ref().map_or(bytes, String::as_bytes);
                let form = Form::read(bytes, NameCase::AnyCase).map_err(|error| fault(&error))?;
                Ok(object(
                    form.fields()
                        .map(|field| (field.raw_name.to_ascii_lowercase(), field.raw_value.to_owned())),
                ))
            }
            Self::Xml => xml::read(bytes).map_err(InnerError),
        }
    }
}

fn in_lower_case(document: Json<'static>) -> Result<Json<'static>, InnerError> {
    let Json::Object(members) = document else { return Ok(document) };
    let mut lowered: Vec<(Cow<'static, str>, Json<'static>)> = Vec::with_capacity(members.len());
    for (name, value) in members {
        lowered.push((name.to_ascii_lowercase().into(), value));
    }
    let mut names: Vec<&str> = lowered.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    match names.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        true => Err(InnerError("a member stands twice, in other letters".to_owned())),
        false => Ok(Json::Object(lowered)),
    }
}

fn object(pairs: impl Iterator<Item = (String, String)>) -> Json<'static> {
    Json::Object(pairs.map(|(name, value)| (name.into(), Json::Text(value.into()))).collect())
}

/// Either alphabet, with or without padding and line breaks.
pub(crate) fn lenient_base64(text: &[u8]) -> Option<Vec<u8>> {
    let plain: Vec<u8> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => *byte,
        })
        .collect();
    let end = plain.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    data_encoding::BASE64_NOPAD.decode(plain.get(..end)?).ok()
}
