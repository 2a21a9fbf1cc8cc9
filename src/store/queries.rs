use time::OffsetDateTime;

use super::{Store, StoreError};
use crate::domain::{GatewayId, Hold, PaymentId, Status, Transaction, TransactionId, Update};

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
    /// Position of the last update; 0 before the first.
    pub position: u64,
    /// Updates at or below it are no longer kept.
    pub floor: u64,
}

impl Filter {
    /// Whether a transaction in this state passes.
    #[must_use]
    pub fn matches(&self, _transaction: &Transaction) -> bool {
        todo!()
    }
}

impl Store {
    pub async fn transaction(&self, _id: &TransactionId) -> Result<Option<Transaction>, StoreError> {
        todo!()
    }

    pub async fn transaction_of_payment(
        &self,
        _gateway: &GatewayId,
        _payment: &PaymentId,
    ) -> Result<Option<Transaction>, StoreError> {
        todo!()
    }

    /// Those that exist, in no particular order.
    pub async fn transactions(&self, _ids: &[TransactionId]) -> Result<Vec<Transaction>, StoreError> {
        todo!()
    }

    /// By ascending id, after `after`, at most `limit`.
    pub async fn list_transactions(
        &self,
        _filter: &Filter,
        _after: Option<&TransactionId>,
        _limit: u64,
    ) -> Result<Vec<Transaction>, StoreError> {
        todo!()
    }

    /// One transaction's history by ascending version, after `after_version`, at most `limit`.
    pub async fn updates_of(
        &self,
        _id: &TransactionId,
        _after_version: u64,
        _limit: u64,
    ) -> Result<Vec<Update>, StoreError> {
        todo!()
    }

    /// The feed after `position`, in commit order, at most `limit`.
    pub async fn updates_after(&self, _position: u64, _limit: u64) -> Result<Vec<Update>, StoreError> {
        todo!()
    }

    pub async fn head(&self) -> Result<Head, StoreError> {
        todo!()
    }

    /// The transaction and version of the update at this position, from which a cursor's check is made.
    pub async fn update_at(&self, _position: u64) -> Result<Option<(TransactionId, u64)>, StoreError> {
        todo!()
    }
}
