//! HTTP/2 with prior knowledge, as gRPC speaks it.

use std::{net::SocketAddr, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpConnectInfo;
use tower::Service as _;

use super::{
    Limits, accept, drive,
    patience::{Patience, Patient},
};

/// Bytes in flight on one stream and on one connection: a call of the adapter carries a whole batch.
pub(super) const STREAM_WINDOW: u32 = 1024 * 1024;
pub(super) const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

const MAX_STREAMS: u32 = 256;
const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;
const MAX_FRAME_BYTES: u32 = 64 * 1024;
/// Streams that the peer reset before we looked at them (CVE-2023-44487, "rapid reset").
const MAX_PENDING_RESETS: usize = 20;
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_PATIENCE: Duration = Duration::from_secs(20);

/// `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`
const PREFACE_BYTES: usize = 24;

/// Serves gRPC until the shutdown, and returns when the last connection has ended. The router is made of
/// [`tonic::service::Routes`], with whatever layers around it.
///
/// Streams that never end by themselves must see the same shutdown, or they last until they are cut.
pub async fn serve_grpc(
    listener: TcpListener,
    router: axum::Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let router = router.with_state(());
    accept(listener, &limits, &shutdown, |stream, peer| {
        let patience = Patience { head: limits.first_bytes, stall: limits.stall };
        let stream = Patient::until_preface(stream, patience, PREFACE_BYTES);
        connection(stream, Some(peer), router.clone(), shutdown.child_token(), limits.drain)
    })
    .await;
}

pub(super) async fn connection<IO>(
    io: IO,
    peer: Option<SocketAddr>,
    router: axum::Router,
    shutdown: CancellationToken,
    drain: Duration,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let peer = TcpConnectInfo { local_addr: None, remote_addr: peer };
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().call(request)
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE)
        .serve_connection(TokioIo::new(io), service);
    drive(connection, http2::Connection::graceful_shutdown, shutdown, drain).await;
}
