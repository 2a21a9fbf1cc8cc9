use std::path::PathBuf;

use crate::config::{Config, ConfigError, Environment};

/// Where the configuration comes from.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigFile {
    /// Configuration in TOML; without it, defaults and PAYMENT_STATUS__… variables count
    #[arg(long, value_name = "FILE", env = "PAYMENT_STATUS_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    pub(super) fn load(&self, environment: &Environment) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref(), environment)
    }
}
