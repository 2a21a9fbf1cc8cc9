//! Pages of lists: how many, and after what. A token is opaque text that fits the list it was made for alone.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

use super::fields::Fields;

const DEFAULT_SIZE: i32 = 100;
const MAX_SIZE: i32 = 1000;

/// Which list a token belongs to: 8 bytes of a digest over what selects its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List([u8; 8]);

impl List {
    pub(super) fn of(selection: &[u8]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(selection));
        Self([a, b, c, d, e, f, g, h])
    }

    /// The token of the page after the row with this key.
    pub(super) fn token(self, last_key: &str) -> String {
        BASE64URL_NOPAD.encode(&[&self.0, last_key.as_bytes()].concat())
    }

    /// The key in a token of this list. `None` for a first page, and for a token that is refused.
    pub(super) fn after(self, fields: &mut Fields, token: &str) -> Option<String> {
        if token.is_empty() {
            return None;
        }
        let key = BASE64URL_NOPAD.decode(token.as_bytes()).ok().and_then(|bytes| self.key(&bytes));
        fields.require(key.is_some(), "page_token", "is not of this list; ask again with the same filter");
        key
    }

    fn key(self, bytes: &[u8]) -> Option<String> {
        let (list, key) = bytes.split_first_chunk()?;
        let key = String::from_utf8(key.to_vec()).ok()?;
        (*list == self.0).then_some(key)
    }
}

/// 0 is the default, and too many is the maximum.
pub(super) fn size(fields: &mut Fields, page_size: i32) -> usize {
    fields.require(page_size >= 0, "page_size", "must not be negative");
    let size = if page_size == 0 { DEFAULT_SIZE } else { page_size.min(MAX_SIZE) };
    usize::try_from(size).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::error::Failure;

    fn read(list: List, token: &str) -> Result<Option<String>, Failure> {
        let mut fields = Fields::default();
        let key = list.after(&mut fields, token);
        fields.finish(Some(key))
    }

    #[test]
    fn a_token_goes_on_where_it_was_given_and_nowhere_else() {
        let list = List::of(b"paid ones");
        let token = list.token("order/42-ä");
        assert_eq!(read(list, &token).expect("its own list"), Some("order/42-ä".to_owned()));
        assert_eq!(read(list, "").expect("the first page"), None);
        for bad in [List::of(b"failed ones").token("order/42-ä").as_str(), "AAAA", "?", &token[1..]] {
            assert!(read(list, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_has_a_size_whatever_is_asked() {
        for (asked, given) in [(0, 100), (1, 1), (1000, 1000), (i32::MAX, 1000)] {
            let mut fields = Fields::default();
            assert_eq!(size(&mut fields, asked), given);
            assert!(fields.finish(Some(())).is_ok());
        }
        let mut fields = Fields::default();
        size(&mut fields, -1);
        assert!(fields.finish(Some(())).is_err());
    }
}
