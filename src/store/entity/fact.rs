use sea_orm::entity::prelude::*;

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
