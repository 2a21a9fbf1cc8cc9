//! The tables as they are: columns only. What a row means is told by `row`.

#![expect(unreachable_pub, reason = "the entity derives ask for public models")]

pub(super) mod due_query;
pub(super) mod fact;
pub(super) mod transaction;
pub(super) mod update;
