//! What a gateway must be asked about, because its callbacks alone do not prove what they say.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    entity::due_query::{Column, Entity},
    error, row,
};
use crate::domain::{CallbackId, Confirm, GatewayId};

/// One question to a gateway, however many callbacks asked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueQuery {
    pub gateway: GatewayId,
    pub subject: Confirm,
    pub due_at: OffsetDateTime,
    /// How often callbacks asked, duplicates included. Whoever answers it may take it away only while this number
    /// is the one it saw: a callback that came meanwhile may tell of something newer than the answer.
    pub asks: u64,
    /// `None` where that callback is kept no more.
    pub first_callback: Option<CallbackId>,
    /// Of a duplicate, the callback that it repeats: that is the one that is kept.
    pub last_callback: Option<CallbackId>,
}

impl Store {
    /// Those that were due before this moment, the longest due first, at most `limit`.
    pub async fn due_queries(&self, before: OffsetDateTime, limit: u64) -> Result<Vec<DueQuery>, StoreError> {
        let found = Entity::find()
            .filter(Column::DueAt.lt(row::micros(before)))
            .order_by_asc(Column::DueAt)
            .order_by_asc(Column::Gateway)
            .order_by_asc(Column::SubjectKind)
            .order_by_asc(Column::Subject)
            .limit(limit)
            .all(&self.reader)
            .await;
        found.map_err(error::classify)?.into_iter().map(row::due_query).collect()
    }
}
