use std::net::SocketAddr;

use super::{Failure, config_file::ConfigFile};

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
        let _ = (self.file, self.service_url, self.listen);
        Err(Failure("not wired yet".to_owned()))
    }
}
