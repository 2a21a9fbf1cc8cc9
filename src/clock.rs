//! The only place that reads the time; everybody else is told it.

use time::OffsetDateTime;

/// The system's time, or one that stands still for tests and replays.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Option<OffsetDateTime>);

impl Clock {
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    #[must_use]
    pub fn fixed(at: OffsetDateTime) -> Self {
        Self(Some(at))
    }

    /// Now, in UTC.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        self.0.unwrap_or_else(OffsetDateTime::now_utc)
    }
}
