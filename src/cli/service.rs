use super::{Failure, config_file::ConfigFile};

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
        let _ = self.file;
        Err(Failure("not wired yet".to_owned()))
    }
}
