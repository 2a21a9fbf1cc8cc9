//! What the tests stand on: databases of their own, and the real program on ports of its own.

#[macro_use]
mod database;
mod program;
pub mod service;
pub mod shop;

pub use database::{Database, postgres, sqlite};
pub use program::{Program, program};

/// Waits until a condition holds. The deadline is generous: it only bounds a failure.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !condition().await {
        assert!(std::time::Instant::now() < deadline, "in 30 seconds it did not come true that {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
