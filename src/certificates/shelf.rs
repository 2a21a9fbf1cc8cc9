//! What is kept, what is under way, and what failed a moment ago. No I/O, and the time is an argument.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use time::{Duration, OffsetDateTime};
use tokio::sync::watch;

use super::FetchError;
use crate::gateways::{CertificateUrl, Certificates};

/// Gateways have a handful; the oldest goes.
const MAX_KEPT: usize = 64;
/// A certificate that the gateway withdraws is used no longer than this.
const MAX_AGE: Duration = Duration::hours(24);
/// How long a failure keeps from trying again.
const HOLD_OFF: Duration = Duration::seconds(10);
/// Of one host, within [`HOLD_OFF`]. A stranger may name as many paths as he likes, each another one.
const MAX_FAILED_PATHS: usize = 8;
/// Fetches that run or wait for their turn.
const MAX_UNDERWAY: usize = 64;

/// How a fetch ended, for all who wait for it.
pub(super) type Fetched = Result<Arc<Certificates>, FetchError>;

#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// Those of `kept` that are young enough, ready to be handed out.
    at_hand: Arc<Certificates>,
    /// The oldest first. Those too old stay on the list: a path that was once right is no stranger's invention.
    kept: VecDeque<Kept>,
    failed_at: BTreeMap<CertificateUrl, OffsetDateTime>,
    underway: BTreeMap<CertificateUrl, watch::Receiver<Option<Fetched>>>,
}

#[derive(Debug)]
struct Kept {
    url: CertificateUrl,
    fetched_at: OffsetDateTime,
}

/// What to do about a certificate that somebody asks for.
#[derive(Debug)]
pub(super) enum Asked {
    AtHand(Arc<Certificates>),
    /// Somebody is fetching it: wait with him.
    Underway(watch::Receiver<Option<Fetched>>),
    /// Fetch it, and tell by the sender how it went.
    Begin(watch::Sender<Option<Fetched>>, watch::Receiver<Option<Fetched>>),
    Refused(FetchError),
}

impl Shelf {
    pub(super) fn at_hand(&mut self, now: OffsetDateTime) -> Arc<Certificates> {
        for Kept { url, fetched_at } in &self.kept {
            if !is_within(MAX_AGE, *fetched_at, now) && self.at_hand.get(url).is_some() {
                Arc::make_mut(&mut self.at_hand).remove(url);
            }
        }
        Arc::clone(&self.at_hand)
    }

    pub(super) fn ask(&mut self, url: &CertificateUrl, now: OffsetDateTime) -> Asked {
        let at_hand = self.at_hand(now);
        if at_hand.get(url).is_some() {
            return Asked::AtHand(at_hand);
        }
        // A fetch that was cut off tells nobody; its channel closes.
        self.underway.retain(|_, fetched| fetched.has_changed().is_ok());
        if let Some(fetched) = self.underway.get(url) {
            return Asked::Underway(fetched.clone());
        }
        self.failed_at.retain(|_, failed_at| is_within(HOLD_OFF, *failed_at, now));
        if self.is_held_off(url, now) {
            return Asked::Refused(FetchError::HeldOff);
        }
        if self.underway.len() >= MAX_UNDERWAY {
            return Asked::Refused(FetchError::Busy);
        }
        let (done, fetched) = watch::channel(None);
        self.underway.insert(url.clone(), fetched.clone());
        Asked::Begin(done, fetched)
    }

    /// Whether it must not be asked for now. Of a host with many failures, only what was once there is asked for.
    pub(super) fn is_held_off(&self, url: &CertificateUrl, now: OffsetDateTime) -> bool {
        let recent = || self.failed_at.iter().filter(|(_, at)| is_within(HOLD_OFF, **at, now));
        let was_there = || self.kept.iter().any(|kept| kept.url == *url);
        let of_host = || recent().filter(|(failed, _)| failed.host() == url.host()).count();
        recent().any(|(failed, _)| failed == url) || (of_host() >= MAX_FAILED_PATHS && !was_there())
    }

    /// Ends a fetch that [`Asked::Begin`] began at `now`.
    pub(super) fn settle(
        &mut self,
        url: &CertificateUrl,
        pem: Result<Arc<str>, FetchError>,
        now: OffsetDateTime,
    ) -> Fetched {
        self.underway.remove(url);
        match pem {
            Ok(pem) => {
                self.keep(url, pem, now);
                Ok(Arc::clone(&self.at_hand))
            }
            Err(error) => {
                if error.is_an_attempt() {
                    self.failed_at.insert(url.clone(), now);
                }
                Err(error)
            }
        }
    }

    fn keep(&mut self, url: &CertificateUrl, pem: Arc<str>, now: OffsetDateTime) {
        let at_hand = Arc::make_mut(&mut self.at_hand);
        self.kept.retain(|kept| kept.url != *url);
        if self.kept.len() >= MAX_KEPT
            && let Some(oldest) = self.kept.pop_front()
        {
            at_hand.remove(&oldest.url);
        }
        self.kept.push_back(Kept { url: url.clone(), fetched_at: now });
        at_hand.insert(url.clone(), pem);
    }
}

/// Either way: a clock that was set back must not make anything last.
fn is_within(span: Duration, then: OffsetDateTime, now: OffsetDateTime) -> bool {
    (now - then).abs() < span
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const HOST: &str = "certs.example";

    fn url(host: &str, path: usize) -> CertificateUrl {
        CertificateUrl::allowed(&format!("https://{host}/{path}"), &[host.to_owned()], "/").unwrap()
    }

    fn fetched(shelf: &mut Shelf, url: &CertificateUrl, now: OffsetDateTime) {
        assert!(matches!(shelf.ask(url, now), Asked::Begin(..)), "{url} has to be fetched");
        shelf.settle(url, Ok("PEM".into()), now).unwrap();
    }

    fn failed(shelf: &mut Shelf, url: &CertificateUrl, now: OffsetDateTime) {
        assert!(matches!(shelf.ask(url, now), Asked::Begin(..)), "{url} has to be fetched");
        shelf.settle(url, Err(FetchError::TimedOut), now).unwrap_err();
    }

    fn is_refused(shelf: &mut Shelf, url: &CertificateUrl, now: OffsetDateTime) -> bool {
        matches!(shelf.ask(url, now), Asked::Refused(FetchError::HeldOff))
    }

    #[test]
    fn a_certificate_is_kept_for_a_day() {
        let (mut shelf, url) = (Shelf::default(), url(HOST, 1));
        fetched(&mut shelf, &url, NOW);
        assert!(matches!(shelf.ask(&url, NOW + MAX_AGE - Duration::SECOND), Asked::AtHand(_)));
        assert!(shelf.at_hand(NOW + MAX_AGE).is_empty());
        fetched(&mut shelf, &url, NOW + MAX_AGE);
        assert_eq!(shelf.at_hand(NOW + MAX_AGE).len(), 1);
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut shelf = Shelf::default();
        for path in 0..=MAX_KEPT {
            fetched(&mut shelf, &url(HOST, path), NOW);
        }
        let at_hand = shelf.at_hand(NOW);
        assert_eq!((at_hand.len(), shelf.kept.len()), (MAX_KEPT, MAX_KEPT));
        assert!(at_hand.get(&url(HOST, 0)).is_none() && at_hand.get(&url(HOST, MAX_KEPT)).is_some());
    }

    #[test]
    fn who_holds_a_snapshot_keeps_it() {
        let (mut shelf, url) = (Shelf::default(), url(HOST, 1));
        fetched(&mut shelf, &url, NOW);
        let before = shelf.at_hand(NOW);
        assert!(shelf.at_hand(NOW + MAX_AGE).is_empty());
        assert_eq!(before.len(), 1);
    }

    #[test]
    fn what_failed_is_left_alone_for_some_seconds() {
        let (mut shelf, url) = (Shelf::default(), url(HOST, 1));
        failed(&mut shelf, &url, NOW);
        assert!(is_refused(&mut shelf, &url, NOW + HOLD_OFF - Duration::SECOND));
        fetched(&mut shelf, &url, NOW + HOLD_OFF);
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nothing_off_for_long() {
        let (mut shelf, url) = (Shelf::default(), url(HOST, 1));
        failed(&mut shelf, &url, NOW + Duration::DAY);
        fetched(&mut shelf, &url, NOW);
    }

    #[test]
    fn many_wrong_paths_do_not_hammer_their_host_and_harm_no_other() {
        let (mut shelf, known) = (Shelf::default(), url(HOST, 999));
        fetched(&mut shelf, &known, NOW);
        let later = NOW + MAX_AGE;
        for path in 0..MAX_FAILED_PATHS {
            failed(&mut shelf, &url(HOST, path), later);
        }
        for path in MAX_FAILED_PATHS..100 {
            assert!(is_refused(&mut shelf, &url(HOST, path), later));
        }
        assert_eq!(shelf.failed_at.len(), MAX_FAILED_PATHS);
        fetched(&mut shelf, &url("other.example", 1), later);
        fetched(&mut shelf, &known, later);
    }

    #[test]
    fn while_one_fetches_the_others_wait_with_him() {
        let (mut shelf, url) = (Shelf::default(), url(HOST, 1));
        let Asked::Begin(done, _) = shelf.ask(&url, NOW) else { panic!("the first begins") };
        assert!(matches!(shelf.ask(&url, NOW), Asked::Underway(_)));
        drop(done);
        assert!(matches!(shelf.ask(&url, NOW), Asked::Begin(..)), "it was cut off");
    }

    #[test]
    fn no_more_than_so_many_are_under_way() {
        let mut shelf = Shelf::default();
        let begun: Vec<_> = (0..MAX_UNDERWAY).map(|path| shelf.ask(&url(HOST, path), NOW)).collect();
        assert!(begun.iter().all(|asked| matches!(asked, Asked::Begin(..))));
        let next = shelf.ask(&url(HOST, MAX_UNDERWAY), NOW);
        assert!(matches!(next, Asked::Refused(FetchError::Busy)));
        shelf.settle(&url(HOST, 0), Err(FetchError::Busy), NOW).unwrap_err();
        assert!(!is_refused(&mut shelf, &url(HOST, 0), NOW), "who was not asked has not failed");
    }
}
