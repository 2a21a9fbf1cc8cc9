//! The account check: an authentic event of another merchant account must not count.

use super::{message::Message, text::Texts};

/// Where events name their account, and the one that is ours.
#[derive(Debug)]
pub(crate) struct ExpectedAccount {
    pub(crate) is: Texts,
    pub(crate) ours: String,
    /// An event that names none is not ours.
    pub(crate) always_named: bool,
}

/// The first that an event contradicts.
pub(crate) fn foreign<'e>(
    expected: &'e [ExpectedAccount],
    message: &Message<'_>,
) -> Option<&'e ExpectedAccount> {
    expected.iter().find(|account| account.is_foreign(message))
}

impl ExpectedAccount {
    /// An event that names no account is not another account's, unless only the account could tell.
    fn is_foreign(&self, message: &Message<'_>) -> bool {
        match message.first(&self.is) {
            Ok(Some(theirs)) => theirs != self.ours,
            Ok(None) => self.always_named,
            Err(_) => true,
        }
    }
}
