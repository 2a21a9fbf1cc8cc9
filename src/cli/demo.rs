//! The whole product in ten seconds, on this machine and nowhere else.

mod sandbox;
mod stage;
mod story;

use std::io::{self, IsTerminal as _};

use tokio_util::sync::CancellationToken;

use super::{
    Failure,
    output::line,
    run::{Signals, init_telemetry},
    table::{Colour, Table},
};
use crate::{
    app::{self, App, Role},
    config::{Config, Environment},
};
use sandbox::Sandbox;
use stage::Stage;

/// See it work: payments, signed callbacks and what comes of them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// End after the story instead of staying up
    #[arg(long)]
    once: bool,
}

const EXAMPLES: &str = "Examples:
  payment-status demo
  payment-status demo --once | less

It keeps everything in a temporary folder with secrets made up at start, listens on this machine only, and
leaves nothing behind.";

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut signals = Signals::listen()?;
        let sandbox = Sandbox::create().map_err(|error| Failure::because("temporary folder", &error))?;
        let environment = Environment::default();
        let config = Config::load(Some(&sandbox.config()), &environment)?;
        let telemetry = init_telemetry(&config, &environment)?;
        let app = App::build(&config, &Role::Serve, &environment).await?;
        let addresses = Addresses::of(&app);
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(app.run(shutdown.clone()));

        let show = async {
            self.show(&config, &environment, &addresses, &sandbox).await?;
            if !self.once {
                std::future::pending::<()>().await;
            }
            Ok(())
        };
        let shown = tokio::select! {
            shown = show => shown,
            () = signals.next() => Ok(()),
        };
        shutdown.cancel();
        let stopped = running.await.map_err(|error| Failure::because("the demo stopped", &error));
        telemetry.flush().await;
        shown.and(stopped)
    }

    async fn show(
        &self,
        config: &Config,
        environment: &Environment,
        addresses: &Addresses,
        sandbox: &Sandbox,
    ) -> Result<(), Failure> {
        let gateways = app::gateways(config, environment)?;
        let table = Table::for_stdout();
        let Addresses { http, grpc, ops: _ } = addresses;
        line(format_args!(
            "Gateways call {http}/webhooks/…, services ask {grpc}, and all of it is in a temporary folder."
        ))?;
        let mut stage = Stage::open(gateways, addresses, table).await?;
        story::tell(&mut stage).await?;
        if self.once { Ok(()) } else { invite(table, addresses, sandbox) }
    }
}

/// Where the parts of the demo listen, as URLs.
#[derive(Debug)]
struct Addresses {
    http: String,
    grpc: String,
    ops: String,
}

impl Addresses {
    fn of(app: &App) -> Self {
        let bound = app.addresses();
        let url = |name: &str| bound.get(name).map(|address| format!("http://{address}")).unwrap_or_default();
        Self { http: url("http"), grpc: url("grpc"), ops: url("ops") }
    }
}

/// How to go on by oneself.
fn invite(table: Table, addresses: &Addresses, sandbox: &Sandbox) -> Result<(), Failure> {
    let Addresses { http, grpc, ops } = addresses;
    let program = std::env::args().next().unwrap_or_else(|| "payment-status".to_owned());
    let secret = sandbox.secret("stripe");
    let invitation = table.paint(Colour::Bold, "Now you: it stays up until Ctrl-C. In another terminal:");
    line(format_args!(
        "
{invitation}

  # what is the state of this payment?
  buf curl --protocol grpc --http2-prior-knowledge -d '{{\"transactionId\": \"order-1001\"}}' \\
      {grpc}/payment_status.v1.PaymentStatus/GetTransaction

  # follow every payment
  {program} watch --url {grpc} --from snapshot

  # be the gateway: refund order-1001
  {program} simulate --kind stripe --scenario refund --secret-file {} \\
      --transaction-id order-1001 --payment-id pi_1001 --url {http}/webhooks/stripe

  # how it is doing
  curl {ops}/metrics",
        secret.display()
    ))
}

/// A pause between scenes, for eyes; a file has none.
async fn breathe() {
    if io::stdout().is_terminal() {
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    }
}
