use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use time::OffsetDateTime;

use super::{Failure, output::line, secret::SecretArg};
use crate::{
    app,
    clock::Clock,
    config::{Environment, Kind},
    gateways::inspect::inspect,
};

/// Say what a captured callback would do, offline
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A built-in kind such as stripe, or file:our-bank.toml
    #[arg(long)]
    kind: Kind,
    #[command(flatten)]
    secret: SecretArg,
    /// What stands in [gateways.X.settings], as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = settings)]
    settings: serde_json::Map<String, serde_json::Value>,
    /// Judge its age as of this moment
    #[arg(long, value_name = "UNIX", value_parser = moment)]
    now: Option<OffsetDateTime>,
    /// Print JSON instead of lines
    #[arg(long)]
    json: bool,
    /// The captured callback; - for standard input
    file: PathBuf,
}

const EXAMPLES: &str = "Examples:
  PAYMENT_STATUS_SECRET=whsec_… payment-status inspect --kind stripe captured.json
  payment-status inspect --kind adyen --secret-file adyen.key --now 1767225600 --json captured.http
  payment-status inspect --kind file:our-bank.toml --settings '{\"merchant_code\": \"999\"}' captured.json

FILE is a raw HTTP request, or {\"method\", \"path\", \"query\"?, \"headers\", \"body\", \"body_encoding\": \"utf8\" or
\"base64\"}. The secret is read from the variable PAYMENT_STATUS_SECRET or from --secret-file. What a
description of your own may say is src/gateways/README.md.";

/// Far above the largest callback that the adapter takes.
const MAX_CAPTURE_BYTES: u64 = 4 * 1024 * 1024;

impl Args {
    pub(super) fn run(self) -> Result<(), Failure> {
        let secrets = self.secret.read(&Environment::of_process())?.into_iter().collect();
        let kind = app::kind_source(&self.kind)?;
        let now = self.now.unwrap_or_else(|| Clock::system().now());
        let captured = read(&self.file).map_err(|error| Failure::because(self.file.display(), &error))?;
        let report = inspect(kind, secrets, &self.settings, now, &captured)
            .map_err(|error| Failure(error.to_string()))?;
        if !self.json {
            return line(report.to_string().trim_end());
        }
        let shown = serde_json::to_string_pretty(&report);
        line(shown.map_err(|error| Failure::because("the report cannot be shown", &error))?)
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let from: Box<dyn Read> =
        if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(file)?) };
    let mut captured = Vec::new();
    from.take(MAX_CAPTURE_BYTES).read_to_end(&mut captured)?;
    Ok(captured)
}

pub(super) fn settings(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}

fn moment(text: &str) -> Result<OffsetDateTime, String> {
    let seconds = text.parse().map_err(|_| "not whole seconds since 1970".to_owned())?;
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|error| error.to_string())
}
