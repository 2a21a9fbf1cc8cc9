//! `WatchTransactions`: every committed change, in commit order, from wherever the client stands.

mod stream;
mod watch;

use std::time::Duration;

pub use stream::WatchStream;

use super::{PaymentStatusService, error::Failure, fields::Fields};
use crate::{
    feed::Cursor,
    proto::{WatchStart, WatchTransactionsRequest},
    store::Filter,
};
use watch::Watch;

const DEFAULT_PROGRESS: Duration = Duration::from_secs(10);
const MIN_PROGRESS: Duration = Duration::from_secs(1);
const MAX_PROGRESS: Duration = Duration::from_secs(3600);

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: WatchTransactionsRequest,
) -> Result<WatchStream, Failure> {
    let Asked { start, filter, until, progress_interval } = read(request)?;
    if let Some(until) = &until {
        service.feed.reached(until).await?;
    }
    let (from, snapshot) = match start {
        Start::Now => (service.feed.now().await?, false),
        Start::Earliest => (service.feed.earliest().await?, false),
        Start::Snapshot => (service.feed.now().await?, true),
        Start::After(cursor) => {
            service.feed.resume(&cursor).await?;
            let unfinished = cursor.snapshot_after().is_some();
            (cursor, unfinished)
        }
    };
    let until = until.map(|cursor| cursor.position());
    Ok(WatchStream::start(service, |outbox| Watch {
        store: service.store.clone(),
        feed: service.feed.clone(),
        filter,
        from,
        snapshot,
        until,
        progress_interval,
        outbox,
    }))
}

#[derive(Debug)]
struct Asked {
    start: Start,
    filter: Filter,
    until: Option<Cursor>,
    progress_interval: Duration,
}

#[derive(Debug)]
enum Start {
    Now,
    Earliest,
    Snapshot,
    After(Cursor),
}

fn read(request: WatchTransactionsRequest) -> Result<Asked, Failure> {
    let WatchTransactionsRequest { after_cursor, start, filter, until_cursor, progress_interval } = request;
    let mut fields = Fields::default();
    let start = read_start(&mut fields, &after_cursor, start);
    let filter = fields.filter(filter);
    let until = fields.parse_optional("until_cursor", &until_cursor);
    let progress_interval = progress_interval.map_or(Some(DEFAULT_PROGRESS), |interval| {
        Duration::try_from(interval).ok().filter(|interval| (MIN_PROGRESS..=MAX_PROGRESS).contains(interval))
    });
    fields.require(progress_interval.is_some(), "progress_interval", "must be 1 s to 1 h");
    let asked = start.zip(progress_interval);
    let asked = asked.map(|(start, progress_interval)| Asked { start, filter, until, progress_interval });
    fields.finish(asked)
}

fn read_start(fields: &mut Fields, after_cursor: &str, start: i32) -> Option<Start> {
    let Ok(start) = WatchStart::try_from(start) else {
        fields.refuse("start", "is not a known value");
        return None;
    };
    if after_cursor.is_empty() {
        return Some(match start {
            WatchStart::Unspecified | WatchStart::Now => Start::Now,
            WatchStart::Earliest => Start::Earliest,
            WatchStart::Snapshot => Start::Snapshot,
        });
    }
    fields.require(start == WatchStart::Unspecified, "start", "excludes after_cursor: set one of them");
    fields.parse("after_cursor", after_cursor).map(Start::After)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(request: WatchTransactionsRequest) -> bool {
        read(request).is_ok()
    }

    #[test]
    fn a_watch_starts_at_one_place() {
        let with = |after_cursor: &str, start: i32| WatchTransactionsRequest {
            after_cursor: after_cursor.into(),
            start,
            ..Default::default()
        };
        let cursor = "AQAAAAAAAAAHAAAAAAAAACp1AelU";
        assert!(matches!(read(with("", 0)), Ok(Asked { start: Start::Now, .. })));
        assert!(matches!(read(with("", 2)), Ok(Asked { start: Start::Earliest, .. })));
        assert!(matches!(read(with("", 3)), Ok(Asked { start: Start::Snapshot, .. })));
        for (refused, why) in
            [(with("no", 0), "garbage"), (with("", 9), "unknown"), (with(cursor, 1), "both")]
        {
            assert!(!reads(refused), "{why}");
        }
    }

    #[test]
    fn progress_comes_between_each_second_and_each_hour() {
        for (seconds, nanos, fits) in
            [(1, 0, true), (3600, 0, true), (0, 999_999_999, false), (3600, 1, false), (-1, 0, false)]
        {
            let progress_interval = Some(prost_types::Duration { seconds, nanos });
            assert_eq!(reads(WatchTransactionsRequest { progress_interval, ..Default::default() }), fits);
        }
    }
}
