//! Certificates that a proof needs and that the gateway's own site has: fetched, and kept for a while.
//!
//! This is the one place that connects to the world outside on behalf of a stranger: a callback that is not proven
//! yet says which certificate would prove it. So everything is bounded. Where to is a [`CertificateUrl`], which only
//! a kind's description allows. A certificate is fetched once however many wait for it, a few at a time, each within
//! a time limit, and what failed is left alone for some seconds, so that nobody can make this service hammer a host.
//!
//! ```text
//! shelf   what is kept, under way, and failed a moment ago: all the rules, no I/O
//! https   one GET, from connecting to PEM           tunnel   through a company's proxy
//! trust   whose word about a host counts            error    why there is no certificate
//! ```

mod error;
mod https;
mod shelf;
mod trust;
mod tunnel;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout_at},
};

pub use error::FetchError;
pub use trust::{Trust, TrustError};

use crate::{
    gateways::{CertificateUrl, Certificates},
    telemetry::Metrics,
};
use https::Https;
use shelf::{Asked, Fetched, Shelf};

/// Fetches at once, whatever the hosts.
const MAX_AT_ONCE: usize = 4;
/// Of one fetch, its turn and all its parts together. The adapter waits a little longer than this for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the world outside is reached.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// `HOST:PORT` of an HTTP proxy that tunnels (CONNECT). Without one, the hosts themselves are connected to.
    pub proxy: Option<String>,
    pub trust: Trust,
    /// How long one fetch may take.
    pub patience: Duration,
}

impl Outbound {
    #[must_use]
    pub fn new(proxy: Option<String>, trust: Trust) -> Self {
        Self { proxy, trust, patience: PATIENCE }
    }
}

/// The certificates at hand, and the way to more. Cheap to clone.
#[derive(Clone)]
pub struct CertificateCache(Arc<Inner>);

struct Inner {
    shelf: Mutex<Shelf>,
    https: Https,
    turns: Semaphore,
    patience: Duration,
    metrics: Metrics,
}

impl CertificateCache {
    #[must_use]
    pub fn new(outbound: Outbound, metrics: Metrics) -> Self {
        let Outbound { proxy, trust, patience } = outbound;
        Self(Arc::new(Inner {
            shelf: Mutex::default(),
            https: Https::new(proxy, &trust),
            turns: Semaphore::new(MAX_AT_ONCE),
            patience,
            metrics,
        }))
    }

    /// What verification may use at this time. Costs next to nothing, and nobody is asked.
    #[must_use]
    pub fn at_hand(&self, now: OffsetDateTime) -> Arc<Certificates> {
        self.shelf().at_hand(now)
    }

    /// The certificates at hand with this one among them, fetched if need be.
    ///
    /// Who stops waiting stops nothing: the fetch goes on, for the others and for the next try.
    pub async fn fetch(
        &self,
        url: &CertificateUrl,
        now: OffsetDateTime,
    ) -> Result<Arc<Certificates>, FetchError> {
        // The answer is taken out first, so that the lock is gone before anything waits.
        let asked = self.shelf().ask(url, now);
        let mut fetched = match asked {
            Asked::AtHand(certificates) => return Ok(certificates),
            Asked::Refused(error) => {
                self.0.metrics.certificate_fetch(error.word());
                return Err(error);
            }
            Asked::Underway(fetched) => fetched,
            Asked::Begin(done, fetched) => {
                tokio::spawn(self.clone().run(url.clone(), now, done));
                fetched
            }
        };
        let fetched = fetched.wait_for(Option::is_some).await.map_err(|_| FetchError::Ended)?;
        fetched.clone().unwrap_or(Err(FetchError::Ended))
    }

    async fn run(self, url: CertificateUrl, now: OffsetDateTime, done: watch::Sender<Option<Fetched>>) {
        let pem = self.get(&url, now).await;
        match &pem {
            Ok(_) => {
                self.0.metrics.certificate_fetch("fetched");
                tracing::debug!(%url, "a certificate was fetched");
            }
            Err(error) => {
                self.0.metrics.certificate_fetch(error.word());
                // The path is a stranger's, so the log has the host alone.
                tracing::warn!(host = url.host(), %error, "a certificate could not be fetched");
            }
        }
        let fetched = self.shelf().settle(&url, pem, now);
        done.send_replace(Some(fetched));
    }

    async fn get(&self, url: &CertificateUrl, now: OffsetDateTime) -> Result<Arc<str>, FetchError> {
        let deadline = Instant::now() + self.0.patience;
        let turn = timeout_at(deadline, self.0.turns.acquire()).await.map_err(|_| FetchError::Busy)?;
        let _turn = turn.map_err(|_| FetchError::Ended)?;
        // Others of the same host may have failed while this one waited for its turn.
        if self.shelf().is_held_off(url, now) {
            return Err(FetchError::HeldOff);
        }
        timeout_at(deadline, self.0.https.get(url)).await.map_err(|_| FetchError::TimedOut)?
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // Nothing in there panics half way, so what a panicking thread leaves is whole.
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CertificateCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateCache").field("shelf", &*self.shelf()).finish_non_exhaustive()
    }
}
