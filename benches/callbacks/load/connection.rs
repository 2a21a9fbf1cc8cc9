//! One keep-alive connection. No HTTP client: on a machine that the program shares, the load must be cheap.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use super::{Answer, pace::Pace};
use crate::{Result, stripe::Signer};

pub(super) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    response: Vec<u8>,
}

// === impl Connection ===

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream, response: Vec::with_capacity(1024) })
    }

    /// Sends callbacks one after another. One that breaks the connection counts as refused.
    pub(super) async fn drive(
        mut self,
        signer: Signer,
        pace: Pace,
        next: Arc<AtomicU64>,
    ) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        let mut request = String::with_capacity(2048);
        while let Some(due) = pace.next().await {
            let number = next.fetch_add(1, Ordering::Relaxed);
            signer.write(number, &mut request)?;
            let status = self.exchange(request.as_bytes()).await;
            answers.push(Answer {
                number,
                due,
                received: Instant::now(),
                accepted: matches!(status, Ok(200)),
            });
            if status.is_err() {
                self = Self::open(self.address).await?;
            }
        }
        Ok(answers)
    }

    /// Sends a request and reads the whole response, of which only the status counts.
    async fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.response.clear();
        loop {
            if self.stream.read_buf(&mut self.response).await? == 0 {
                return Err("the program closed the connection".into());
            }
            if let Some((status, length)) = parse(&self.response)?
                && self.response.len() >= length
            {
                return Ok(status);
            }
        }
    }
}

/// Status and length in all of a response, once its head is there.
fn parse(response: &[u8]) -> Result<Option<(u16, usize)>> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(head) = response.windows(END.len()).position(|window| window == END) else { return Ok(None) };
    let text = str::from_utf8(response.get(..head).unwrap_or_default())?;
    let status = text.get(9..12).ok_or("no status in the response")?.parse()?;
    let length = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, value)| value.trim().parse::<usize>())?;
    Ok(Some((status, head + END.len() + length)))
}
