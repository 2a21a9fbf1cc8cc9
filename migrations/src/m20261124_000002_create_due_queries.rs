//! What a gateway must be asked about before a callback counts.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261124_000002_create_due_queries"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let id = if manager.get_database_backend() == DbBackend::Sqlite { "blob" } else { "uuid" };
        // The callbacks that asked first and last; null where they are kept no more.
        let table = format!(
            "CREATE TABLE due_queries (
                gateway text NOT NULL,
                subject_kind smallint NOT NULL,
                subject text NOT NULL,
                due_at bigint NOT NULL,
                asks bigint NOT NULL,
                first_callback_id {id},
                last_callback_id {id},
                PRIMARY KEY (gateway, subject_kind, subject)
            )"
        );
        manager.get_connection().execute_unprepared(&table).await?;
        let index = "CREATE INDEX due_queries_by_time ON due_queries (due_at)";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE due_queries").await?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
