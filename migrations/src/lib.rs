//! The schema of payment-status, step by step. Shipped steps are frozen; see `README.md` beside this crate.

use sea_orm_migration::prelude::*;

mod m20261122_000001_create_ledger;
mod m20261124_000002_create_due_queries;

#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_create_ledger::Migration),
            Box::new(m20261124_000002_create_due_queries::Migration),
        ]
    }
}
