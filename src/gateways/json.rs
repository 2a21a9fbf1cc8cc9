//! A strict JSON reader. It borrows from the body, keeps numbers as their exact text, and refuses what two
//! readers could understand differently: duplicate keys, lone surrogates, bytes after the end.

use std::{borrow::Cow, collections::HashSet};

mod written;

/// Deeper nesting is refused: no gateway needs it, and the reader recurses.
const MAX_DEPTH: usize = 64;
/// More values are refused: a body is read before it is proven where the proof stands inside it.
const MAX_VALUES: usize = 50_000;
/// Up to here comparing each key with each is faster than hashing.
const FEW_KEYS: usize = 16;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// As it stood in the message, so that no digit is lost.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Where and why reading stopped; never what stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not readable as JSON at byte {at}: {what}")]
pub(crate) struct JsonError {
    at: usize,
    what: &'static str,
}

impl<'a> Json<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(body)
            .map_err(|error| JsonError { at: error.valid_up_to(), what: "invalid UTF-8" })?;
        let mut reader = Reader { text, at: 0, values: 0 };
        let value = reader.value(0)?;
        reader.skip_space();
        match reader.peek() {
            None => Ok(value),
            Some(_) => Err(reader.error("more after the end of the value")),
        }
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Of a list; anything else has none.
    pub(crate) fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    pub(crate) fn element(&self, index: usize) -> Option<&Self> {
        self.elements().get(index)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        self.values += 1;
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        if self.values > MAX_VALUES {
            return Err(self.error("too many values"));
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => Err(self.error("expected a value")),
            None => Err(self.error("ends where a value should stand")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        self.at += 1;
        let mut members = Vec::with_capacity(FEW_KEYS / 2);
        self.skip_space();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            let key = self.string()?;
            self.skip_space();
            self.expect(b':', "expected ':' after a key")?;
            members.push((key, self.value(depth + 1)?));
            self.skip_space();
            if self.take(b'}') {
                break;
            }
            self.expect(b',', "expected ',' or '}'")?;
        }
        if has_duplicate(&members) {
            return Err(self.error("a key stands twice in the object that ends here"));
        }
        Ok(Json::Object(members))
    }

    fn list(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        self.at += 1;
        let mut elements = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Json::List(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Json::List(elements));
            }
            self.expect(b',', "expected ',' or ']'")?;
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.expect(b'"', "expected a text in quotes")?;
        let plain = self.plain_run();
        if self.take(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return Err(self.error("a control character in a text")),
                None => return Err(self.error("ends inside a text")),
            }
            text.push_str(self.plain_run());
        }
    }

    /// Everything up to a quote, a backslash or a control character.
    fn plain_run(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length =
            rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < 0x20).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let escaped = self.peek().ok_or_else(|| self.error("ends inside an escape"))?;
        self.at += 1;
        Ok(match escaped {
            b'"' | b'\\' | b'/' => char::from(escaped),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(self.error("an unknown escape")),
        })
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let unit = self.four_hex()?;
        let code = if (0xD800..0xDC00).contains(&unit) {
            if !(self.take(b'\\') && self.take(b'u')) {
                return Err(self.error("half a surrogate pair"));
            }
            let low = self.four_hex()?;
            if !(0xDC00..0xE000).contains(&low) {
                return Err(self.error("half a surrogate pair"));
            }
            0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
        } else {
            unit
        };
        char::from_u32(code).ok_or_else(|| self.error("half a surrogate pair"))
    }

    fn four_hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| self.error("four hex digits must follow \\u"))
    }

    fn number(&mut self) -> Result<Json<'a>, JsonError> {
        let start = self.at;
        self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.error("a malformed number"));
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(self.error("a malformed number"));
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(self.error("a malformed number"));
            }
        }
        Ok(Json::Number(Cow::Borrowed(self.text.get(start..self.at).unwrap_or_default())))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, JsonError> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        if self.take(byte) { Ok(()) } else { Err(self.error(what)) }
    }

    fn error(&self, what: &'static str) -> JsonError {
        JsonError { at: self.at, what }
    }
}

fn has_duplicate(members: &[(Cow<'_, str>, Json<'_>)]) -> bool {
    let mut keys = members.iter().map(|(key, _)| key);
    if members.len() <= FEW_KEYS {
        let mut rest = keys;
        while let Some(key) = rest.next() {
            if rest.clone().any(|other| other == key) {
                return true;
            }
        }
        return false;
    }
    let mut seen = HashSet::with_capacity(members.len());
    !keys.all(|key| seen.insert(key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(body: &[u8]) -> &'static str {
        Json::read(body).expect_err("must be refused").what
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let twice = "a key stands twice in the object that ends here";
        assert_eq!(refused(br#"{"amount":1,"amount":2}"#), twice);
        assert_eq!(refused(br#"{"amount":1,"\u0061mount":2}"#), twice);
        let many: String = (0..40).map(|n| format!(r#""k{n}":0,"#)).collect();
        assert_eq!(refused(format!(r#"{{{many}"k7":1}}"#).as_bytes()), twice);
        assert_eq!(refused(b"\"\xff\""), "invalid UTF-8");
        assert_eq!(refused(br#""\ud800""#), "half a surrogate pair");
        assert_eq!(refused(br#""\udc00""#), "half a surrogate pair");
        assert_eq!(refused(br#""\ud800\u0041""#), "half a surrogate pair");
        assert_eq!(refused(b"{} {}"), "more after the end of the value");
        assert_eq!(refused("\u{feff}{}".as_bytes()), "expected a value");
        assert_eq!(refused(b""), "ends where a value should stand");
        assert_eq!(refused(b"\"a\nb\""), "a control character in a text");
        for number in ["01", "1.", "-", "1e", "+1", ".5", "0x1", "NaN"] {
            assert!(Json::read(number.as_bytes()).is_err(), "{number}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        assert_eq!(refused("[".repeat(10_000).as_bytes()), "nested too deeply");
        assert_eq!(refused(format!("[{}1]", "1,".repeat(MAX_VALUES)).as_bytes()), "too many values");
        assert!(Json::read(format!("{}{}", "[".repeat(64), "]".repeat(64)).as_bytes()).is_ok());
    }

    fn same(ours: &Json<'_>, theirs: &serde_json::Value) -> bool {
        use serde_json::Value;
        match (ours, theirs) {
            (Json::Null, Value::Null) => true,
            (Json::Bool(a), Value::Bool(b)) => a == b,
            (Json::Number(a), Value::Number(_)) => {
                serde_json::from_str::<Value>(a).ok().as_ref() == Some(theirs)
            }
            (Json::Text(a), Value::String(b)) => a == b,
            (Json::List(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Json::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, value)| b.get(&**key).is_some_and(|b| same(value, b)))
            }
            _ => false,
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(6, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes(value in any_json(), pretty: bool) {
            let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
            let text = text.expect("serialises");
            // Read again, because serde_json's own floats do not all survive the way there and back.
            let theirs = serde_json::from_slice(&text).expect("valid JSON");
            prop_assert!(same(&Json::read(&text).expect("valid JSON"), &theirs));
        }

        #[test]
        fn agrees_with_serde_json_on_nearly_valid_text(
            value in any_json(), at in any::<prop::sample::Index>(), byte: u8,
        ) {
            let mut text = serde_json::to_vec(&value).expect("serialises");
            let place = at.index(text.len());
            *text.get_mut(place).expect("inside") = byte;
            match (Json::read(&text), serde_json::from_slice::<serde_json::Value>(&text)) {
                (Ok(ours), Ok(theirs)) => prop_assert!(same(&ours, &theirs)),
                // serde_json takes the last of duplicate keys and refuses numbers beyond f64; the rest is alike.
                (Err(error), Ok(_)) => prop_assert!(error.what.contains("twice"), "{error}"),
                (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("out of range"), "{error}"),
                (Err(_), Err(_)) => {}
            }
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Json::read(&bytes);
        }
    }
}
