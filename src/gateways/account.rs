//! The account check: an authentic event of another merchant account must not count.

use super::{message::Message, text::Texts};

/// Where events name their account, and the one that is ours.
#[derive(Debug)]
pub(crate) struct ExpectedAccount {
    pub(crate) is: Texts,
    pub(crate) ours: String,
}

/// The first that an event contradicts.
pub(crate) fn foreign<'e>(
    expected: &'e [ExpectedAccount],
    message: &Message<'_>,
) -> Option<&'e ExpectedAccount> {
    expected.iter().find(|account| account.is_foreign(message))
}

impl ExpectedAccount {
    /// An event that names no account is not another account's.
    fn is_foreign(&self, message: &Message<'_>) -> bool {
        match message.first(&self.is) {
            Ok(Some(theirs)) => theirs != self.ours,
            Ok(None) => false,
            Err(_) => true,
        }
    }
}
