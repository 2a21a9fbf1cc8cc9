//! How fast the program takes callbacks, on PostgreSQL and on SQLite, beside two yardsticks of the same session; and
//! what proving and reading one callback costs, for each kind that signs with an HMAC.
//!
//! `cargo bench --bench callbacks` measures everything; `-- proofs`, `-- sqlite` or `-- postgres yardsticks` only these
//! parts, and
//! `-- --seconds 30` for longer. It prints, and never fails for being slow.
//!
//! | variable | meaning |
//! |---|---|
//! | `BENCH_DIR` | where the databases go: choose a directory on the disk to measure; the system's temporary one |
//! | `BENCH_POSTGRES_URL` | a server to use in place of a throw-away cluster; databases are created and dropped |
//! | `BENCH_PROGRAM` | another build of the program |
//!
//! PostgreSQL runs with default settings, the load in a process of its own with one thread, and all of it on this
//! one machine.

use std::{env, error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};

use crate::{cluster::Cluster, report::Report, role::Role};

mod cluster;
mod echo;
mod latency;
mod load;
mod machine;
mod orders;
mod payments;
mod pgbench;
mod program;
mod proofs;
mod report;
mod role;
mod samples;
mod store;
mod stripe;
mod usage;
mod watch;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Proofs,
    Yardsticks,
    Postgres,
    Sqlite,
}

#[derive(Debug, Parser)]
struct Options {
    /// What to measure. Everything, if nothing is named.
    parts: Vec<Part>,
    /// Length of each measurement.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Cargo says it to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [argument, role] if argument == role::ARGUMENT => Role::play(role),
        _ => measure(&Options::parse()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<()> {
    let place = env::var_os("BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
    let place = place.canonicalize().map_err(|error| format!("BENCH_DIR {}: {error}", place.display()))?;
    let window = Duration::from_secs(options.seconds);
    let wants = |part| options.parts.is_empty() || options.parts.contains(&part);
    let mut report = Report { machine: machine::describe(&place)?, ..Report::default() };
    if wants(Part::Proofs) {
        eprintln!("proofs and parsing, kind by kind");
        report.proofs = proofs::measure()?;
    }
    if wants(Part::Yardsticks) || wants(Part::Postgres) {
        let cluster = Cluster::start(&place)?;
        report.machine += &format!(", PostgreSQL {}", cluster.version()?);
        if wants(Part::Yardsticks) {
            eprintln!("pgbench");
            report.pgbench = Some(pgbench::measure(&cluster, window)?);
            eprintln!("bare tonic unary echo");
            report.echo = Some(echo::measure(window)?);
        }
        if wants(Part::Postgres) {
            eprintln!("the program on PostgreSQL");
            report.postgres = Some(store::on_postgres(&cluster, &place, window)?);
        }
    }
    if wants(Part::Sqlite) {
        eprintln!("the program on SQLite");
        report.sqlite = Some(store::on_sqlite(&place, window)?);
    }
    println!("{report}");
    Ok(())
}
