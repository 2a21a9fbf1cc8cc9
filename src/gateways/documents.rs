//! Documents: the body and the query of one callback, each read once.

use serde::Deserialize;

use super::{
    Gateway,
    code::Keys,
    description::Batch,
    form::{Form, NameCase},
    json::Json,
    message::{Message, lookup},
    text::OneOrMany,
};
use crate::domain::Callback;

/// What a kind's bodies are.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "OneOrMany<BodyFormat>")]
pub(crate) struct Bodies(Vec<BodyFormat>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyFormat {
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Nothing in it is looked at.
    None,
}

/// Everything that places are looked up in.
#[derive(Debug, Default)]
pub(crate) struct Documents<'a> {
    pub(crate) json: Option<Json<'a>>,
    pub(crate) form: Option<Form<'a>>,
    pub(crate) query: Form<'a>,
    pub(crate) inner: Option<Json<'static>>,
}

/// The body is not what this kind sends. Says what and where, never what stood there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(String);

impl Bodies {
    pub(crate) fn has_forms(&self) -> bool {
        self.0.contains(&BodyFormat::Form)
    }

    /// Which format a body has, where a kind sends several: JSON begins with a bracket.
    fn format_of(&self, body: &[u8]) -> BodyFormat {
        let looks_like_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
        match self.0.as_slice() {
            [only] => *only,
            several if looks_like_json && several.contains(&BodyFormat::Json) => BodyFormat::Json,
            several => {
                several.iter().copied().find(|format| *format != BodyFormat::Json).unwrap_or(BodyFormat::None)
            }
        }
    }
}

impl From<OneOrMany<BodyFormat>> for Bodies {
    fn from(formats: OneOrMany<BodyFormat>) -> Self {
        Self(formats.into_vec())
    }
}

impl Default for Bodies {
    fn default() -> Self {
        Self(vec![BodyFormat::Json])
    }
}

impl<'a> Documents<'a> {
    /// All but the inner document.
    pub(crate) fn read(callback: &'a Callback, bodies: &Bodies, case: NameCase) -> Result<Self, BodyError> {
        let mut documents = Self { query: read_form(callback.query.as_bytes(), case)?, ..Self::default() };
        // A GET has no body to speak of: what it says stands in the query.
        if callback.body.is_empty() && callback.method == "GET" {
            return Ok(documents);
        }
        match bodies.format_of(&callback.body) {
            BodyFormat::Json => {
                let json = Json::read(&callback.body).map_err(|error| BodyError(error.to_string()))?;
                documents.json = Some(json);
            }
            BodyFormat::Form => documents.form = Some(read_form(&callback.body, case)?),
            BodyFormat::None => {}
        }
        Ok(documents)
    }

    /// Of the whole body, or of one event of a batch.
    pub(crate) fn message<'m>(&'m self, callback: &'m Callback, event: Option<&'m Json<'m>>) -> Message<'m> {
        Message {
            root: self.json.as_ref(),
            event,
            inner: self.inner.as_ref(),
            form: self.form.as_ref(),
            query: Some(&self.query),
            ..Message::bare(callback)
        }
    }

    /// The events of a body: itself, or each item of a batch. A form is one event without JSON.
    pub(crate) fn events(&self, batch: Option<&Batch>) -> Result<Vec<Option<&Json<'a>>>, BodyError> {
        let (Some(batch), Some(document)) = (batch, &self.json) else { return Ok(vec![self.json.as_ref()]) };
        let wrong = |what: String| BodyError(format!("{}: {what}", batch.items));
        let Some(Json::List(items)) = lookup(document, &batch.items) else {
            return Err(wrong("expected a list of events".to_owned()));
        };
        let Some(member) = &batch.member else { return Ok(items.iter().map(Some).collect()) };
        let missing = || wrong(format!("an item has no `{member}`"));
        items.iter().map(|item| item.member(member).map(Some).ok_or_else(missing)).collect()
    }
}

impl Gateway {
    /// The documents of a callback, but for the inner one where the proof does not stand in it.
    pub(crate) fn documents<'a>(
        &self,
        callback: &'a Callback,
        keys: &Keys<'_>,
    ) -> Result<Documents<'a>, BodyError> {
        let mut documents = Documents::read(callback, &self.bodies, self.name_case)?;
        if self.proof_is_in_inner {
            documents.inner = self.inner_of(callback, &documents, keys)?;
        }
        Ok(documents)
    }

    /// The inner document, if the message has one; `keys` open what is encrypted.
    pub(crate) fn inner_of(
        &self,
        callback: &Callback,
        documents: &Documents<'_>,
        keys: &Keys<'_>,
    ) -> Result<Option<Json<'static>>, BodyError> {
        let Some(inner) = &self.inner else { return Ok(None) };
        let message = documents.message(callback, documents.json.as_ref());
        inner.read(&message, keys).map_err(|error| BodyError(error.to_string()))
    }
}

fn read_form(text: &[u8], case: NameCase) -> Result<Form<'_>, BodyError> {
    Form::read(text, case).map_err(|error| BodyError(error.to_string()))
}
