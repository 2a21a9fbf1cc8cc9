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

    /// Now, in UTC and in whole microseconds: what is told at once is then what the databases keep.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        self.0.unwrap_or_else(OffsetDateTime::now_utc).truncate_to_microsecond()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_is_no_finer_than_what_is_kept() {
        let clock = Clock::fixed(OffsetDateTime::UNIX_EPOCH + time::Duration::nanoseconds(1_999));
        assert_eq!(clock.now(), OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(1));
    }
}
