//! What the tests stand on: databases of their own, and the real program on ports of its own.

#[macro_use]
mod database;
mod program;

pub use database::{Database, postgres, sqlite};
pub use program::{Program, program};
