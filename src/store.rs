//! Durable truth: SQLite or PostgreSQL through one code path.

mod batcher;
mod bell;
mod connect;
mod due_query;
mod entity;
mod error;
mod evidence;
mod pressure;
mod queries;
mod rejections;
mod relation;
mod row;
mod write;

pub use batcher::{Batch, BatcherSettings, Writer};
pub use connect::{Store, StoreSettings};
pub use due_query::DueQuery;
pub use error::StoreError;
pub use evidence::{Evidence, Outcome, Reading, Recorded, Rejected, Unregistered};
pub use queries::{Filter, Head};
