//! The table: what was measured, how it compares, and what was aimed at.

use std::{fmt, time::Duration};

use crate::{
    echo, pgbench,
    proofs::{self, Json},
    store::{self, Loaded},
};

/// All that one session measured; parts that were not run are absent.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) proofs: Vec<proofs::Measured>,
    pub(crate) pgbench: Option<pgbench::Measured>,
    pub(crate) echo: Option<echo::Measured>,
    pub(crate) postgres: Option<store::Measured>,
    pub(crate) sqlite: Option<store::Measured>,
}

struct Row {
    what: &'static str,
    measured: String,
    target: &'static str,
}

// === impl Report ===

impl Report {
    fn proofs(&self) -> Vec<Row> {
        let row = |one: &proofs::Measured| Row::aimed(one.kind, proof(one), "≤ 25 µs");
        self.proofs.iter().map(row).collect()
    }

    fn yardsticks(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        if let Some(pgbench) = &self.pgbench {
            let mean = pgbench.mean_latency.as_secs_f64() * 1e3;
            rows.push(Row::of(
                "pgbench, a transaction each",
                format!("{:.0}/s, mean {mean:.1} ms", pgbench.transactions_per_second),
            ));
        }
        if let Some(cpu) = self.pgbench.and_then(|pgbench| pgbench.database_cpu) {
            rows.push(Row::of("  CPU per transaction", format!("PostgreSQL {} µs", cpu.as_micros())));
        }
        if let Some(echo) = &self.echo {
            rows.push(Row::of(
                "bare tonic unary echo",
                format!("{:.0}/s, {}", echo.calls_per_second, echo.latency),
            ));
        }
        rows
    }

    fn postgres(&self) -> Vec<Row> {
        let Some(measured) = &self.postgres else { return Vec::new() };
        let mut rows = store_rows(measured);
        if let Some(pgbench) = &self.pgbench {
            let ratio = measured.full.rate / pgbench.transactions_per_second;
            rows.insert(1, Row::aimed("  against pgbench", format!("{ratio:.2} ×"), "≥ 5 ×"));
        }
        if let Some(echo) = &self.echo {
            let ratio = measured.full.rate / echo.calls_per_second;
            rows.insert(2, Row::of("  against the bare echo", format!("{ratio:.2} ×")));
        }
        rows
    }

    fn sqlite(&self) -> Vec<Row> {
        let Some(measured) = &self.sqlite else { return Vec::new() };
        let mut rows = store_rows(measured);
        if let Some(postgres) = &self.postgres {
            let ratio = measured.full.rate / postgres.full.rate;
            rows.insert(1, Row::aimed("  against PostgreSQL", format!("{ratio:.2} ×"), "≥ 2 ×"));
        }
        rows
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        let sections = [
            ("verified and parsed, 2 KiB", self.proofs()),
            ("yardsticks", self.yardsticks()),
            ("on PostgreSQL", self.postgres()),
            ("on SQLite", self.sqlite()),
        ];
        for (title, rows) in sections.iter().filter(|(_, rows)| !rows.is_empty()) {
            writeln!(f, "\n{title:<30}  {:<44}  target", "measured")?;
            for Row { what, measured, target } in rows {
                writeln!(f, "{}", format!("{what:<30}  {measured:<44}  {target}").trim_end())?;
            }
        }
        Ok(())
    }
}

fn store_rows(measured: &store::Measured) -> Vec<Row> {
    let store::Measured { registered, full, versions, fifth, updates, peak_memory } = measured;
    let refused = full.load.refused + fifth.load.refused + updates.refused;
    let mebibytes = peak_memory.div_ceil(1024);
    vec![
        Row::of("full load, 256 connections", format!("{:.0}/s", full.rate)),
        Row::aimed("  latency", full.load.latency.to_string(), "p99 ≤ 100 ms"),
        Row::of("  CPU per callback", cpu(full)),
        Row::aimed("a fifth of it, on schedule", format!("{:.0}/s", fifth.rate), ""),
        Row::aimed("  latency", fifth.load.latency.to_string(), "p99 ≤ 10 ms"),
        Row::of("  CPU per callback", cpu(fifth)),
        Row::of("100 watchers", format!("{} updates of {} callbacks", updates.updates, updates.answers)),
        Row::aimed("  record time to subscriber", updates.from_record.to_string(), "p50 ≤ 3 ms, p99 ≤ 15 ms"),
        Row::of("  answer to subscriber", updates.from_answer.to_string()),
        Row::of("  callback to subscriber", updates.from_callback.to_string()),
        Row::aimed("peak resident memory", format!("{mebibytes} MiB"), "< 100 MiB"),
        Row::aimed("answers other than 200", refused.to_string(), "0"),
        Row::of("registrations over gRPC", format!("{registered:.0}/s")),
        Row::of("mean version of 1000 payments", format!("{:.1} after {} callbacks", versions.0, versions.1)),
    ]
}

fn proof(measured: &proofs::Measured) -> String {
    let proofs::Measured { body_bytes, whole, hmac, json, .. } = *measured;
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    let times = |yardstick: Duration| whole.as_secs_f64() / yardstick.as_secs_f64().max(f64::MIN_POSITIVE);
    let mut text = format!(
        "{:.1} µs of {body_bytes} B = {:.1} × HMAC ({:.1})",
        micros(whole),
        times(hmac),
        micros(hmac)
    );
    if let Some(Json { ours, serde }) = json {
        let reader = format!(
            ", {:.1} × serde_json ({:.1}); our reader {:.1}",
            times(serde),
            micros(serde),
            micros(ours)
        );
        text += &reader;
    }
    text
}

fn cpu(loaded: &Loaded) -> String {
    let mut text = format!("program {} µs", loaded.program_cpu.as_micros());
    if let Some(database) = loaded.database_cpu {
        text += &format!(", PostgreSQL {} µs", database.as_micros());
    }
    let load = loaded.load.cpu.as_secs_f64() * 1e6 / (loaded.load.answers.max(1) as f64);
    text + &format!(", load {load:.0} µs")
}

// === impl Row ===

impl Row {
    fn of(what: &'static str, measured: String) -> Self {
        Self::aimed(what, measured, "")
    }

    fn aimed(what: &'static str, measured: String, target: &'static str) -> Self {
        Self { what, measured, target }
    }
}
