//! Filters: the few ways in which a value is written anew before it is signed, compared or shown.

use std::borrow::Cow;

use data_encoding::{BASE64, HEXLOWER};
use md5::Md5;
use percent_encoding::percent_decode;
use sha2::{Digest, Sha256};

use super::{json::Json, place::Place};
use crate::domain::Currency;

/// One way. Each takes bytes and gives bytes, or nothing where they make no sense to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Lower,
    Upper,
    Trim,
    /// Percent-decoded once more; `+` stays.
    UrlDecoded,
    /// As PHP's `urlencode`: space as `+`, all but letters, digits and `-_.` as `%XX`.
    UrlEncoded,
    /// What stands after the last `/`.
    LastSegment,
    /// As a JSON text, with its quotes; slashes and letters of any script as they are.
    Json,
    /// JSON without white space between its tokens.
    MinifiedJson,
    Md5Hex,
    Sha256Hex,
    Sha256Base64,
    /// CRC-32/ISO-HDLC (zlib's) as an unsigned decimal number.
    Crc32,
    /// A decimal whose second decimal is a zero, without it: `150.00` is `150.0`, `150.26` stays.
    OneDecimal,
    /// An amount in major units with the decimals that ISO 4217 gives the currency at the place.
    Decimals(Place),
}

const NAMES: &str = "`lower`, `upper`, `trim`, `url-decoded`, `url-encoded`, `last-segment`, `json`, `minified-json`, \
                     `md5-hex`, `sha256-hex`, `sha256-base64`, `crc32`, `one-decimal`, `decimals(place)`";

impl Filter {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(place) = text.strip_prefix("decimals(").and_then(|rest| rest.strip_suffix(')')) {
            return Place::try_from(place.to_owned()).map(Self::Decimals);
        }
        match text {
            "lower" => Ok(Self::Lower),
            "upper" => Ok(Self::Upper),
            "trim" => Ok(Self::Trim),
            "url-decoded" => Ok(Self::UrlDecoded),
            "url-encoded" => Ok(Self::UrlEncoded),
            "last-segment" => Ok(Self::LastSegment),
            "json" => Ok(Self::Json),
            "minified-json" => Ok(Self::MinifiedJson),
            "md5-hex" => Ok(Self::Md5Hex),
            "sha256-hex" => Ok(Self::Sha256Hex),
            "sha256-base64" => Ok(Self::Sha256Base64),
            "crc32" => Ok(Self::Crc32),
            "one-decimal" => Ok(Self::OneDecimal),
            _ => Err(format!("unknown filter `{text}`, expected one of {NAMES}")),
        }
    }

    /// Whether no two values come out as one, but for forms of the same value.
    pub(crate) fn keeps_all_it_is_given(&self) -> bool {
        match self {
            Self::Json
            | Self::UrlEncoded
            | Self::MinifiedJson
            | Self::OneDecimal
            | Self::Decimals(_)
            | Self::Sha256Hex
            | Self::Sha256Base64 => true,
            Self::Lower | Self::Upper | Self::Trim | Self::UrlDecoded => false,
            Self::LastSegment | Self::Crc32 | Self::Md5Hex => false,
        }
    }

    /// Where the filter itself looks something up.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Self::Decimals(place) => Some(place),
            _ => None,
        }
    }

    /// `looked_up` is the value at [`Self::place`].
    pub(crate) fn apply<'v>(&self, value: Cow<'v, [u8]>, looked_up: Option<&str>) -> Option<Cow<'v, [u8]>> {
        let text = |text: String| Some(Cow::Owned(text.into_bytes()));
        match self {
            Self::Lower => Some(Cow::Owned(value.to_ascii_lowercase())),
            Self::Upper => Some(Cow::Owned(value.to_ascii_uppercase())),
            Self::Trim => Some(Cow::Owned(value.trim_ascii().to_vec())),
            Self::UrlDecoded => Some(Cow::Owned(percent_decode(&value).collect())),
            Self::UrlEncoded => text(php_encoded(&value)),
            Self::LastSegment => {
                let text = std::str::from_utf8(&value).ok()?;
                let segment = text.rsplit('/').next().filter(|segment| !segment.is_empty())?;
                Some(Cow::Owned(segment.as_bytes().to_vec()))
            }
            Self::Json => text(json_quoted(std::str::from_utf8(&value).ok()?)),
            Self::MinifiedJson => text(Json::read(&value).ok()?.to_string()),
            Self::Md5Hex => text(HEXLOWER.encode(&Md5::digest(&value))),
            Self::Sha256Hex => text(HEXLOWER.encode(&Sha256::digest(&value))),
            Self::Sha256Base64 => text(BASE64.encode(&Sha256::digest(&value))),
            Self::Crc32 => text(crc32fast::hash(&value).to_string()),
            Self::OneDecimal => text(one_decimal(std::str::from_utf8(&value).ok()?).to_owned()),
            Self::Decimals(_) => text(with_decimals(std::str::from_utf8(&value).ok()?, looked_up?)?),
        }
    }
}

pub(crate) fn php_encoded(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// As `serde_json` and PHP (with its flags for slashes and Unicode) write it.
pub(crate) fn json_quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn one_decimal(amount: &str) -> &str {
    match amount.rsplit_once('.') {
        Some((_, fraction)) if fraction.len() == 2 => amount.strip_suffix('0').unwrap_or(amount),
        _ => amount,
    }
}

/// `1.5` in KWD is `1.500`; what has more decimals than the currency is left as it is.
fn with_decimals(amount: &str, currency: &str) -> Option<String> {
    let decimals = usize::from(Currency::parse(currency).ok()?.exponent());
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    Some(match decimals {
        0 if fraction.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        decimals => format!("{whole}.{fraction:0<decimals$}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: &str, value: &str, expected: &str) {
        let filter = Filter::parse(filter).expect("a filter");
        let made = filter.apply(Cow::Borrowed(value.as_bytes()), Some("KWD")).expect("a value");
        assert_eq!(std::str::from_utf8(&made), Ok(expected), "{filter:?} of {value}");
    }

    #[test]
    fn values_are_written_as_the_gateways_write_them() {
        check("lower", "AbÄ", "abÄ");
        check("trim", " 05 \n", "05");
        check("url-decoded", "22%2F10%2F2021+x", "22/10/2021+x");
        check("url-encoded", "a b~*ü", "a+b%7E%2A%C3%BC");
        check("last-segment", "https://api/v2/captures/3C67", "3C67");
        check("json", "a\"/ü\n", "\"a\\\"/ü\\n\"");
        check("minified-json", "{ \"a\" : [1.50, \"x y\"] }", "{\"a\":[1.50,\"x y\"]}");
        check("md5-hex", "", "d41d8cd98f00b204e9800998ecf8427e");
        check("sha256-base64", "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        check("crc32", "123456789", "3421780262");
        check("one-decimal", "150.00", "150.0");
        check("one-decimal", "150.26", "150.26");
        check("one-decimal", "150", "150");
        check("decimals($.currency)", "1.5", "1.500");
        check("decimals($.currency)", "2", "2.000");
    }
}
