//! gRPC between two parts of one process: the same protocol, without a socket.

use std::{convert::Infallible, future::ready, time::Duration};

use axum::http::Uri;
use hyper_util::rt::TokioIo;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::grpc::{CONNECTION_WINDOW, STREAM_WINDOW, connection};

/// Bytes on their way in one direction.
const BUFFER_BYTES: usize = 1024 * 1024;

/// A channel whose server is `router`. It connects at the first call, and again whenever a connection was lost.
///
/// The server side runs in `tasks`: GOAWAY at the shutdown, cut `drain` later. Give it a shutdown that comes
/// after its callers', so that they can finish.
pub fn in_memory(
    router: axum::Router,
    drain: Duration,
    shutdown: CancellationToken,
    tasks: TaskTracker,
) -> Channel {
    let router = router.with_state(());
    let connect = service_fn(move |_: Uri| {
        let (near, far) = tokio::io::duplex(BUFFER_BYTES);
        tasks.spawn(connection(far, None, router.clone(), shutdown.child_token(), drain));
        ready(Ok::<_, Infallible>(TokioIo::new(near)))
    });
    Endpoint::from_static("http://in-memory")
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .connect_with_connector_lazy(connect)
}
