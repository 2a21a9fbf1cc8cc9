use sea_orm::{QueryResult, entity::prelude::*};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "facts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub fact_key: Uuid,
    pub gateway: String,
    pub transaction_id: Option<String>,
    pub gateway_payment_id: Option<String>,
    pub merchant_reference: Option<String>,
    pub phase: i16,
    pub operation_id: String,
    pub round: i16,
    pub amount: Option<i64>,
    pub currency: Option<String>,
    pub cumulative: bool,
    pub held: Option<i16>,
    pub occurred_at: Option<i64>,
    pub failure_at: Option<i64>,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    pub callback_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What [`Model::read`] reads, in its order; the table goes by `f`.
pub(in crate::store) const COLUMNS: &str = "\
    f.fact_key, f.gateway, f.transaction_id, f.gateway_payment_id, f.merchant_reference, f.phase, \
    f.operation_id, f.round, f.amount, f.currency, f.cumulative, f.held, f.occurred_at, f.failure_at, \
    f.failure_code, f.failure_message, f.callback_id";

impl Model {
    /// By place: the write path reads many rows, and a look-up by name costs as much as the rest of it.
    pub(in crate::store) fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            fact_key: row.try_get_by_index(0)?,
            gateway: row.try_get_by_index(1)?,
            transaction_id: row.try_get_by_index(2)?,
            gateway_payment_id: row.try_get_by_index(3)?,
            merchant_reference: row.try_get_by_index(4)?,
            phase: row.try_get_by_index(5)?,
            operation_id: row.try_get_by_index(6)?,
            round: row.try_get_by_index(7)?,
            amount: row.try_get_by_index(8)?,
            currency: row.try_get_by_index(9)?,
            cumulative: row.try_get_by_index(10)?,
            held: row.try_get_by_index(11)?,
            occurred_at: row.try_get_by_index(12)?,
            failure_at: row.try_get_by_index(13)?,
            failure_code: row.try_get_by_index(14)?,
            failure_message: row.try_get_by_index(15)?,
            callback_id: row.try_get_by_index(16)?,
        })
    }
}
