//! Timestamps: when a proof was made, and how old it may be.

use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::super::{message::Message, place::Place, verify::Reason};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timestamp {
    pub(crate) at: Place,
    pub(crate) unit: TimestampUnit,
    /// How far from now it may be, in the past or the future.
    pub(crate) tolerance_seconds: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TimestampUnit {
    Seconds,
    Milliseconds,
    /// Ten digits or thirteen: the gateway sends both.
    SecondsOrMilliseconds,
    Rfc3339,
}

impl Timestamp {
    /// To be asked after the signature, so that "too old" is only ever said of an authentic callback.
    pub(crate) fn check(&self, message: &Message<'_>, now: OffsetDateTime) -> Result<(), Reason> {
        let text = message.read(&self.at).ok().flatten().ok_or(Reason::MissingSignature)?;
        let sent = self.unit.seconds(&text).ok_or(Reason::BadSignature)?;
        let age = now.unix_timestamp().saturating_sub(sent);
        let tolerance = i64::from(self.tolerance_seconds);
        match age {
            _ if age > tolerance => Err(Reason::TimestampTooOld),
            _ if age < -tolerance => Err(Reason::TimestampInFuture),
            _ => Ok(()),
        }
    }
}

impl TimestampUnit {
    fn seconds(self, text: &str) -> Option<i64> {
        match self {
            Self::Seconds => text.parse().ok(),
            Self::Milliseconds => Some(text.parse::<i64>().ok()?.div_euclid(1000)),
            Self::SecondsOrMilliseconds if text.len() >= 13 => Self::Milliseconds.seconds(text),
            Self::SecondsOrMilliseconds => Self::Seconds.seconds(text),
            Self::Rfc3339 => OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp),
        }
    }

    /// As a sender writes it.
    pub(crate) fn write(self, now: OffsetDateTime) -> String {
        match self {
            Self::Milliseconds => (now.unix_timestamp_nanos() / 1_000_000).to_string(),
            Self::Seconds | Self::SecondsOrMilliseconds => now.unix_timestamp().to_string(),
            Self::Rfc3339 => {
                let whole = now.replace_nanosecond(0).unwrap_or(now).to_offset(time::UtcOffset::UTC);
                whole.format(&Rfc3339).unwrap_or_default()
            }
        }
    }
}
