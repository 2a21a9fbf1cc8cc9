//! Through an HTTP proxy, which is told the host and its port and sees nothing else.

use bytes::Bytes;
use http::{Method, Request, header::HOST};
use http_body_util::Empty;
use hyper::{client::conn::http1, upgrade};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use super::{FetchError, https::MAX_HEAD_BYTES};

/// A connection to the host itself, by way of the proxy.
pub(super) async fn open(
    proxy: TcpStream,
    host: &str,
    port: u16,
) -> Result<TokioIo<upgrade::Upgraded>, FetchError> {
    let broken = |error: hyper::Error| FetchError::Broken(format!("by the proxy: {error}"));
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(proxy))
        .await
        .map_err(broken)?;
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection.with_upgrades()));
    let authority = format!("{host}:{port}");
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(&authority)
        .header(HOST, &authority)
        .body(Empty::<Bytes>::new())
        .map_err(|error| FetchError::Unreachable(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(broken)?;
    if !response.status().is_success() {
        return Err(FetchError::ProxyRefused(response.status().as_u16()));
    }
    Ok(TokioIo::new(upgrade::on(response).await.map_err(broken)?))
}
