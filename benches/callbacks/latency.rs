//! Latencies, told by their percentiles.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

// === impl Percentiles ===

impl Percentiles {
    /// Exact, by sorting. All zero where nothing was measured.
    pub(crate) fn of(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        let at = |percent| samples.get(samples.len() * percent / 100).copied().unwrap_or_default();
        Self { p50: at(50), p99: at(99), max: samples.last().copied().unwrap_or_default() }
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
        write!(
            f,
            "p50 {:.1} ms, p99 {:.1} ms, max {:.0} ms",
            millis(self.p50),
            millis(self.p99),
            millis(self.max)
        )
    }
}
