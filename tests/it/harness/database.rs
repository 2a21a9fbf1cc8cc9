//! A fresh database for each test, gone at its end.

use std::{
    env,
    io::Write as _,
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

use sea_orm::ConnectionTrait as _;
use tempfile::TempDir;
use uuid::Uuid;

/// A fresh, empty database. Dropping it deletes it.
#[derive(Debug)]
pub struct Database {
    /// `sqlite://…` or `postgres://…`
    pub url: String,
    _files: Option<TempDir>,
    dropped_through: Option<(String, String)>,
}

pub fn sqlite() -> Database {
    let files = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}", files.path().join("test.db").display());
    Database { url, _files: Some(files), dropped_through: None }
}

/// A database on the PostgreSQL of `TEST_POSTGRES_URL`, or else on a server that lives as long as this process.
/// `None`, and loudly so, where no server is installed; `PAYMENT_STATUS_REQUIRE_POSTGRES` makes that a failure.
pub fn postgres() -> Option<Database> {
    let server = server()?;
    let name = format!("test_{}", Uuid::now_v7().simple());
    execute(&server, &format!("CREATE DATABASE {name}"));
    let (authority, options) = server.split_once('?').unwrap_or((&server, ""));
    let (host, _) = authority.rsplit_once('/').expect("TEST_POSTGRES_URL names a database");
    let url = match options {
        "" => format!("{host}/{name}"),
        options => format!("{host}/{name}?{options}"),
    };
    Some(Database { url, _files: None, dropped_through: Some((server, name)) })
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.dropped_through {
            execute(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Stamps a test on each store. The body sees a fresh [`Database`].
///
/// ```ignore
/// on_both_stores! {
///     async fn a_registered_payment_is_found(database: Database) { … }
/// }
/// ```
macro_rules! on_both_stores {
    ($($(#[$attribute:meta])* async fn $test:ident($database:ident: Database) $body:block)+) => {$(
        mod $test {
            use super::*;

            async fn check($database: $crate::harness::Database) $body

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                check($crate::harness::sqlite()).await;
            }

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(database) = $crate::harness::postgres() {
                    check(database).await;
                }
            }
        }
    )+};
}

fn server() -> Option<String> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| env::var("TEST_POSTGRES_URL").ok().or_else(start));
    if server.is_none() {
        leave_out();
    }
    server.clone()
}

fn start() -> Option<String> {
    let started = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres"))
        .arg(std::process::id().to_string())
        .stderr(Stdio::inherit())
        .output()
        .expect("tests/postgres runs");
    let url = String::from_utf8(started.stdout).expect("a URL").trim().to_owned();
    started.status.success().then_some(url)
}

fn leave_out() {
    let required = env::var("PAYMENT_STATUS_REQUIRE_POSTGRES").is_ok_and(|value| !value.is_empty());
    assert!(
        !required,
        "PostgreSQL is required here, and there is none: install its server or set TEST_POSTGRES_URL"
    );
    // Straight to stderr: the test runner hides what a passing test prints.
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let notice =
        format!("\n*** LEFT OUT: {test}: no PostgreSQL server is installed (tests/run installs one) ***\n");
    std::io::stderr().write_all(notice.as_bytes()).expect("stderr is open");
}

/// Runs one statement, on a thread of its own so that drops and tests of any flavour may call it.
fn execute(server: &str, statement: &str) {
    let run = async {
        let connection = sea_orm::Database::connect(server).await.expect("PostgreSQL answers");
        connection.execute_unprepared(statement).await.expect("PostgreSQL obeys");
        connection.close().await.expect("PostgreSQL lets go");
    };
    thread::scope(|scope| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        scope.spawn(move || runtime.block_on(run)).join().expect("the statement ran");
    });
}

on_both_stores! {
    async fn a_test_gets_a_database_of_its_own(database: Database) {
        let creating = if database.url.starts_with("sqlite") { "?mode=rwc" } else { "" };
        let connection = sea_orm::Database::connect(format!("{}{creating}", database.url)).await.unwrap();
        connection.execute_unprepared("CREATE TABLE mine (id BIGINT)").await.unwrap();
        connection.close().await.unwrap();
    }
}
