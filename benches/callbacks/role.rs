//! The other processes of the benchmark: this same binary, started again with a role to play.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::runtime::Builder;

use crate::{Result, echo, load, watch};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Role {
    Load(load::Plan),
    Watch(watch::Plan),
    Echo,
    AskEcho { address: SocketAddr, window: Duration },
}

/// A process that plays a role. Ends when dropped.
pub(crate) struct Player {
    child: Child,
    lines: BufReader<ChildStdout>,
}

/// The argument that comes before a role.
pub(crate) const ARGUMENT: &str = "role";

/// Tells the process that started this one.
pub(crate) fn say(value: &impl Serialize) -> Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

// === impl Role ===

impl Role {
    pub(crate) fn play(text: &str) -> Result<()> {
        let one_thread = || Builder::new_current_thread().enable_all().build();
        match serde_json::from_str(text)? {
            Self::Load(plan) => one_thread()?.block_on(load::run(plan)),
            // A hundred subscribers are not one thread in real life.
            Self::Watch(plan) => Builder::new_multi_thread().enable_all().build()?.block_on(watch::run(plan)),
            Self::Echo => one_thread()?.block_on(echo::serve()),
            Self::AskEcho { address, window } => one_thread()?.block_on(echo::ask(address, window)),
        }
    }

    pub(crate) fn start(&self) -> Result<Player> {
        let mut child = Command::new(env::current_exe()?)
            .args([ARGUMENT, &serde_json::to_string(self)?])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no pipe to the child")?);
        Ok(Player { child, lines })
    }
}

// === impl Player ===

impl Player {
    /// What the process says next.
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err("a process of the benchmark ended early: its error stands above".into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
