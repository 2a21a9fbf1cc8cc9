//! Time formats: how gateways write when something happened.

use serde::Deserialize;
use time::{
    OffsetDateTime, PrimitiveDateTime, UtcOffset,
    format_description::{OwnedFormatItem, well_known::Rfc3339},
};

use super::text_or_table::TextOrTable;

/// A longer pattern is a mistake, and its parser recurses as deep as its brackets are nested.
const MAX_PATTERN_BYTES: usize = 256;

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) enum TimeFormat {
    UnixSeconds,
    UnixMilliseconds,
    Rfc3339,
    /// A local time, and how far it is from UTC.
    Local {
        pattern: OwnedFormatItem,
        offset: UtcOffset,
    },
}

type Written = TextOrTable<String, Local>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Local {
    /// As the `time` crate writes it: `[year]-[month]-[day] [hour]:[minute]:[second]`.
    pattern: String,
    offset: String,
}

impl TimeFormat {
    /// In whole microseconds, as facts are kept, so that a state is the same before and after it was stored.
    pub(crate) fn read(&self, text: &str) -> Option<OffsetDateTime> {
        let time = match self {
            Self::Rfc3339 => OffsetDateTime::parse(text, &Rfc3339).ok(),
            Self::UnixSeconds => OffsetDateTime::from_unix_timestamp(text.parse().ok()?).ok(),
            Self::UnixMilliseconds => {
                let nanoseconds = text.parse::<i128>().ok()?.checked_mul(1_000_000)?;
                OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()
            }
            Self::Local { pattern, offset } => {
                PrimitiveDateTime::parse(text, pattern).ok().map(|time| time.assume_offset(*offset))
            }
        };
        time.map(OffsetDateTime::truncate_to_microsecond)
    }

    /// As a sender writes it.
    pub(crate) fn write(&self, time: OffsetDateTime) -> String {
        match self {
            Self::Rfc3339 => time.format(&Rfc3339).unwrap_or_default(),
            Self::UnixSeconds => time.unix_timestamp().to_string(),
            Self::UnixMilliseconds => (time.unix_timestamp_nanos() / 1_000_000).to_string(),
            Self::Local { pattern, offset } => time.to_offset(*offset).format(pattern).unwrap_or_default(),
        }
    }
}

impl TryFrom<Written> for TimeFormat {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Ok(match written {
            Written::Text(word) => match word.as_str() {
                "unix_seconds" => Self::UnixSeconds,
                "unix_milliseconds" => Self::UnixMilliseconds,
                "rfc3339" => Self::Rfc3339,
                _ => return Err(unknown(&word)),
            },
            Written::Table(Local { pattern, .. }) if pattern.len() > MAX_PATTERN_BYTES => {
                return Err(format!("a time pattern has at most {MAX_PATTERN_BYTES} bytes"));
            }
            Written::Table(Local { pattern, .. }) if !nests_right(&pattern) => {
                return Err(format!(
                    "`{pattern}` is no time pattern: only `[optional […]]` and `[first […]]` nest"
                ));
            }
            Written::Table(Local { pattern, offset }) => {
                let parsed = time::format_description::parse_owned::<2>(&pattern);
                let pattern = parsed.map_err(|error| format!("`{pattern}` is no time pattern: {error}"))?;
                let wrong = || format!("`{offset}` is no offset such as `+07:00`");
                let zone = time::macros::format_description!("[offset_hour sign:mandatory]:[offset_minute]");
                Self::Local { pattern, offset: UtcOffset::parse(&offset, zone).map_err(|_| wrong())? }
            }
        })
    }
}

/// Asked before the parser is, as it asserts (of `time` 0.3.55, in builds with assertions) that nothing else nests.
fn nests_right(pattern: &str) -> bool {
    let mut open: Vec<usize> = Vec::new();
    let mut bytes = pattern.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'[' => {
                // Every second bracket opens a component, those between them a pattern inside of one.
                let outer = open.last().filter(|_| open.len() % 2 == 1);
                let inside = outer.and_then(|start| pattern.get(*start..at)).unwrap_or("first");
                if !matches!(inside.split_ascii_whitespace().next(), Some("optional" | "first")) {
                    return false;
                }
                open.push(at + 1);
            }
            b']' => drop(open.pop()),
            _ => {}
        }
    }
    true
}

fn unknown(word: &str) -> String {
    format!(
        "unknown time format `{word}`, expected `unix_seconds`, `unix_milliseconds`, `rfc3339` or a table such as \
         {{ pattern = \"[year]-[month]-[day] [hour]:[minute]:[second]\", offset = \"+07:00\" }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_are_read_and_written_in_their_zone() {
        let format = "f = { pattern = '[year][month][day][hour][minute][second]', offset = '+07:00' }";
        let mut table: std::collections::BTreeMap<String, TimeFormat> =
            toml::from_str(format).expect("a format");
        let format = table.remove("f").expect("the format");
        let time = format.read("20240521091806").expect("a time");
        assert_eq!(time.unix_timestamp(), 1_716_257_886);
        assert_eq!(format.write(time), "20240521091806");
        assert!(format.read("2024-05-21").is_none());
    }

    #[test]
    fn only_what_may_nest_is_let_nest() {
        let check = |pattern: &str, is_right: bool| {
            let format = format!("f = {{ pattern = '{pattern}', offset = '+00:00' }}");
            let read = toml::from_str::<std::collections::BTreeMap<String, TimeFormat>>(&format);
            assert_eq!(read.is_ok(), is_right, "{pattern}: {read:?}");
        };
        check("[year][optional [.[subsecond]]]", true);
        check("[first [[year]] [[month]]]", true);
        check(r"\[[year]\]", true);
        for wrong in ["[minudocs[second]", "[minu docs [second]", "[[year]", "[[optional [year]]]", "["] {
            check(wrong, false);
        }
    }

    #[test]
    fn a_pattern_as_deep_as_a_file_is_long_is_refused() {
        let pattern = "[optional [".repeat(100_000);
        let format = format!("f = {{ pattern = '{pattern}', offset = '+00:00' }}");
        let read = toml::from_str::<std::collections::BTreeMap<String, TimeFormat>>(&format);
        let error = read.expect_err("too long").to_string();
        assert!(error.contains("at most 256 bytes"), "{error}");
    }
}
