//! Parse, run, turn the result into an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use payment_status::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
