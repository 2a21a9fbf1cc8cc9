use std::{sync::Arc, time::Duration};

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::{
    StartError,
    settings::{outbound, store_settings},
};
use crate::{
    certificates::CertificateCache,
    clock::Clock,
    config::{Config, Migrate},
    feed::Feed,
    gateways::{Gateway, Gateways},
    service::{self, Health, PaymentStatusService},
    store::{BatcherSettings, Store, StoreError, Writer},
    telemetry::{Metrics, observe_rpcs},
};

/// Callbacks in one database transaction: more gain little and make each wait longer.
const MAX_BATCH: usize = 256;
/// Some hundred milliseconds of work; what comes on top is told to come again.
const MAX_QUEUE: usize = 4096;
/// One is built while the other commits.
const MAX_IN_FLIGHT: usize = 2;
/// A stream whose client reads nothing for so long is ended.
const READER_PATIENCE: Duration = Duration::from_secs(30);

/// The parts behind the gRPC service.
#[derive(Debug)]
pub(super) struct Core {
    service: PaymentStatusService,
    health: Health,
}

impl Core {
    /// Reaches the database. `shutdown` ends the update streams.
    pub(super) async fn start(
        config: &Config,
        gateways: Gateways,
        metrics: &Metrics,
        shutdown: CancellationToken,
    ) -> Result<Self, StartError> {
        let certificates = CertificateCache::new(outbound(&config.outbound)?, metrics.clone());
        let place = config.database.url.without_credentials();
        let failed = |error: StoreError| StartError::new(format!("database.url: {place}: {error}"));
        let settings = store_settings(&config.database);
        if config.database.migrate == Migrate::Auto {
            Store::migrate(&settings).await.map_err(failed)?;
        }
        let store = Store::connect(&settings).await.map_err(failed)?;
        let writer = Writer::start(store.clone(), batcher_settings(metrics.clone()));
        let feed = Feed::start(store.clone(), writer.committed()).await.map_err(failed)?;
        let service = PaymentStatusService {
            gateways: Arc::new(gateways),
            certificates,
            store,
            writer,
            feed,
            clock: Clock::system(),
            shutdown,
            reader_patience: READER_PATIENCE,
            metrics: metrics.clone(),
        };
        Ok(Self { service, health: Health::default() })
    }

    pub(super) fn router(&self, reflection: bool, metrics: &Metrics) -> Result<Router, StartError> {
        let routes =
            service::routes(self.service.clone(), &self.health, reflection).map_err(StartError::new)?;
        Ok(observe_rpcs(routes.into_axum_router(), metrics.clone()))
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.service.store.ping().await
    }

    pub(super) fn gateways(&self) -> impl Iterator<Item = &Gateway> {
        self.service.gateways.iter()
    }

    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    /// Once the servers are gone, whatever was accepted is written; then the database may go.
    pub(super) async fn close(self) {
        let store = self.service.store.clone();
        drop(self);
        store.close().await;
    }
}

fn batcher_settings(metrics: Metrics) -> BatcherSettings {
    BatcherSettings {
        max_batch: MAX_BATCH,
        max_queue: MAX_QUEUE,
        max_in_flight: MAX_IN_FLIGHT,
        now: Arc::new(|| Clock::system().now()),
        observe: Arc::new(move |batch| {
            metrics.batch_committed(batch.size, batch.queue_depth, batch.duration);
        }),
    }
}
