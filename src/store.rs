//! Durable truth: SQLite or PostgreSQL through one code path.

mod batcher;
mod connect;
mod error;
mod evidence;
mod queries;

pub use batcher::{BatcherSettings, Writer};
pub use connect::{Store, StoreSettings};
pub use error::StoreError;
pub use evidence::{Evidence, Outcome, Reading, Recorded, Rejected, Unregistered};
pub use queries::{Filter, Head};
