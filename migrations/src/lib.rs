//! The schema of payment-status, step by step. Shipped steps are frozen; see `README.md` beside this crate.

use sea_orm_migration::prelude::*;

mod m20261122_000001_create_ledger;

#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261122_000001_create_ledger::Migration)]
    }
}
