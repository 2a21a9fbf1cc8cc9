use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "updates")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    pub transaction_id: String,
    pub version: i64,
    pub previous_status: Option<i16>,
    pub gateway_payment_id: Option<String>,
    pub expected: Option<i64>,
    pub currency: Option<String>,
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
    pub cause: i16,
    pub cause_id: Option<String>,
    pub record_time: i64,
    pub traceparent: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::transaction::Entity",
        from = "Column::TransactionId",
        to = "super::transaction::Column::TransactionId"
    )]
    Transaction,
}

impl Related<super::transaction::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Transaction.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
