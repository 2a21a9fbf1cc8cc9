//! The schema goes up, down and up again, and an unknown one is refused.

use payment_status::store::{Store, StoreError};
use payment_status_migrations::Migrator;
use sea_orm::ConnectionTrait as _;
use sea_orm_migration::MigratorTrait as _;

use super::{execute, open, settings};

on_both_stores! {
    async fn every_step_goes_up_and_down_and_up(database: Database) {
        open(&database).await;
        let connection = sea_orm::Database::connect(&database.url).await.unwrap();
        Migrator::down(&connection, None).await.unwrap();
        Migrator::up(&connection, None).await.unwrap();
        connection.close().await.unwrap();
        open(&database).await.register("t1").await;
    }

    async fn replicas_may_start_together(database: Database) {
        let settings = settings(&database);
        let (one, two, three) =
            tokio::join!(Store::migrate(&settings), Store::migrate(&settings), Store::migrate(&settings));
        assert!(database.url.starts_with("sqlite") || (one.is_ok() && two.is_ok() && three.is_ok()), "{one:?} {two:?} {three:?}");
        open(&database).await;
    }

    async fn a_database_without_the_schema_is_refused(database: Database) {
        let refused = Store::connect(&settings(&database)).await;
        assert!(matches!(&refused, Err(StoreError::Schema(why)) if why.contains("migrate")), "{refused:?}");
    }

    async fn a_schema_of_a_newer_version_is_refused(database: Database) {
        open(&database).await;
        execute(&database, "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m2099_newer', 0)").await;
        let settings = settings(&database);
        for refused in [Store::connect(&settings).await.map(drop), Store::migrate(&settings).await] {
            assert!(matches!(&refused, Err(StoreError::Schema(why)) if why.contains("m2099_newer")), "{refused:?}");
        }
    }

    async fn a_schema_of_somebody_else_is_left_alone(database: Database) {
        let creating = if database.url.starts_with("sqlite") { "?mode=rwc" } else { "" };
        let connection = sea_orm::Database::connect(format!("{}{creating}", database.url)).await.unwrap();
        connection.execute_unprepared("CREATE TABLE transactions (theirs BIGINT)").await.unwrap();
        connection.close().await.unwrap();
        let refused = Store::migrate(&settings(&database)).await;
        assert!(matches!(&refused, Err(StoreError::Schema(why)) if why.contains("somebody else")), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_is_enough_to_migrate() {
    let Some(database) = crate::harness::postgres() else { return };
    let frugal = payment_status::store::StoreSettings { max_connections: 1, ..settings(&database) };
    Store::migrate(&frugal).await.unwrap();
    Store::connect(&frugal).await.unwrap();
}
