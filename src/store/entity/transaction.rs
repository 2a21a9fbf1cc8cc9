use sea_orm::{QueryResult, entity::prelude::*};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "transactions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub transaction_id: String,
    pub order_id: String,
    pub gateway: String,
    pub gateway_payment_id: Option<String>,
    pub payment_registered: bool,
    pub registered: bool,
    pub expected: Option<i64>,
    pub currency: Option<String>,
    pub labels: String,
    pub expire_time: Option<i64>,
    pub status: i16,
    pub authorized: i64,
    pub captured: i64,
    pub refunded: i64,
    pub lost: i64,
    pub dispute: i16,
    pub holds: i16,
    pub failure_at: Option<i64>,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    pub version: i64,
    pub create_time: i64,
    pub update_time: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What [`Model::read`] reads, in its order; the table goes by `t`.
pub(in crate::store) const COLUMNS: &str = "\
    t.transaction_id, t.order_id, t.gateway, t.gateway_payment_id, t.payment_registered, t.registered, \
    t.expected, t.currency, t.labels, t.expire_time, t.status, t.authorized, t.captured, t.refunded, \
    t.lost, t.dispute, t.holds, t.failure_at, t.failure_code, t.failure_message, t.version, \
    t.create_time, t.update_time";

impl Model {
    /// By place: the write path reads many rows, and a look-up by name costs as much as the rest of it.
    pub(in crate::store) fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            transaction_id: row.try_get_by_index(0)?,
            order_id: row.try_get_by_index(1)?,
            gateway: row.try_get_by_index(2)?,
            gateway_payment_id: row.try_get_by_index(3)?,
            payment_registered: row.try_get_by_index(4)?,
            registered: row.try_get_by_index(5)?,
            expected: row.try_get_by_index(6)?,
            currency: row.try_get_by_index(7)?,
            labels: row.try_get_by_index(8)?,
            expire_time: row.try_get_by_index(9)?,
            status: row.try_get_by_index(10)?,
            authorized: row.try_get_by_index(11)?,
            captured: row.try_get_by_index(12)?,
            refunded: row.try_get_by_index(13)?,
            lost: row.try_get_by_index(14)?,
            dispute: row.try_get_by_index(15)?,
            holds: row.try_get_by_index(16)?,
            failure_at: row.try_get_by_index(17)?,
            failure_code: row.try_get_by_index(18)?,
            failure_message: row.try_get_by_index(19)?,
            version: row.try_get_by_index(20)?,
            create_time: row.try_get_by_index(21)?,
            update_time: row.try_get_by_index(22)?,
        })
    }
}
