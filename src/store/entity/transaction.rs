use sea_orm::entity::prelude::*;

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
