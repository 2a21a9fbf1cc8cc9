//! The composition root: what the configuration says becomes parts that know nothing of it.

use std::time::Duration;

use crate::{config, store::StoreSettings};

/// How long a request waits for a free connection before it is told to come again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

#[must_use]
pub fn store_settings(database: &config::Database) -> StoreSettings {
    StoreSettings {
        url: database.url.as_str().to_owned(),
        max_connections: database.max_connections.get(),
        acquire_timeout: ACQUIRE_TIMEOUT,
    }
}
