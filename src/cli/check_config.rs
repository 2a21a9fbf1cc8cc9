use super::{Failure, config_file::ConfigFile, output::line, run::init_telemetry};
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
        let _telemetry = init_telemetry(&config, &environment)?;
        app::outbound(&config.outbound)?;
        for gateway in app::gateways(&config, &environment)?.iter() {
            let (name, kind) = (gateway.id(), gateway.kind());
            line(format_args!("{name}: {kind} at /webhooks/{name}"))?;
            for warning in gateway.warnings() {
                line(format_args!("{name}: warning: {warning}"))?;
            }
        }
        Ok(())
    }
}
