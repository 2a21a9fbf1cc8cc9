//! Forms: urlencoded bodies and queries, parsed once, from the raw text.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// More fields are refused: no gateway needs them, and every look-up walks through them.
const MAX_FIELDS: usize = 512;

/// The fields in the order in which they were sent.
#[derive(Debug, Default)]
pub(crate) struct Form<'a>(Vec<Field<'a>>);

#[derive(Debug)]
pub(crate) struct Field<'a> {
    /// As sent, still encoded.
    pub(crate) raw_name: &'a str,
    pub(crate) raw_value: &'a str,
    /// Decoded once, as a browser does: `+` is a space. In lower case where the kind takes names in any case.
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}

/// ISO-8859-1: each byte is its letter.
pub(crate) fn latin_text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Whether the case of names tells fields apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NameCase {
    #[default]
    Exact,
    /// Names are read in lower case, and places are written so.
    AnyCase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    #[error("the form holds bytes that are not encoded")]
    Encoding,
    #[error("a field stands twice in the form")]
    Repeated,
    #[error("the form has more than {MAX_FIELDS} fields")]
    TooMany,
}

impl<'a> Form<'a> {
    /// A repeated field is an error, not the last value: two readers could take different ones.
    pub(crate) fn read(text: &'a [u8], case: NameCase) -> Result<Self, FormError> {
        let text = std::str::from_utf8(text).map_err(|_| FormError::Encoding)?;
        let mut form = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if form.0.len() == MAX_FIELDS {
                return Err(FormError::TooMany);
            }
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let mut name = decoded(raw_name);
            if case == NameCase::AnyCase && name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                name = Cow::Owned(name.to_ascii_lowercase());
            }
            form.0.push(Field { raw_name, raw_value, name, value: decoded(raw_value) });
        }
        match form.has_repeated() {
            true => Err(FormError::Repeated),
            false => Ok(form),
        }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|field| field.name == name).map(|field| &*field.value)
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field<'a>> {
        self.0.iter()
    }

    fn has_repeated(&self) -> bool {
        let mut names: Vec<&str> = self.0.iter().map(|field| &*field.name).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
    }
}

/// What is no UTF-8 was written by a gateway that still lives in ISO-8859-1.
fn decoded(raw: &str) -> Cow<'_, str> {
    if !raw.contains(['+', '%']) {
        return Cow::Borrowed(raw);
    }
    let spaced = raw.replace('+', " ");
    let bytes: Vec<u8> = percent_decode_str(&spaced).collect();
    Cow::Owned(String::from_utf8(bytes).unwrap_or_else(|error| latin_text(error.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_once_and_keep_their_raw_text() {
        let form = Form::read(b"a=x%2520y&b=1+2%2B&c&=z&d=", NameCase::Exact).expect("a form");
        let read: Vec<_> =
            form.fields().map(|field| (&*field.name, &*field.value, field.raw_value)).collect();
        assert_eq!(
            read,
            [
                ("a", "x%20y", "x%2520y"),
                ("b", "1 2+", "1+2%2B"),
                ("c", "", ""),
                ("", "z", "z"),
                ("d", "", "")
            ]
        );
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let refused = |text: &str, case| Form::read(text.as_bytes(), case).err();
        assert_eq!(refused("amount=1&amount=2", NameCase::Exact), Some(FormError::Repeated));
        assert_eq!(refused("amount=1&%61mount=2", NameCase::Exact), Some(FormError::Repeated));
        assert_eq!(refused("Amount=1&amount=2", NameCase::Exact), None);
        assert_eq!(refused("Amount=1&amount=2", NameCase::AnyCase), Some(FormError::Repeated));
        assert_eq!(Form::read(b"a=M%fcller", NameCase::Exact).expect("a form").value("a"), Some("Müller"));
        assert_eq!(Form::read(b"a=\xff", NameCase::Exact).err(), Some(FormError::Encoding));
        let many: Vec<String> = (0..=MAX_FIELDS).map(|n| format!("f{n}=1")).collect();
        assert_eq!(refused(&many.join("&"), NameCase::Exact), Some(FormError::TooMany));
    }
}
