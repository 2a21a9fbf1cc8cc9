use std::time::Duration;

use super::StoreError;

#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// `sqlite://path` or `postgres://…`.
    pub url: String,
    pub max_connections: u32,
    pub acquire_timeout: Duration,
}

/// A connected database whose schema is the one this program knows. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {}

impl Store {
    /// Connects and checks the schema.
    pub async fn connect(_settings: &StoreSettings) -> Result<Self, StoreError> {
        todo!()
    }

    /// Brings the schema up to date, under a lock so that replicas may start together.
    pub async fn migrate(_settings: &StoreSettings) -> Result<(), StoreError> {
        todo!()
    }

    /// Answers while the database does.
    pub async fn ping(&self) -> Result<(), StoreError> {
        todo!()
    }

    pub async fn close(&self) {
        todo!()
    }
}
