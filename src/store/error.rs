//! Store errors, named by what the caller can do.

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, slow or over its limits; whether the write happened may be unknown. Try again.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
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
