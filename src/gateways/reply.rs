//! Replies: what a gateway must be answered.

use serde::Deserialize;

use super::{Gateway, verify::Reason};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    success: Answered,
    /// What was committed before; the same as `success` if not said.
    duplicate: Option<Answered>,
    refused: Answered,
    /// No signature at all; the same as `refused` if not said.
    unsigned: Option<Answered>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    #[serde(deserialize_with = "status")]
    status: u16,
    #[serde(default)]
    body: String,
    #[serde(default = "plain_text")]
    content_type: String,
}

/// What became of a callback, as far as its sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Committed; also a held and an unreadable one: a retry would help nobody.
    Success,
    /// Committed before.
    Duplicate,
    Refused(Reason),
}

/// An HTTP response, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Gateway {
    /// The response this gateway wants to see.
    #[must_use]
    pub fn reply(&self, answer: Answer) -> HttpReply {
        let answered = match answer {
            Answer::Success => &self.reply.success,
            Answer::Duplicate => self.reply.duplicate.as_ref().unwrap_or(&self.reply.success),
            Answer::Refused(Reason::MissingSignature) => {
                self.reply.unsigned.as_ref().unwrap_or(&self.reply.refused)
            }
            Answer::Refused(_) => &self.reply.refused,
        };
        answered.http()
    }
}

impl Answered {
    fn http(&self) -> HttpReply {
        HttpReply {
            status: self.status,
            content_type: self.content_type.clone(),
            body: self.body.clone().into_bytes(),
        }
    }
}

impl Reply {
    /// To success and to refusal, before any setting is put in.
    pub(crate) fn answers(&self) -> (HttpReply, HttpReply) {
        (self.success.http(), self.refused.http())
    }

    /// Puts in the settings that the bodies name as `{setting:name}`; any other brace stands for itself.
    pub(crate) fn filled<'s>(mut self, setting: impl Fn(&str) -> Option<&'s str>) -> Self {
        let Self { success, duplicate, refused, unsigned } = &mut self;
        for answered in
            [Some(success), duplicate.as_mut(), Some(refused), unsigned.as_mut()].into_iter().flatten()
        {
            let mut parts = answered.body.split("{setting:");
            let mut body = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let (name, rest) = part.split_once('}').unwrap_or((part, ""));
                body.push_str(setting(name).unwrap_or_default());
                body.push_str(rest);
            }
            answered.body = body;
        }
        self
    }
}

fn plain_text() -> String {
    "text/plain; charset=utf-8".to_owned()
}

fn status<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    match status {
        200..=599 => Ok(status),
        _ => Err(serde::de::Error::custom("an HTTP status is 200 to 599")),
    }
}
