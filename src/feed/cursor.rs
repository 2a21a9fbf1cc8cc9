//! Cursors: a place in the feed that can tell whether it is still the same history.

use std::{fmt, str::FromStr};

use data_encoding::BASE64URL_NOPAD;

use crate::domain::{Mark, TransactionId, Update};

/// The first byte of every cursor, so that another layout can follow.
const LAYOUT: u8 = 1;
/// Enough for the fixed part and the longest transaction id, in base64.
const MAX_TEXT_BYTES: usize = 400;

/// After which update to go on. Opaque text to clients.
///
/// A restore or a failover may hand out positions a second time. The epoch names the history, and the mark
/// knows the row that stood at the position, so that neither can be mistaken for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(super) epoch: u64,
    /// Of the last update seen. A checksum of 0 says that no row is known at the position.
    pub(super) mark: Mark,
    /// The last transaction seen of a snapshot that is still to be completed.
    pub(super) snapshot_after: Option<TransactionId>,
}

/// The text is not a cursor of this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this service; pass it on exactly as received")]
pub struct NotACursor;

impl Cursor {
    pub(super) fn at(epoch: u64, mark: Mark) -> Self {
        Self { epoch, mark, snapshot_after: None }
    }

    /// Right after this update of the same history.
    #[must_use]
    pub fn moved_after(&self, update: &Update) -> Self {
        Self::at(self.epoch, mark_of(update))
    }

    /// In the middle of a snapshot that began here and has been read up to this transaction.
    #[must_use]
    pub fn in_snapshot(&self, after: TransactionId) -> Self {
        Self { snapshot_after: Some(after), ..self.clone() }
    }

    /// The same place, the snapshot complete.
    #[must_use]
    pub fn snapshot_complete(&self) -> Self {
        Self { snapshot_after: None, ..self.clone() }
    }

    #[must_use]
    pub fn snapshot_after(&self) -> Option<&TransactionId> {
        self.snapshot_after.as_ref()
    }

    #[must_use]
    pub fn position(&self) -> u64 {
        self.mark.position
    }
}

pub(super) fn mark_of(update: &Update) -> Mark {
    let Update { position, transaction, .. } = update;
    Mark::of(*position, &transaction.registration.transaction_id, transaction.version)
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, mark: Mark { position, checksum }, snapshot_after } = self;
        let mut bytes = vec![LAYOUT];
        bytes.extend(epoch.to_be_bytes());
        bytes.extend(position.to_be_bytes());
        bytes.extend(checksum.to_be_bytes());
        bytes.extend(snapshot_after.iter().flat_map(|id| id.as_str().bytes()));
        f.write_str(&BASE64URL_NOPAD.encode(&bytes))
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(NotACursor);
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| NotACursor)?;
        read(&bytes).ok_or(NotACursor)
    }
}

fn read(bytes: &[u8]) -> Option<Cursor> {
    let (&[layout], rest) = bytes.split_first_chunk()?;
    let (&epoch, rest) = rest.split_first_chunk()?;
    let (&position, rest) = rest.split_first_chunk()?;
    let (&checksum, rest) = rest.split_first_chunk()?;
    let snapshot_after = match rest {
        [] => None,
        id => Some(std::str::from_utf8(id).ok()?.parse().ok()?),
    };
    (layout == LAYOUT).then_some(Cursor {
        epoch: u64::from_be_bytes(epoch),
        mark: Mark { position: u64::from_be_bytes(position), checksum: u32::from_be_bytes(checksum) },
        snapshot_after,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursor(position: u64, id: &str) -> Cursor {
        Cursor::at(7, Mark::of(position, &id.parse().expect("an id"), 3))
    }

    #[test]
    fn a_cursor_reads_back_from_its_text() {
        let here = cursor(42, "order-1");
        for cursor in [
            here.clone(),
            Cursor::at(u64::MAX, Mark::default()),
            here.in_snapshot("Bestellung 42/ä".parse().expect("an id")),
            here.in_snapshot("x".repeat(255).parse().expect("an id")),
        ] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        assert_eq!(here.in_snapshot("x".parse().expect("an id")).snapshot_complete(), here);
    }

    #[test]
    fn the_text_is_the_same_in_every_release() {
        assert_eq!(cursor(42, "order-1").to_string(), "AQAAAAAAAAAHAAAAAAAAACp1AelU");
        assert_ne!(cursor(42, "order-1"), cursor(42, "order-2"), "another row is another cursor");
    }

    #[test]
    fn what_is_not_a_cursor_is_refused() {
        let good = cursor(42, "order-1").to_string();
        let cut = good.get(..good.len() - 1).expect("ascii");
        let long = "A".repeat(MAX_TEXT_BYTES + 4);
        let other_layout = good.replacen("AQ", "Ag", 1);
        for bad in
            ["", "A", "!!!!", "AAAA", cut, &long, &other_layout, &format!("{good}="), &format!("{good}AA")]
        {
            assert_eq!(bad.parse::<Cursor>(), Err(NotACursor), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_each_cursor_has_one_text(text in "[A-Za-z0-9_-]{0,60}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }
}
