use super::{Failure, config_file::ConfigFile, output::line};
use crate::{app, config::Environment, store::Store};

/// Bring the database schema up to date
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    file: ConfigFile,
}

const EXAMPLES: &str = "Examples:
  payment-status migrate --config payment-status.toml
  PAYMENT_STATUS__DATABASE__URL=postgres://owner@db/pay payment-status migrate

The other commands do this by themselves at start, unless database.migrate = \"manual\".";

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = self.file.load(&Environment::of_process())?;
        let place = config.database.url.without_credentials();
        let failed =
            |error: &dyn std::error::Error| Failure::because(format!("database.url: {place}"), error);
        Store::migrate(&app::store_settings(&config.database)).await.map_err(|error| failed(&error))?;
        line(format_args!("{place} is up to date"))
    }
}
