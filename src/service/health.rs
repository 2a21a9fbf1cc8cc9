//! Health by the gRPC health protocol, for the server as a whole and for the one service in it.

use tonic::server::NamedService;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

use super::PaymentStatusService;
use crate::proto::payment_status_server::PaymentStatusServer;

/// The switch of what health checks see. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health {
    reporter: HealthReporter,
}

impl Health {
    /// Says from now on whether calls are welcome; whoever watches the health is told.
    pub async fn set_serving(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in ["", PaymentStatusServer::<PaymentStatusService>::NAME] {
            self.reporter.set_service_status(name, status).await;
        }
    }

    pub(super) fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }
}
