//! The program on one database: full load, a fifth of it, and updates to subscribers.

use std::{path::Path, time::Duration};

use tokio::runtime::Builder;

use crate::{
    Result,
    cluster::Cluster,
    load, orders, payments,
    program::Program,
    role::{Player, Role},
    watch,
};

const DATABASE: &str = "payment_status_bench";
const CONNECTIONS: usize = 256;
const WATCHERS: usize = 100;
/// Callbacks per second while updates are watched.
const WATCHED_RATE: f64 = 500.0;
const WARM_UP: Duration = Duration::from_secs(2);

/// Everything measured on one database.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Registrations per second.
    pub(crate) registered: f64,
    pub(crate) full: Loaded,
    /// Mean version of the first payments after the full load, and how many callbacks each had by then.
    pub(crate) versions: (f64, u64),
    pub(crate) fifth: Loaded,
    pub(crate) updates: watch::Measured,
    /// Resident memory of the program, in KiB: the most it ever had.
    pub(crate) peak_memory: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// Callbacks per second.
    pub(crate) rate: f64,
    pub(crate) load: load::Measured,
    /// CPU time per callback.
    pub(crate) program_cpu: Duration,
    pub(crate) database_cpu: Option<Duration>,
}

pub(crate) fn on_postgres(cluster: &Cluster, place: &Path, window: Duration) -> Result<Measured> {
    let url = cluster.create_database(DATABASE)?;
    let measured = measure(&Program::start(&url, place)?, Some(cluster), window)?;
    cluster.drop_database(DATABASE)?;
    Ok(measured)
}

pub(crate) fn on_sqlite(place: &Path, window: Duration) -> Result<Measured> {
    measure(&Program::start("sqlite://bench.db", place)?, None, window)
}

fn measure(program: &Program, cluster: Option<&Cluster>, window: Duration) -> Result<Measured> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let registered = runtime.block_on(orders::register(program.grpc))?;
    eprintln!("  payments registered, full load");
    let mut plan = load::Plan {
        address: program.http,
        connections: CONNECTIONS,
        rate: None,
        first: 0,
        warm_up: WARM_UP,
        window,
    };
    let full = loaded(program, cluster, &plan)?;
    let versions = (
        runtime.block_on(orders::mean_version(program.grpc))?,
        payments::callbacks_of_the_first(full.load.next),
    );
    eprintln!("  a fifth of it");
    plan.first = full.load.next;
    plan.rate = Some((full.rate / 5.0).max(1.0));
    let fifth = loaded(program, cluster, &plan)?;
    eprintln!("  updates");
    plan.first = fifth.load.next;
    plan.rate = Some(WATCHED_RATE);
    let updates =
        Role::Watch(watch::Plan { grpc: program.grpc, watchers: WATCHERS, load: plan }).start()?.hear()?;
    Ok(Measured { registered, full, versions, fifth, updates, peak_memory: program.peak_memory()? })
}

fn loaded(program: &Program, cluster: Option<&Cluster>, plan: &load::Plan) -> Result<Loaded> {
    let mut player = Role::Load(plan.clone()).start()?;
    let usage = |player: &mut Player, word: &str| -> Result<(Duration, Option<Duration>)> {
        let heard: String = player.hear()?;
        if heard != word {
            return Err(format!("the load process said {heard}, not {word}").into());
        }
        Ok((program.cpu()?, cluster.map(Cluster::cpu).transpose()?.flatten()))
    };
    let before = usage(&mut player, "open")?;
    let after = usage(&mut player, "closed")?;
    let load: load::Measured = player.hear()?;
    let answers = u32::try_from(load.answers)?;
    let each = |total: Duration| total / answers.max(1);
    Ok(Loaded {
        rate: f64::from(answers) / plan.window.as_secs_f64(),
        program_cpu: each(after.0.saturating_sub(before.0)),
        database_cpu: after.1.zip(before.1).map(|(after, before)| each(after.saturating_sub(before))),
        load,
    })
}
