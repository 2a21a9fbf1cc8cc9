use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    num::NonZeroU32,
};

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{DRAIN, StartError};
use crate::{
    config,
    listen::{self, Limits},
};

/// Probes and scrapers are few. The compiler unwraps it: a zero would not build.
const OPS_CONNECTIONS: NonZeroU32 = NonZeroU32::new(64).unwrap();

/// A bound socket that nobody is accepted on yet.
#[derive(Debug)]
pub(super) struct Listener {
    name: &'static str,
    address: SocketAddr,
    socket: TcpListener,
    limits: Limits,
}

impl Listener {
    pub(super) async fn bind_http(http: &config::Http) -> Result<Self, StartError> {
        Self::bind("http", http.listen, http.max_connections).await
    }

    pub(super) async fn bind_grpc(grpc: &config::Grpc) -> Result<Self, StartError> {
        Self::bind("grpc", grpc.listen, grpc.max_connections).await
    }

    pub(super) async fn bind_ops(ops: &config::Ops) -> Result<Self, StartError> {
        Self::bind("ops", ops.listen, OPS_CONNECTIONS).await
    }

    async fn bind(
        name: &'static str,
        wanted: SocketAddr,
        connections: NonZeroU32,
    ) -> Result<Self, StartError> {
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::AddrInUse => {
                StartError::new(format!("{name}.listen: {wanted} is in use by another program"))
            }
            _ => StartError::new(format!("{name}.listen: cannot listen on {wanted}: {error}")),
        };
        let socket = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let max_connections = usize::try_from(connections.get()).unwrap_or(usize::MAX);
        let limits = Limits { max_connections, drain: DRAIN, ..Limits::default() };
        Ok(Self { name, address, socket, limits })
    }

    /// The configuration's section.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// With the real port where the configuration said 0.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn serve_http(self, router: Router, shutdown: CancellationToken) {
        listen::serve_http(self.socket, router, self.limits, shutdown).await;
    }

    pub(super) async fn serve_grpc(self, router: Router, shutdown: CancellationToken) {
        listen::serve_grpc(self.socket, router, self.limits, shutdown).await;
    }
}
