//! The account check: an authentic event of another merchant account must not count.

use super::{message::Message, text::Texts};
use crate::domain::Hold;

/// Where events name their account, and the one that is ours.
#[derive(Debug)]
pub(crate) struct ExpectedAccount {
    pub(crate) is: Texts,
    pub(crate) ours: String,
}

impl ExpectedAccount {
    /// An event that names no account is not another account's.
    pub(crate) fn mismatch(&self, message: &Message<'_>) -> Option<Hold> {
        let foreign = match message.first(&self.is) {
            Ok(Some(theirs)) => theirs != self.ours,
            Ok(None) => false,
            Err(_) => true,
        };
        foreign.then_some(Hold::AccountMismatch)
    }
}
