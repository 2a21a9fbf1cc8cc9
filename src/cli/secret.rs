use std::path::PathBuf;

use super::Failure;
use crate::{
    app,
    config::{Environment, SecretSource},
    gateways::Secret,
};

const VARIABLE: &str = "PAYMENT_STATUS_SECRET";

/// A gateway's secret for one command. Never an argument: those are seen by everybody on the machine.
#[derive(Debug, clap::Args)]
pub(super) struct SecretArg {
    /// File that holds the gateway's secret, instead of the variable PAYMENT_STATUS_SECRET
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretArg {
    /// None where neither is given.
    pub(super) fn read(&self, environment: &Environment) -> Result<Option<Secret>, Failure> {
        let source = match &self.secret_file {
            Some(path) => SecretSource::file(path),
            None if environment.get(VARIABLE).is_some() => SecretSource::env(VARIABLE),
            None => return Ok(None),
        };
        source.read(environment).map(|secret| Some(app::secret(secret))).map_err(Failure)
    }
}
