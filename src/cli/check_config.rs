use super::{Failure, config_file::ConfigFile};
use crate::{app, config::Environment};

/// Check the configuration and the secrets it names, and start nothing
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    file: ConfigFile,
}

const EXAMPLES: &str = "Examples:
  payment-status check-config --config payment-status.toml

Exit code 0 means that `serve` would take it. Nothing is connected to, and no secret is shown.";

impl Args {
    pub(super) fn run(self) -> Result<(), Failure> {
        let environment = Environment::of_process();
        let config = self.file.load(&environment)?;
        for gateway in app::gateways(&config, &environment)?.iter() {
            println!("{}: {} at /webhooks/{}", gateway.id(), gateway.kind(), gateway.id());
        }
        Ok(())
    }
}
