//! The account check: an authentic event of another merchant account must not count.

use super::{message::Message, text::Texts};
use crate::domain::Hold;

/// Where events name their account, and the one that is ours.
#[derive(Debug)]
pub(crate) struct ExpectedAccount {
    pub(crate) is: Texts,
    pub(crate) ours: String,
}

/// What each of these says of an event; there may be none.
pub(crate) fn mismatch(expected: &[ExpectedAccount], message: &Message<'_>) -> Option<Hold> {
    expected.iter().any(|account| account.is_foreign(message)).then_some(Hold::AccountMismatch)
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
