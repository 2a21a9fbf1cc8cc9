use std::time::Duration;

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::Core;
use crate::ops::Readiness;

const ASK_EVERY: Duration = Duration::from_secs(1);
/// A database that takes longer to say "1" is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells probes whether the database answers, until the shutdown; then that traffic should go elsewhere. An adapter
/// alone is ready while it runs: it has an answer for gateways even while the service is away.
pub(super) async fn follow(
    core: Option<&Core>,
    readiness: &watch::Sender<Readiness>,
    shutdown: &CancellationToken,
) {
    let Some(core) = core else {
        readiness.send_replace(Readiness::Ready);
        shutdown.cancelled().await;
        readiness.send_replace(shutting_down());
        return;
    };
    let ask = async {
        loop {
            let now = ask(core).await;
            if *readiness.borrow() != now {
                tracing::info!(readiness = ?now, "readiness changed");
                core.health().set_serving(now == Readiness::Ready).await;
                readiness.send_replace(now);
            }
            sleep(ASK_EVERY).await;
        }
    };
    let _: Option<()> = shutdown.run_until_cancelled(ask).await;
    readiness.send_replace(shutting_down());
    core.health().set_serving(false).await;
}

async fn ask(core: &Core) -> Readiness {
    match timeout(PATIENCE, core.ping()).await {
        Ok(Ok(())) => Readiness::Ready,
        Ok(Err(error)) => Readiness::NotReady(error.to_string()),
        Err(_) => Readiness::NotReady("the database does not answer".to_owned()),
    }
}

fn shutting_down() -> Readiness {
    Readiness::NotReady("shutting down".to_owned())
}
