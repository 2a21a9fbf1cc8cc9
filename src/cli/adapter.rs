use std::net::SocketAddr;

use super::{Failure, config_file::ConfigFile, run::run};
use crate::{app::Role, config::Environment};

/// Run the HTTP adapter alone: no database, no secret
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The gRPC service that receives the callbacks
    #[arg(long, value_name = "URL")]
    service_url: String,
    /// Where gateways call, instead of http.listen
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    file: ConfigFile,
}

const EXAMPLES: &str = "Examples:
  payment-status adapter --service-url http://127.0.0.1:50051
  payment-status adapter --service-url http://127.0.0.1:50051 --listen 0.0.0.0:8080";

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let environment = Environment::of_process();
        let mut config = self.file.load(&environment)?;
        config.http.listen = self.listen.unwrap_or(config.http.listen);
        run(&config, &Role::Adapter { service_url: self.service_url }, &environment).await
    }
}
