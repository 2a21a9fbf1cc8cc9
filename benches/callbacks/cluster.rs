//! A throw-away PostgreSQL cluster with default settings, or the server that `BENCH_POSTGRES_URL` names.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Result, usage};

const START_LIMIT: Duration = Duration::from_secs(60);

/// PostgreSQL. Ends with all its files when dropped, where it is ours.
pub(crate) struct Cluster {
    binaries: PathBuf,
    url: String,
    own: Option<Own>,
}

struct Own {
    postmaster: Child,
    user: Option<User>,
    data: PathBuf,
    binaries: PathBuf,
    _directory: TempDir,
}

/// PostgreSQL refuses to run as root; this is who runs it then.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

/// A port that nobody listened on a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

// === impl Cluster ===

impl Cluster {
    /// Makes and starts a cluster in a new directory below `place`.
    pub(crate) fn start(place: &Path) -> Result<Self> {
        let binaries = find_binaries()?;
        if let Ok(url) = env::var("BENCH_POSTGRES_URL") {
            return Ok(Self { binaries, url, own: None });
        }
        let (own, port) = Own::start(&binaries, place)?;
        let cluster =
            Self { binaries, url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), own: Some(own) };
        cluster.wait()?;
        Ok(cluster)
    }

    /// URL of a new, empty database.
    pub(crate) fn create_database(&self, name: &str) -> Result<String> {
        self.drop_database(name)?;
        self.query(&format!("create database {name}"))?;
        Ok(self.url_of(name))
    }

    /// Also writes out what it left behind, so that it costs the next measurement nothing.
    pub(crate) fn drop_database(&self, name: &str) -> Result<()> {
        // A program that was just killed may still have connections there.
        self.query(&format!("drop database if exists {name} with (force)"))?;
        self.query("checkpoint")?;
        Ok(())
    }

    pub(crate) fn version(&self) -> Result<String> {
        self.query("show server_version")
    }

    /// CPU time of all its processes so far. None where it is not ours, and perhaps not on this machine.
    pub(crate) fn cpu(&self) -> Result<Option<Duration>> {
        self.own.as_ref().map(|own| usage::cpu_of_family(own.postmaster.id())).transpose()
    }

    /// One of PostgreSQL's programs, for a run that must succeed: see [`output`].
    pub(crate) fn command(&self, program: &str) -> Command {
        Command::new(self.binaries.join(program))
    }

    fn query(&self, sql: &str) -> Result<String> {
        let mut psql = self.command("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", sql, &self.url]);
        Ok(output(&mut psql)?.trim().to_owned())
    }

    fn url_of(&self, name: &str) -> String {
        let (address, options) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let server = address.rsplit_once('/').map_or(address, |(server, _)| server);
        let separator = if options.is_empty() { "" } else { "?" };
        format!("{server}/{name}{separator}{options}")
    }

    fn wait(&self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match self.version() {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}

/// Runs a command to its end, and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let run = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if !run.status.success() {
        return Err(format!("{command:?}: {}: {}", run.status, String::from_utf8_lossy(&run.stderr)).into());
    }
    Ok(String::from_utf8(run.stdout)?)
}

// === impl Own ===

impl Own {
    fn start(binaries: &Path, place: &Path) -> Result<(Self, u16)> {
        let directory =
            tempfile::Builder::new().prefix("payment-status-bench-postgres-").tempdir_in(place)?;
        let user = User::to_run_as()?;
        if let Some(user) = user {
            chown(directory.path(), Some(user.uid), Some(user.gid))?;
        }
        let data = directory.path().join("data");
        let mut initdb = as_user(binaries.join("initdb"), user);
        output(initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "-D"]).arg(&data))?;
        let port = free_address()?.port();
        let postmaster = as_user(binaries.join("postgres"), user)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .arg("-k")
            .arg(directory.path())
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.path().join("log"))?)
            .spawn()?;
        Ok((Self { postmaster, user, data, binaries: binaries.to_owned(), _directory: directory }, port))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let mut stop = as_user(self.binaries.join("pg_ctl"), self.user);
        if output(stop.args(["stop", "--mode=immediate", "--silent", "-D"]).arg(&self.data)).is_err() {
            // Its children notice by themselves that it is gone.
            let _ = self.postmaster.kill();
        }
        let _ = self.postmaster.wait();
    }
}

// === impl User ===

impl User {
    /// The user `postgres` when this runs as root, otherwise nobody else.
    fn to_run_as() -> Result<Option<Self>> {
        if output(Command::new("id").arg("-u"))?.trim() != "0" {
            return Ok(None);
        }
        let number = |kind| -> Result<u32> {
            Ok(output(Command::new("id").args([kind, "postgres"]))?.trim().parse()?)
        };
        Ok(Some(Self { uid: number("-u")?, gid: number("-g")? }))
    }
}

fn as_user(program: PathBuf, user: Option<User>) -> Command {
    let mut command = Command::new(program);
    // The directory this runs in may be closed to that user.
    command.current_dir("/");
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

/// The newest installed server's, where Debian puts them, or else on the path.
fn find_binaries() -> Result<PathBuf> {
    let version = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let installed =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    if let Some(newest) = installed.filter(|path| path.join("bin/postgres").exists()).max_by_key(version) {
        return Ok(newest.join("bin"));
    }
    env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .find(|path| path.join("pgbench").exists() && path.join("initdb").exists())
        .ok_or_else(|| "no PostgreSQL server binaries: install postgresql, or measure SQLite alone".into())
}
