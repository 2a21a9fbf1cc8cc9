//! Store errors, named by what the caller can do.

use sea_orm::{DbErr, RuntimeErr, sqlx};

#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, slow or over its limits; whether the write happened may be unknown. Try again.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database is no longer the primary. Try again on new connections.
    #[error("the database only takes reads")]
    ReadOnly,
    /// Another write stood in the way (deadlock, serialization, busy). Nothing happened; try again at once.
    #[error("the write met another one: {0}")]
    Contended(String),
    /// The write queue is full. Try again later.
    #[error("the write queue is full")]
    Overloaded,
    /// The id, or the gateway's payment id, is registered with other content.
    #[error("{0}")]
    Conflict(String),
    /// A row that this program would never write.
    #[error("inconsistent row in {table}: {what}")]
    Inconsistent { table: &'static str, what: String },
    /// This one write can not be done, whatever the database's health.
    #[error("the database refused the write: {0}")]
    Refused(String),
    /// The schema is not the one this program was built for.
    #[error("{0}")]
    Schema(String),
}

/// Sorts the drivers' errors by SQLSTATE (PostgreSQL, appendix A) or result code (sqlite.org/rescode.html).
///
/// Only code and kind are told: messages of databases quote values.
pub(super) fn classify(error: DbErr) -> StoreError {
    let sqlx = match &error {
        DbErr::Conn(RuntimeErr::SqlxError(sqlx))
        | DbErr::Exec(RuntimeErr::SqlxError(sqlx))
        | DbErr::Query(RuntimeErr::SqlxError(sqlx)) => sqlx,
        DbErr::ConnectionAcquire(_) => {
            return StoreError::Unavailable("no connection was free in time".to_owned());
        }
        DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. } => {
            return StoreError::Refused(error.to_string());
        }
        _ => return StoreError::Unavailable(error.to_string()),
    };
    match sqlx.as_ref() {
        sqlx::Error::Database(database) => by_code(&database.code().unwrap_or_default()),
        sqlx::Error::Encode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            StoreError::Refused("a value does not fit its column".to_owned())
        }
        // The pool tries until its time is over, and forgets why it failed.
        sqlx::Error::PoolTimedOut => StoreError::Unavailable(
            "no connection could be had in time; is it running, and reachable?".to_owned(),
        ),
        other => StoreError::Unavailable(other.to_string()),
    }
}

fn by_code(code: &str) -> StoreError {
    match (code.len(), code) {
        (5, "40001" | "40P01" | "55P03") => StoreError::Contended(format!("SQLSTATE {code}")),
        (5, "25006") => StoreError::ReadOnly,
        (5, _) if code.starts_with("22") || code.starts_with("23") || code == "P0001" || code == "53200" => {
            StoreError::Refused(format!("SQLSTATE {code}"))
        }
        (5, _) => StoreError::Unavailable(format!("SQLSTATE {code}{}", meaning(code))),
        // Extended result codes keep the primary one in the low byte.
        _ => match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => StoreError::Contended(format!("SQLite code {code}")),
            Ok(18 | 19 | 20 | 25) => StoreError::Refused(format!("SQLite code {code}")),
            Ok(primary) => {
                StoreError::Unavailable(format!("SQLite code {code}{}", meaning(&primary.to_string())))
            }
            Err(_) => StoreError::Unavailable(format!("SQLite code {code}")),
        },
    }
}

/// Of the codes that operators meet when they set a database up or lose one.
fn meaning(code: &str) -> &'static str {
    match code {
        "28000" | "28P01" => ": it refuses this user or password",
        "3D000" => ": it has no database of this name",
        "42501" => ": this user may not do that there",
        "53300" => ": all its connections are taken",
        "57P03" => ": it is starting up or shutting down",
        "8" => ": the file cannot be written",
        "10" => ": the disk failed",
        "11" => ": the file is damaged",
        "13" => ": the disk is full",
        "14" => ": the file cannot be opened; does its folder exist, and may this user write there?",
        "26" => ": the file is not a database",
        _ => "",
    }
}
