//! One GET of a certificate: connect, see the host prove itself, ask once, read no more than is due.

use std::{
    io::{self, ErrorKind},
    str,
    sync::Arc,
};

use bytes::Bytes;
use http::{
    Request, StatusCode,
    header::{CONNECTION, HOST, USER_AGENT},
};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio_util::task::AbortOnDropHandle;

use super::{FetchError, Trust, tunnel};
use crate::gateways::CertificateUrl;

/// The only one; a [`CertificateUrl`] can not say another.
const PORT: u16 = 443;
/// Of an answer. A chain of certificates has a tenth of it.
const MAX_PEM_BYTES: usize = 64 << 10;
/// Of an answer's head, here and at the proxy.
pub(super) const MAX_HEAD_BYTES: usize = 16 << 10;

pub(super) struct Https {
    proxy: Option<String>,
    tls: TlsConnector,
}

impl Https {
    pub(super) fn new(proxy: Option<String>, trust: &Trust) -> Self {
        Self { proxy, tls: trust.connector() }
    }

    /// Takes as long as the other side likes: the caller sets the limit.
    pub(super) async fn get(&self, url: &CertificateUrl) -> Result<Arc<str>, FetchError> {
        match &self.proxy {
            None => {
                let direct = TcpStream::connect((url.host(), PORT)).await.map_err(|e| unreachable("", &e))?;
                self.get_through(direct, url).await
            }
            Some(proxy) => {
                let proxy = TcpStream::connect(proxy).await.map_err(|e| unreachable("the proxy: ", &e))?;
                self.get_through(tunnel::open(proxy, url.host(), PORT).await?, url).await
            }
        }
    }

    async fn get_through<S>(&self, stream: S, url: &CertificateUrl) -> Result<Arc<str>, FetchError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let host = ServerName::try_from(url.host().to_owned())
            .map_err(|error| FetchError::Untrusted(error.to_string()))?;
        let stream = self.tls.connect(host, stream).await.map_err(handshake_failed)?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
        let response = sender.send_request(request(url)?).await.map_err(broken)?;
        match response.status() {
            StatusCode::OK => pem(response.into_body()).await,
            other => Err(FetchError::Status(other.as_u16())),
        }
    }
}

fn request(url: &CertificateUrl) -> Result<Request<Empty<Bytes>>, FetchError> {
    Request::get(url.path())
        .header(HOST, url.host())
        .header(USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .body(Empty::new())
        .map_err(|error| FetchError::Broken(error.to_string()))
}

/// Counted while it comes in.
async fn pem(body: Incoming) -> Result<Arc<str>, FetchError> {
    let body = Limited::new(body, MAX_PEM_BYTES).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            FetchError::TooLarge
        } else {
            FetchError::Broken(error.to_string())
        }
    })?;
    let bytes = body.to_bytes();
    let text = str::from_utf8(&bytes).map_err(|_| FetchError::NotPem)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(text.into()),
        _ => Err(FetchError::NotPem),
    }
}

fn unreachable(whom: &str, error: &io::Error) -> FetchError {
    FetchError::Unreachable(format!("{whom}{error}"))
}

fn handshake_failed(error: io::Error) -> FetchError {
    match error.kind() {
        ErrorKind::InvalidData => FetchError::Untrusted(error.to_string()),
        _ => FetchError::Broken(error.to_string()),
    }
}

fn broken(error: hyper::Error) -> FetchError {
    FetchError::Broken(error.to_string())
}
