//! Runs one plan in a generator process and measures everybody's processor time while it measures.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::child::Guarded;
use crate::error::{BenchError, Doing, Result};
use crate::load::{LAST_ANSWER, MEASURING_BEGINS, MEASURING_ENDS, Outcome, Plan};
use crate::procfs;

/// Processor seconds of the parts of a running counterfoil.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) counterfoil: f64,
    pub(crate) postgres: f64,
    pub(crate) nats: f64,
    /// The peer's own server, if one is measured.
    pub(crate) peer: f64,
}

impl Usage {
    /// Of the counterfoil `root` with its servers, and of a peer's server, since they started.
    pub(crate) fn of(root: u32, peer: Option<u32>) -> Self {
        let peer = peer.and_then(procfs::process).map_or(0.0, |process| process.own_seconds);
        let mut usage = Self { peer, ..Self::default() };
        for process in procfs::family(root) {
            match process.name.as_str() {
                // A backend that has ended lives on in what its parent has reaped.
                "postgres" => usage.postgres += process.own_seconds + process.reaped_seconds,
                "nats-server" => usage.nats += process.own_seconds,
                _ => usage.counterfoil += process.own_seconds,
            }
        }
        usage
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            counterfoil: self.counterfoil - earlier.counterfoil,
            postgres: self.postgres - earlier.postgres,
            nats: self.nats - earlier.nats,
            peer: self.peer - earlier.peer,
        }
    }

    /// As shares of one core over this time.
    pub(crate) fn per(self, seconds: f64) -> Self {
        let seconds = seconds.max(0.001);
        Self {
            counterfoil: self.counterfoil / seconds,
            postgres: self.postgres / seconds,
            nats: self.nats / seconds,
            peer: self.peer / seconds,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Driven {
    pub(crate) outcome: Outcome,
    pub(crate) usage: Usage,
    /// From the last answer until what was to come after it was done.
    pub(crate) after: Duration,
}

/// Runs `plan` and watches the counterfoil `root` and, if it is the one under load, a peer.
pub(crate) async fn drive(plan: &Plan, root: u32, peer: Option<u32>) -> Result<Driven> {
    drive_then(plan, root, peer, async || Ok(())).await
}

/// The same, and does something in the moment the last request has been answered.
pub(crate) async fn drive_then(
    plan: &Plan,
    root: u32,
    peer: Option<u32>,
    then: impl AsyncFnOnce() -> Result<()>,
) -> Result<Driven> {
    let program = std::env::current_exe().doing("finding this program")?;
    let mut command = Command::new(program);
    command.args(["load", "--plan"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut generator = Guarded::spawn("the load generator", &mut command)?;
    let text = serde_json::to_vec(plan).doing("writing a plan")?;
    if let Some(mut input) = generator.child.stdin.take() {
        input.write_all(&text).await.doing("handing over the plan")?;
    }
    let output = generator.child.stdout.take();
    let output = output.ok_or_else(|| BenchError::Unusable("a generator without output".to_owned()))?;
    let mut lines = BufReader::new(output).lines();
    let (mut before, mut usage, mut outcome) = (None, None, None);
    let (mut then, mut after) = (Some(then), Duration::ZERO);
    while let Some(line) = lines.next_line().await.doing("listening to the load generator")? {
        match line.as_str() {
            MEASURING_BEGINS => before = Some(Usage::of(root, peer)),
            MEASURING_ENDS => usage = before.map(|before| Usage::of(root, peer).since(before)),
            LAST_ANSWER => {
                let answered = Instant::now();
                if let Some(then) = then.take() {
                    then().await?;
                }
                after = answered.elapsed();
            }
            document => outcome = Some(serde_json::from_str(document).doing("reading an outcome")?),
        }
    }
    let status = generator.child.wait().await.doing("waiting for the load generator")?;
    outcome.map(|outcome| Driven { outcome, usage: usage.unwrap_or_default(), after }).ok_or_else(|| {
        BenchError::Ended {
            program: "bench load".to_owned(),
            status: status.to_string(),
            words: "it told no outcome".to_owned(),
        }
    })
}
