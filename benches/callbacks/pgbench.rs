//! Yardstick: what PostgreSQL does for a receiver that commits one transaction per callback.

use std::{path::Path, time::Duration};

use crate::{
    Result,
    cluster::{Cluster, output},
};

const DATABASE: &str = "payment_status_yardstick";
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/yardstick");
const OPTIONS: [&str; 4] = ["--no-vacuum", "--protocol=prepared", "--client=64", "--jobs=2"];

#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) transactions_per_second: f64,
    pub(crate) mean_latency: Duration,
    /// CPU time of PostgreSQL per transaction, pgbench's own left out.
    pub(crate) database_cpu: Option<Duration>,
}

pub(crate) fn measure(cluster: &Cluster, window: Duration) -> Result<Measured> {
    let url = cluster.create_database(DATABASE)?;
    let schema = Path::new(SCRIPTS).join("schema.sql");
    let mut psql = cluster.command("psql");
    psql.args(["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "--file"]).arg(schema).arg(&url);
    output(&mut psql)?;
    let mut pgbench = cluster.command("pgbench");
    pgbench.args(OPTIONS).arg(format!("--time={}", window.as_secs().max(1)));
    pgbench.arg("--file").arg(Path::new(SCRIPTS).join("one.sql")).arg(&url);
    let before = cluster.cpu()?;
    let report = output(&mut pgbench)?;
    let after = cluster.cpu()?;
    cluster.drop_database(DATABASE)?;
    let value = |name: &str| -> Result<f64> {
        let line = report.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| report.clone())?;
        Ok(line.split_ascii_whitespace().next().unwrap_or_default().parse()?)
    };
    let transactions = value("number of transactions actually processed: ")?;
    let each = |total: Duration| total.div_f64(transactions.max(1.0));
    Ok(Measured {
        transactions_per_second: value("tps = ")?,
        mean_latency: Duration::from_secs_f64(value("latency average = ")? / 1e3),
        database_cpu: after.zip(before).map(|(after, before)| each(after.saturating_sub(before))),
    })
}
