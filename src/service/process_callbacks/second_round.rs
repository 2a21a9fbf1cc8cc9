//! The callbacks that need a certificate: it is fetched, they are checked again, and that is all.

use std::{collections::BTreeSet, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{Answer, Needy, let_others_run, round::Round};
use crate::service::PaymentStatusService;

/// How long callbacks that need nothing wait for the answers of those that do. A fetch that takes longer goes on,
/// and the gateway's next try finds the certificate.
const PATIENCE_OF_OTHERS: Duration = Duration::from_secs(1);

pub(super) async fn answers(
    service: &PaymentStatusService,
    needy: Vec<Needy<'_>>,
    others_wait: bool,
) -> Vec<Answer> {
    if needy.is_empty() {
        return Vec::new();
    }
    let fetches = fetch(service, &needy);
    if others_wait {
        // Who is not done by then is answered without; see there.
        let _ = timeout(PATIENCE_OF_OTHERS, fetches.join_all()).await;
    } else {
        fetches.join_all().await;
    }
    let certificates = service.certificates.at_hand(service.clock.now());
    let mut round = Round::of(needy.len());
    for (count, (index, needs)) in needy.into_iter().enumerate() {
        let_others_run(count).await;
        round.add(index, needs.arrival.check_again(service, &certificates));
    }
    round.record(service).await
}

/// Each certificate once, all at the same time; the cache bounds how many really are. How a fetch ends is told by
/// what is at hand then.
fn fetch(service: &PaymentStatusService, needy: &[Needy<'_>]) -> JoinSet<()> {
    let urls: BTreeSet<_> = needy.iter().map(|(_, needs)| needs.url.clone()).collect();
    let now = service.clock.now();
    let mut fetches = JoinSet::new();
    for url in urls {
        let certificates = service.certificates.clone();
        fetches.spawn(async move {
            let _ = certificates.fetch(&url, now).await;
        });
    }
    fetches
}
