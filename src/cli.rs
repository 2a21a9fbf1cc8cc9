//! The commands, one file each. Every command ends with success or with one line that says what is wrong.

mod adapter;
mod check_config;
mod config_file;
mod demo;
mod inspect;
mod migrate;
mod output;
mod run;
mod secret;
mod sender;
mod serve;
mod service;
mod simulate;
mod table;
mod watch;

use clap::{Parser, Subcommand};

use crate::{app::StartError, config::ConfigError};

/// Receives payment gateway callbacks, proves them, and answers: what is the state of this payment?
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  payment-status demo                              See it work: no configuration, nothing to install
  payment-status serve --config payment-status.toml
  payment-status watch --from snapshot             Follow every payment in the terminal
  payment-status COMMAND --help                    Each command has examples of its own";

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Service(service::Args),
    Adapter(adapter::Args),
    Migrate(migrate::Args),
    CheckConfig(check_config::Args),
    Simulate(simulate::Args),
    Watch(watch::Args),
    Inspect(inspect::Args),
}

/// One line, fit to be shown to whoever typed the command.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

impl Cli {
    /// Runs the command to its end.
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Demo(args) => args.run().await,
            Command::Serve(args) => args.run().await,
            Command::Service(args) => args.run().await,
            Command::Adapter(args) => args.run().await,
            Command::Migrate(args) => args.run().await,
            Command::CheckConfig(args) => args.run(),
            Command::Simulate(args) => args.run().await,
            Command::Watch(args) => args.run().await,
            Command::Inspect(args) => args.run(),
        }
    }
}

impl Failure {
    /// What was attempted, and why it failed, causes included.
    fn because(attempt: impl std::fmt::Display, cause: &dyn std::error::Error) -> Self {
        let mut text = format!("{attempt}: {cause}");
        let mut deeper = cause.source();
        while let Some(cause) = deeper {
            let cause_text = cause.to_string();
            // Many libraries repeat their cause in their own text.
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            deeper = cause.source();
        }
        Self(text.replace('\n', " "))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self(error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does_and_shows_examples() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} has no description");
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("payment-status {name}")), "{name} has no example");
        }
    }
}
