//! What the tests stand on: databases of their own, and the real program on ports of its own.

pub mod database;
pub mod program;

#[allow(unused_imports)]
pub use database::{Database, postgres, sqlite};
pub use program::Program;
