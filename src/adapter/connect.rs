//! The way to a service in another process.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use crate::proto::payment_status_client::PaymentStatusClient;

/// A dead peer without a reset is found after both together.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_PATIENCE: Duration = Duration::from_secs(5);
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
#[error("service URL {url:?}: {reason}; write it like http://payment-status:50051")]
pub struct ServiceUrlError {
    url: String,
    reason: String,
}

/// Connects at the first call, and again by itself whenever the connection was lost, so the service may be down
/// now. Call it inside the runtime.
pub fn connect(url: &str) -> Result<PaymentStatusClient<Channel>, ServiceUrlError> {
    let wrong = |reason: String| ServiceUrlError { url: url.to_owned(), reason };
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|error| wrong(error.to_string()))?;
    let uri = endpoint.uri();
    if uri.scheme_str() != Some("http") {
        return Err(wrong("only http is spoken".to_owned()));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) || uri.path() != "/" {
        return Err(wrong("only a host and a port are used".to_owned()));
    }
    let endpoint = endpoint
        .connect_timeout(CONNECT_PATIENCE)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE)
        .keep_alive_while_idle(true);
    Ok(PaymentStatusClient::new(endpoint.connect_lazy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_service_url_is_a_scheme_a_host_and_a_port() {
        assert!(connect("http://localhost:50051").is_ok());
        for bad in [
            "",
            "localhost:50051",
            "https://localhost",
            "http://me:secret@localhost",
            "http://localhost/path",
        ] {
            assert!(connect(bad).is_err(), "{bad}");
        }
    }
}
