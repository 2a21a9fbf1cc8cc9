//! The real program in a process of its own.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Generous, since it only ever bounds a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `payment-status`, killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    addresses: HashMap<String, SocketAddr>,
    stderr: mpsc::Receiver<String>,
    _files: TempDir,
}

impl Program {
    /// Starts it and waits until each of `listeners` (`http`, `grpc`, `ops`) is bound.
    ///
    /// `config` needs no `listen` keys: every listener gets a free port. It logs as JSON, and the bound addresses
    /// are read from there.
    pub fn start(command: &str, config: &str, environment: &[(&str, &str)], listeners: &[&str]) -> Self {
        let files = tempfile::tempdir().expect("a temporary folder");
        let path = files.path().join("payment-status.toml");
        fs::write(&path, config).expect("the configuration is written");
        let args = [command, "--config", path.to_str().expect("UTF-8")];
        Self::spawn(&args, environment, listeners, files)
    }

    /// The adapter alone, with no file, no database and no secret.
    pub fn adapter(service_url: &str) -> Self {
        let files = tempfile::tempdir().expect("a temporary folder");
        Self::spawn(&["adapter", "--service-url", service_url], &[], &["http"], files)
    }

    fn spawn(args: &[&str], environment: &[(&str, &str)], listeners: &[&str], files: TempDir) -> Self {
        let mut child = program()
            .args(args)
            .current_dir(files.path())
            .env("PAYMENT_STATUS__HTTP__LISTEN", "127.0.0.1:0")
            .env("PAYMENT_STATUS__GRPC__LISTEN", "127.0.0.1:0")
            .env("PAYMENT_STATUS__OPS__LISTEN", "127.0.0.1:0")
            .env("PAYMENT_STATUS__LOG__FORMAT", "json")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stderr = lines_of(child.stderr.take().expect("a pipe"));
        let mut program = Self { child, addresses: HashMap::new(), stderr, _files: files };
        program.wait_for(listeners);
        program
    }

    fn wait_for(&mut self, listeners: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while !listeners.iter().all(|name| self.addresses.contains_key(*name)) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.stderr.recv_timeout(left) else {
                panic!("the program did not come up; it said:\n{}", seen.join("\n"));
            };
            if let Some((listener, address)) = bound(&line) {
                self.addresses.insert(listener, address);
            }
            seen.push(line);
        }
    }

    /// Where `http`, `grpc` or `ops` listens.
    pub fn address(&self, listener: &str) -> SocketAddr {
        *self.addresses.get(listener).unwrap_or_else(|| panic!("{listener} is bound"))
    }

    /// `http://127.0.0.1:port` of a listener.
    pub fn url(&self, listener: &str) -> String {
        format!("http://{}", self.address(listener))
    }

    /// Asks it to stop, as an operator or a container runtime does.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// Takes it away without a warning, as the kernel does.
    pub fn kill(&self) {
        self.signal("KILL");
    }

    /// Waits until it logs this.
    pub fn said(&self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.stderr.recv_timeout(left).unwrap_or_else(|_| panic!("it never said {words:?}"));
            if line.contains(words) {
                return;
            }
        }
    }

    /// Ends it and returns what it logged since the start, or since the last look.
    pub fn log_to_the_end(self) -> String {
        self.terminate();
        let deadline = Instant::now() + PATIENCE;
        let left = || deadline.saturating_duration_since(Instant::now());
        std::iter::from_fn(|| self.stderr.recv_timeout(left()).ok()).collect::<Vec<_>>().join("\n")
    }

    /// Waits for its end; `None` where it does not come.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The pipe closes when the process ends; until then each line is only in the way.
            let left = deadline.saturating_duration_since(Instant::now());
            match self.stderr.recv_timeout(left) {
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.child.wait().ok(),
                Err(mpsc::RecvTimeoutError::Timeout) => return None,
            }
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success(), "the program was not there to get SIG{name}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already, and then there is nobody to complain to.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, with nothing of this shell's settings.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payment-status"));
    command
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| matches!(name.as_str(), "PATH" | "HOME" | "TMPDIR")));
    command
}

fn lines_of(pipe: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Whoever does not listen any more still must not block the program.
            let _ = sender.send(line);
        }
    });
    receiver
}

/// Reads `listening` events: which listener, and where.
fn bound(line: &str) -> Option<(String, SocketAddr)> {
    let event: serde_json::Value = serde_json::from_str(line).ok()?;
    if event.get("message")?.as_str()? != "listening" {
        return None;
    }
    let listener = event.get("listener")?.as_str()?.to_owned();
    Some((listener, event.get("address")?.as_str()?.parse().ok()?))
}
