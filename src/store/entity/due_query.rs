use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "due_queries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub gateway: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_kind: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    pub due_at: i64,
    pub asks: i64,
    pub first_callback_id: Option<Uuid>,
    pub last_callback_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
