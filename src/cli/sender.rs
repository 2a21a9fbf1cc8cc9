//! Sends one callback by plain HTTP, as a gateway would.

use std::time::Duration;

use axum::http::Uri;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::Failure;
use crate::domain::Callback;

const PATIENCE: Duration = Duration::from_secs(15);
/// An answer to a gateway is a few words.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Sends the callback to `url`, such as `http://127.0.0.1:8080/webhooks/stripe-eu`, on a connection of its own.
pub(super) async fn send(url: &str, callback: &Callback) -> Result<Answer, Failure> {
    let failed = |what: &dyn std::fmt::Display| Failure(format!("{url}: {what}"));
    let uri: Uri = url.parse().map_err(|error: axum::http::uri::InvalidUri| failed(&error))?;
    if uri.scheme_str() != Some("http") {
        return Err(failed(&"only http:// is spoken"));
    }
    let host = uri.host().ok_or_else(|| failed(&"names no host"))?;
    let exchange = exchange(
        (host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(80)),
        head(&uri, callback),
        callback.body.as_slice(),
    );
    let answer = timeout(PATIENCE, exchange).await.map_err(|_| failed(&"did not answer in time"))?;
    parse(&answer.map_err(|error| failed(&error))?).ok_or_else(|| failed(&"did not answer in HTTP"))
}

fn head(uri: &Uri, callback: &Callback) -> String {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let query = match (callback.query.as_str(), uri.query()) {
        ("", _) => String::new(),
        (query, None) => format!("?{query}"),
        (query, Some(_)) => format!("&{query}"),
    };
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let mut head =
        format!("{} {target}{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", callback.method);
    for (name, value) in &callback.headers {
        head.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value)));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", callback.body.len()));
    head
}

async fn exchange(address: (&str, u16), head: String, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
    Ok(answer)
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    // Small receivers, such as those that people write for a test, answer in HTTP/1.0.
    let status = head.strip_prefix("HTTP/1.")?.split([' ', '\r']).nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let answer = parse(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (401, "no"));
        let answer = parse(b"HTTP/1.0 200\r\nServer: mine\r\n\r\n").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert!(parse(b"SSH-2.0").is_none());
    }
}
