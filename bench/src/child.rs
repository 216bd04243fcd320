//! Child processes that cannot be left behind: whatever ends us, ends them.

use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::error::{BenchError, Doing, Result};

/// How long a child may take to end by itself once asked; Postgres writes a checkpoint in that time.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// Ends its process when dropped: asks first, then insists.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) child: Child,
    name: String,
}

impl Guarded {
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Result<Self> {
        let child = command.kill_on_drop(true).spawn().doing(format!("starting {name}"))?;
        Ok(Self { child, name: name.to_owned() })
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks it to end and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<ExitStatus> {
        self.ask_to_end();
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended
            .map_err(|_| BenchError::TooSlow {
                what: format!("ending {}", self.name),
                seconds: PATIENCE.as_secs(),
            })?
            .doing(format!("waiting for {}", self.name))
    }

    /// Waits for its end and takes what it wrote to its pipes; asked to end if nobody waits any longer.
    pub(crate) async fn output(mut self) -> Result<Output> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let (status, read_out, read_err) =
            tokio::join!(self.child.wait(), read_all(stdout, &mut out), read_all(stderr, &mut err));
        let doing = || format!("reading what {} wrote", self.name);
        read_out.doing(doing())?;
        read_err.doing(doing())?;
        Ok(Output { status: status.doing(doing())?, stdout: out, stderr: err })
    }

    /// Ends it without asking.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.doing(format!("killing {}", self.name))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _gone_already = kill_process(pid, signal);
        }
    }

    fn ask_to_end(&self) {
        self.signal(Signal::TERM);
        // One that stands still hears nothing.
        self.signal(Signal::CONT);
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.ask_to_end();
        let until = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(POLL);
        }
        // Still there: `kill_on_drop` insists.
    }
}

async fn read_all(pipe: Option<impl AsyncReadExt + Unpin>, into: &mut Vec<u8>) -> std::io::Result<()> {
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(into).await?;
    }
    Ok(())
}

/// A file that takes what a child writes.
pub(crate) fn log_to(path: &Path) -> Result<(Stdio, Stdio)> {
    let file =
        File::options().create(true).append(true).open(path).doing(format!("opening {}", path.display()))?;
    let copy = file.try_clone().doing(format!("opening {}", path.display()))?;
    Ok((file.into(), copy.into()))
}

/// The end of a log, to show when something failed.
pub(crate) fn last_words(path: &Path) -> String {
    const LINES: usize = 5;
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(LINES).collect();
    match lines.as_slice() {
        [] => "none".to_owned(),
        _ => lines.into_iter().rev().collect::<Vec<_>>().join(" | "),
    }
}
