//! What the three serving commands share: from the configuration to the exit.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::{
    app::{App, Role, telemetry_settings},
    config::{Config, Environment},
    telemetry::{self, Guard, TelemetryError},
};

/// Runs a role until SIGTERM or SIGINT, then winds down; a second one ends the process at once. Traces are flushed
/// last, so that they tell of the shutdown too.
pub(super) async fn run(config: &Config, role: &Role, environment: &Environment) -> Result<(), Failure> {
    let telemetry = init_telemetry(config, environment)?;
    let ran = until_stopped(config, role, environment).await;
    telemetry.flush().await;
    ran
}

/// Logs and traces, as configured.
pub(super) fn init_telemetry(config: &Config, environment: &Environment) -> Result<Guard, Failure> {
    telemetry::init(&telemetry_settings(&config.log, environment)).map_err(|error| match error {
        TelemetryError::Filter { filter, reason } => Failure(format!("log.filter: `{filter}`: {reason}")),
        error => Failure(error.to_string()),
    })
}

async fn until_stopped(config: &Config, role: &Role, environment: &Environment) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let app = App::build(config, role, environment).await.map_err(|error| Failure(error.to_string()))?;
    let shutdown = CancellationToken::new();
    let mut running = std::pin::pin!(app.run(shutdown.clone()));
    tokio::select! {
        () = &mut running => return Ok(()),
        () = signals.next() => shutdown.cancel(),
    }
    tokio::select! {
        () = running => Ok(()),
        () = signals.next() => Err(Failure("stopped by a second signal, without waiting for calls under way".to_owned())),
    }
}

/// The wishes to stop: of a container runtime, and of a person.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::because("signals cannot be received", &error);
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
        })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
