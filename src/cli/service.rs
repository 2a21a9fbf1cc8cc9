use super::{Failure, config_file::ConfigFile, run::run};
use crate::{app::Role, config::Environment};

/// Run the gRPC service alone; adapters call it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    file: ConfigFile,
}

const EXAMPLES: &str = "Examples:
  payment-status service --config payment-status.toml
  payment-status adapter --service-url http://127.0.0.1:50051";

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let environment = Environment::of_process();
        let config = self.file.load(&environment)?;
        run(&config, &Role::Service, &environment).await
    }
}
