use super::{Failure, config_file::ConfigFile, run::run};
use crate::{app::Role, config::Environment};

/// Run the service and the HTTP adapter in one process
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    file: ConfigFile,
}

const EXAMPLES: &str = "Examples:
  payment-status serve --config payment-status.toml
  PAYMENT_STATUS__DATABASE__URL=postgres://pay@db/pay payment-status serve --config payment-status.toml

Gateways call http://<http.listen>/webhooks/<name>; services call gRPC on <grpc.listen>;
health and metrics are on <ops.listen>.";

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let environment = Environment::of_process();
        let config = self.file.load(&environment)?;
        run(&config, &Role::Serve, &environment).await
    }
}
