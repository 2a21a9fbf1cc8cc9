//! Accept loops that outlive bad peers: every wait for a peer has a deadline, and connections are counted.
//!
//! `axum::serve` and tonic's transport have neither: a peer that connects and stays silent is held for ever
//! and, over HTTP/2, holds a graceful shutdown with it (hyperium/hyper#4170, tokio-rs/axum#2741).

mod grpc;
mod http;
mod memory;
mod patience;

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use grpc::serve_grpc;
pub use http::serve_http;
pub use memory::in_memory;

/// How much one listener gives to strangers.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's backlog.
    pub max_connections: usize,
    /// gRPC: from the connection to its complete HTTP/2 preface.
    pub first_bytes: Duration,
    /// HTTP: from a request's first byte, or the connection, to the end of its head.
    pub header: Duration,
    /// HTTP: from an answer to the next request. Longer than a reverse proxy's own limit (nginx: 60 s), so that
    /// it is the proxy who closes and no request meets a closing connection.
    pub idle: Duration,
    /// A peer that takes nothing of what we send.
    pub stall: Duration,
    /// From the shutdown to the moment when what is still open is cut. Longer than a request may take in the
    /// service; two listeners that end one after the other stay within the usual 30 s of an orchestrator.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 2048,
            first_bytes: Duration::from_secs(5),
            header: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(20),
            drain: Duration::from_secs(10),
        }
    }
}

/// Accepts until the shutdown, then waits for the connections; each ends by itself within `limits.drain`.
async fn accept<S, F>(listener: TcpListener, limits: &Limits, shutdown: &CancellationToken, serve: S)
where
    S: Fn(TcpStream, SocketAddr) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(limits.max_connections));
    let connections = TaskTracker::new();
    while let Some((stream, peer, slot)) = shutdown.run_until_cancelled(admit(&listener, &slots)).await {
        let connection = serve(stream, peer);
        connections.spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection. Takes its slot first: at the cap nothing is accepted, and nothing spins.
async fn admit(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    let mut pause = Duration::from_millis(50);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and somebody waits for each; if the option fails, they are only slower.
                let _ = stream.set_nodelay(true);
                return (stream, peer, slot);
            }
            Err(error) if is_about_one_peer(&error) => {}
            Err(error) => {
                // Mostly out of file descriptors: connections that end will give some back.
                tracing::warn!(%error, "cannot accept connections, trying again");
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

fn is_about_one_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Runs a connection to its end; after the shutdown `stop` asks it to finish, and `drain` later it is cut.
async fn drive<C: Future>(
    connection: C,
    stop: impl FnOnce(Pin<&mut C>),
    shutdown: CancellationToken,
    drain: Duration,
) {
    let mut connection = pin!(connection);
    if shutdown.run_until_cancelled(connection.as_mut()).await.is_some() {
        return;
    }
    stop(connection.as_mut());
    if timeout(drain, connection).await.is_err() {
        tracing::debug!("cut a connection that did not finish in time");
    }
}
