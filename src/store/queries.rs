//! Reads. Decisions are never made on them: those happen in the write path, under a lock.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, Statement, sea_query::Expr,
};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    entity::{transaction, update},
    error, row,
};
use crate::domain::{GatewayId, Hold, Holds, Mark, PaymentId, Status, Transaction, TransactionId, Update};

/// All conditions that are set must hold; within one, any of its values may.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub statuses: Vec<Status>,
    pub gateways: Vec<GatewayId>,
    pub order_ids: Vec<String>,
    pub holds: Vec<Hold>,
    /// Inclusive.
    pub updated_from: Option<OffsetDateTime>,
    /// Exclusive.
    pub updated_before: Option<OffsetDateTime>,
}

/// The end of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Drawn when the database was made; another one means another history.
    pub epoch: u64,
    /// The last update; position 0 before the first.
    pub mark: Mark,
    /// Updates at or below it are no longer kept.
    pub floor: u64,
}

impl Filter {
    /// Whether a transaction in this state passes.
    #[must_use]
    pub fn matches(&self, transaction: &Transaction) -> bool {
        let Self { statuses, gateways, order_ids, holds, updated_from, updated_before } = self;
        let (registration, state) = (&transaction.registration, &transaction.state);
        (statuses.is_empty() || statuses.contains(&state.status))
            && (gateways.is_empty() || gateways.contains(&registration.gateway))
            && (order_ids.is_empty() || order_ids.contains(&registration.order_id))
            && (holds.is_empty() || holds.iter().any(|hold| state.holds.contains(*hold)))
            && updated_from.is_none_or(|from| transaction.update_time >= from)
            && updated_before.is_none_or(|before| transaction.update_time < before)
    }

    fn condition(&self) -> Condition {
        use transaction::Column;
        let Self { statuses, gateways, order_ids, holds, updated_from, updated_before } = self;
        let any_of = |wanted: bool, condition: sea_orm::sea_query::SimpleExpr| wanted.then_some(condition);
        let texts = |texts: &[GatewayId]| texts.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
        let bits = holds.iter().copied().collect::<Holds>().bits();
        Condition::all()
            .add_option(any_of(!statuses.is_empty(), Column::Status.is_in(statuses.iter().map(|s| s.code()))))
            .add_option(any_of(!gateways.is_empty(), Column::Gateway.is_in(texts(gateways))))
            .add_option(any_of(!order_ids.is_empty(), Column::OrderId.is_in(order_ids.clone())))
            .add_option(any_of(bits != 0, Expr::col(Column::Holds).bit_and(bits).ne(0)))
            .add_option(updated_from.map(|from| Column::UpdateTime.gte(row::micros(from))))
            .add_option(updated_before.map(|before| Column::UpdateTime.lt(row::micros(before))))
    }
}

impl Store {
    pub async fn transaction(&self, id: &TransactionId) -> Result<Option<Transaction>, StoreError> {
        let found = transaction::Entity::find_by_id(id.as_str()).one(&self.reader).await;
        found.map_err(error::classify)?.map(row::transaction).transpose()
    }

    pub async fn transaction_of_payment(
        &self,
        gateway: &GatewayId,
        payment: &PaymentId,
    ) -> Result<Option<Transaction>, StoreError> {
        let sql = "SELECT transaction_id FROM payments WHERE gateway = $1 AND gateway_payment_id = $2";
        let values = [gateway.as_str().into(), payment.as_str().into()];
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        let Some(found) = self.reader.query_one_raw(statement).await.map_err(error::classify)? else {
            return Ok(None);
        };
        let id: String = found.try_get_by_index(0).map_err(error::classify)?;
        let wrong =
            |_| StoreError::Inconsistent { table: "payments", what: format!("transaction of {payment}") };
        self.transaction(&id.parse().map_err(wrong)?).await
    }

    /// Those that exist, in no particular order.
    pub async fn transactions(&self, ids: &[TransactionId]) -> Result<Vec<Transaction>, StoreError> {
        let ids = ids.iter().map(TransactionId::as_str);
        let found = transaction::Entity::find()
            .filter(transaction::Column::TransactionId.is_in(ids))
            .all(&self.reader)
            .await;
        found.map_err(error::classify)?.into_iter().map(row::transaction).collect()
    }

    /// By ascending id, after `after`, at most `limit`.
    pub async fn list_transactions(
        &self,
        filter: &Filter,
        after: Option<&TransactionId>,
        limit: u64,
    ) -> Result<Vec<Transaction>, StoreError> {
        let after = after.map(|id| transaction::Column::TransactionId.gt(id.as_str()));
        let found = transaction::Entity::find()
            .filter(filter.condition().add_option(after))
            .order_by_asc(transaction::Column::TransactionId)
            .limit(limit)
            .all(&self.reader)
            .await;
        found.map_err(error::classify)?.into_iter().map(row::transaction).collect()
    }

    /// One transaction's history by ascending version, after `after_version`, at most `limit`.
    pub async fn updates_of(
        &self,
        id: &TransactionId,
        after_version: u64,
        limit: u64,
    ) -> Result<Vec<Update>, StoreError> {
        let of_it = Condition::all()
            .add(update::Column::TransactionId.eq(id.as_str()))
            .add(update::Column::Version.gt(i64::try_from(after_version).unwrap_or(i64::MAX)));
        self.updates(of_it, update::Column::Version, limit).await
    }

    /// The feed after `position`, in commit order, at most `limit`.
    pub async fn updates_after(&self, position: u64, limit: u64) -> Result<Vec<Update>, StoreError> {
        let after = update::Column::Position.gt(i64::try_from(position).unwrap_or(i64::MAX));
        self.updates(Condition::all().add(after), update::Column::Position, limit).await
    }

    pub async fn head(&self) -> Result<Head, StoreError> {
        let sql = "SELECT position, checksum, floor, epoch FROM feed_head WHERE shard = 0";
        let statement = Statement::from_string(self.backend(), sql);
        let found = self.reader.query_one_raw(statement).await.map_err(error::classify)?;
        found
            .as_ref()
            .and_then(head)
            .ok_or(StoreError::Inconsistent { table: "feed_head", what: "shard 0".to_owned() })
    }

    /// The mark of the update at this position, if it is kept.
    pub async fn mark_at(&self, position: u64) -> Result<Option<Mark>, StoreError> {
        let found =
            update::Entity::find_by_id(i64::try_from(position).unwrap_or(i64::MAX)).one(&self.reader).await;
        let Some(found) = found.map_err(error::classify)? else { return Ok(None) };
        let wrong = || StoreError::Inconsistent { table: "updates", what: format!("position {position}") };
        let id = found.transaction_id.parse().map_err(|_| wrong())?;
        let version = u64::try_from(found.version).map_err(|_| wrong())?;
        Ok(Some(Mark::of(position, &id, version)))
    }

    async fn updates(
        &self,
        which: Condition,
        order: update::Column,
        limit: u64,
    ) -> Result<Vec<Update>, StoreError> {
        let found = update::Entity::find()
            .find_also_related(transaction::Entity)
            .filter(which)
            .order_by_asc(order)
            .limit(limit)
            .all(&self.reader)
            .await;
        let with_transaction = |(update, transaction): (update::Model, Option<transaction::Model>)| {
            let orphan =
                StoreError::Inconsistent { table: "updates", what: format!("position {}", update.position) };
            row::update(update, transaction.ok_or(orphan)?)
        };
        found.map_err(error::classify)?.into_iter().map(with_transaction).collect()
    }
}

fn head(found: &QueryResult) -> Option<Head> {
    let number = |index| found.try_get_by_index::<i64>(index).ok();
    Some(Head {
        mark: Mark { position: number(0)?.try_into().ok()?, checksum: number(1)?.try_into().ok()? },
        floor: number(2)?.try_into().ok()?,
        epoch: number(3)?.try_into().ok()?,
    })
}
