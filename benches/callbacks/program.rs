//! The program under measurement, started as anybody starts it: `serve --config`.

use std::{
    env,
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    Result,
    cluster::free_address,
    stripe::{GATEWAY, SECRET},
    usage,
};

const READY_LIMIT: Duration = Duration::from_secs(60);

/// The running program. Ends when dropped.
pub(crate) struct Program {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    ops: SocketAddr,
    child: Child,
    directory: TempDir,
}

// === impl Program ===

impl Program {
    /// Starts it on the database at `url`, and returns when it is ready. It works in a new directory below `place`,
    /// where `sqlite://bench.db` puts its file.
    pub(crate) fn start(url: &str, place: &Path) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("payment-status-bench-").tempdir_in(place)?;
        let (http, grpc, ops) = (free_address()?, free_address()?, free_address()?);
        let config = directory.path().join("payment-status.toml");
        fs::write(&config, configuration(http, grpc, ops, url))?;
        // Another build to compare with, if it is named.
        let binary = env::var_os("BENCH_PROGRAM")
            .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_payment-status")), PathBuf::from);
        let child = Command::new(&binary)
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .env("BENCH_STRIPE_SECRET", SECRET)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(directory.path().join("log"))?)
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let mut program = Self { http, grpc, ops, child, directory };
        program.wait()?;
        Ok(program)
    }

    /// CPU time so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        usage::cpu(self.child.id())
    }

    /// The most resident memory so far, in KiB.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        usage::peak_memory(self.child.id())
    }

    fn wait(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_LIMIT;
        while !self.is_ready() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(self.directory.path().join("log"))?;
                return Err(format!("the program is not ready ({ended:?}); it said:\n{log}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let ask = || -> Result<bool> {
            let mut stream = TcpStream::connect(self.ops)?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            write!(stream, "GET /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.ops)?;
            let mut status = [0; 12];
            stream.read_exact(&mut status)?;
            Ok(&status == b"HTTP/1.1 200")
        };
        ask().unwrap_or(false)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(http: SocketAddr, grpc: SocketAddr, ops: SocketAddr, url: &str) -> String {
    format!(
        r#"[http]
listen = "{http}"
[grpc]
listen = "{grpc}"
[ops]
listen = "{ops}"
[database]
url = "{url}"
[gateways.{GATEWAY}]
kind = "stripe"
mode = "live"
unregistered = "park"
secrets = [{{ env = "BENCH_STRIPE_SECRET" }}]
"#
    )
}
