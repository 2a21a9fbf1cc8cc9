//! The composition root: what the configuration says becomes parts that know nothing of it.
//!
//! Building binds every socket and reaches the database, so what can go wrong at start goes wrong before anything
//! runs. Running ends when it is told to, in an order that loses nothing: readiness off, no new connections,
//! streams ended with UNAVAILABLE, calls under way finished within a bound, the store closed.

mod core;
mod listener;
mod readiness;
mod settings;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::transport::Channel;

use crate::{
    adapter::{self, AdapterSettings},
    clock::Clock,
    config::{Config, Environment, SecretSource},
    listen,
    ops::{self, Readiness},
    proto::payment_status_client::PaymentStatusClient,
    telemetry::Metrics,
};
use core::Core;
use listener::Listener;
pub use settings::{gateways, kind_source, outbound, secret, store_settings, telemetry_settings};

/// What is still open so long after the shutdown began is cut.
const DRAIN: Duration = Duration::from_secs(10);

/// Which parts this process runs.
#[derive(Clone, Debug)]
pub enum Role {
    /// Service and adapter, joined in memory.
    Serve,
    /// The gRPC service alone.
    Service,
    /// The HTTP adapter alone, in front of a service elsewhere.
    Adapter { service_url: String },
}

/// Why the process cannot start: one line that names the key or thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

/// Everything a process runs, wired and bound, but not yet running.
#[derive(Debug)]
pub struct App {
    http: Option<(Listener, Router)>,
    grpc: Option<(Listener, Router)>,
    ops: (Listener, Router),
    core: Option<Core>,
    readiness: watch::Sender<Readiness>,
    stop: Stop,
    /// The connections of the adapter to the service in the same process.
    memory: TaskTracker,
}

/// The stages of the shutdown, in order.
#[derive(Debug, Default)]
struct Stop {
    /// Listeners close, streams end.
    public: CancellationToken,
    /// The adapter's last calls are through.
    memory: CancellationToken,
    /// Probes are answered to the end.
    ops: CancellationToken,
}

impl App {
    /// Binds, connects and wires. The environment holds the secrets that the configuration names.
    pub async fn build(config: &Config, role: &Role, environment: &Environment) -> Result<Self, StartError> {
        let metrics = Metrics::new().map_err(StartError::new)?;
        let (readiness, ready) = watch::channel(Readiness::NotReady("starting".to_owned()));
        let ops = Listener::bind_ops(&config.ops).await?;
        let ops = (ops, ops::router(ready, metrics.clone()));
        let (stop, memory) = (Stop::default(), TaskTracker::new());
        let mut app = Self { http: None, grpc: None, ops, core: None, readiness, stop, memory };
        match role {
            Role::Serve => {
                let http = Listener::bind_http(&config.http).await?;
                let service = app.add_service(config, environment, &metrics).await?;
                let channel = listen::in_memory(service, DRAIN, app.stop.memory.clone(), app.memory.clone());
                app.http = Some((http, adapter(PaymentStatusClient::new(channel), config, metrics)));
            }
            Role::Service => drop(app.add_service(config, environment, &metrics).await?),
            Role::Adapter { service_url } => {
                let http = Listener::bind_http(&config.http).await?;
                let client = adapter::connect(service_url).map_err(StartError::new)?;
                app.http = Some((http, adapter(client, config, metrics)));
            }
        }
        Ok(app)
    }

    /// Puts the service on its listener. Returns its routes, for a caller in this process.
    async fn add_service(
        &mut self,
        config: &Config,
        environment: &Environment,
        metrics: &Metrics,
    ) -> Result<Router, StartError> {
        let gateways = gateways(config, environment)?;
        for (gateway, secret) in configured_secrets(config) {
            metrics.key_configured(gateway, &secret.origin());
        }
        let listener = Listener::bind_grpc(&config.grpc).await?;
        let core = Core::start(config, gateways, metrics, self.stop.public.clone()).await?;
        let router = core.router(config.grpc.reflection, metrics)?;
        self.grpc = Some((listener, router.clone()));
        self.core = Some(core);
        Ok(router)
    }

    /// Where it listens, by `http`, `grpc` and `ops`; with the real ports where the configuration said 0.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<&'static str, SocketAddr> {
        let listeners = self.http.iter().chain(&self.grpc).chain([&self.ops]);
        listeners.map(|(listener, _)| (listener.name(), listener.address())).collect()
    }

    /// Runs until the shutdown, then winds down, which takes little more than [`DRAIN`] at most.
    pub async fn run(self, shutdown: CancellationToken) {
        for (listener, address) in self.addresses() {
            tracing::info!(listener, %address, "listening");
        }
        for gateway in self.core.iter().flat_map(Core::gateways) {
            tracing::info!(kind = gateway.kind(), "gateway at /webhooks/{}", gateway.id());
            for warning in gateway.warnings() {
                tracing::warn!(gateway = %gateway.id(), kind = gateway.kind(), "{warning}");
            }
        }
        let Self { http, grpc, ops: (ops, ops_router), core, readiness, stop, memory } = self;
        let ops = tokio::spawn(ops.serve_http(ops_router, stop.ops.clone()));
        let mut public = JoinSet::new();
        if let Some((listener, router)) = http {
            public.spawn(listener.serve_http(router, stop.public.clone()));
        }
        if let Some((listener, router)) = grpc {
            public.spawn(listener.serve_grpc(router, stop.public.clone()));
        }

        readiness::follow(core.as_ref(), &readiness, &shutdown).await;
        tracing::info!("shutting down");
        stop.public.cancel();
        while public.join_next().await.is_some() {}
        stop.memory.cancel();
        memory.close();
        memory.wait().await;
        if let Some(core) = core {
            core.close().await;
        }
        stop.ops.cancel();
        if ops.await.is_err() {
            tracing::error!("the ops listener ended badly");
        }
        tracing::info!("stopped");
    }
}

fn configured_secrets(config: &Config) -> impl Iterator<Item = (&str, &SecretSource)> {
    let gateways = config.gateways.iter();
    gateways.flat_map(|(name, gateway)| gateway.secrets.iter().map(move |secret| (name.as_str(), secret)))
}

fn adapter(client: PaymentStatusClient<Channel>, config: &Config, metrics: Metrics) -> Router {
    let trusted_proxies = config.http.trusted_proxies.clone();
    adapter::router(
        client,
        AdapterSettings { trusted_proxies, ..AdapterSettings::new(Clock::system(), metrics) },
    )
}

impl StartError {
    fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string().replace('\n', " "))
    }
}
