//! What a load run shall do, and what came of it: the two JSON documents that cross the process border.
//!
//! A plan holds everything: who is asked for what, by how many connections, and at which pace. So a run
//! can be repeated, and the generator itself has no opinion about any scenario.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) routes: Routes,
    pub(crate) tokens: Vec<String>,
    pub(crate) targets: Vec<Target>,
    pub(crate) lanes: Vec<Lane>,
    /// Answers in this first part of the run are not measured.
    pub(crate) warmup_seconds: f64,
    pub(crate) seconds: f64,
}

/// Paths, with `{id}` where the target's id goes, or that of the hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Routes {
    /// How commands are sent.
    pub(crate) method: String,
    pub(crate) command: String,
    pub(crate) capture: String,
    pub(crate) read: String,
    pub(crate) balance: String,
}

impl Routes {
    pub(crate) fn counterfoil() -> Self {
        Self {
            method: "POST".to_owned(),
            command: "/api/v1/wallets/{id}/deposit".to_owned(),
            capture: "/api/v1/holds/{id}/capture".to_owned(),
            read: "/api/v1/wallets/{id}".to_owned(),
            balance: "/api/v1/users/me/balance".to_owned(),
        }
    }
}

/// Something to send commands to, and whose token opens it (a place in `Plan::tokens`; none: no header is sent).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) token: Option<usize>,
    /// The JSON every command to it carries.
    pub(crate) body: String,
}

impl Target {
    /// Something to deposit into.
    pub(crate) fn deposits(id: String, token: Option<usize>) -> Self {
        Self { id, token, body: "{\"amount\":\"1.00\"}".to_owned() }
    }
}

/// Some connections that do the same thing. Lanes of one run go side by side and are measured apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) connections: usize,
    pub(crate) pace: Pace,
    pub(crate) mix: Mix,
    /// Which of `Plan::targets`: number n of the lane's commands goes to a random one that depends on n alone.
    pub(crate) first_target: usize,
    pub(crate) targets: usize,
    /// The series its idempotency keys are taken from.
    pub(crate) key_seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pace {
    /// Every connection asks again as soon as it is answered.
    Closed,
    /// Requests arrive at this rate per second whether or not the server keeps up; a request that finds no
    /// free connection queues, and its latency counts from when it should have been sent.
    Open { rate: f64 },
    /// So many requests at once, in the moment measuring begins.
    Burst { count: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mix {
    Commands,
    /// Commands that go to one target after the other, round and round: none is met again soon.
    InTurn,
    /// The commands place holds; each is captured by the connection that placed it, as soon as it is answered.
    HoldsAndCaptures,
    /// Nothing but plain reads.
    Reads,
    /// A command, then at once a read that must see it, in turns.
    ReadYourWrites,
    /// Half commands, a quarter plain reads, the rest split between balances and reads of the last write.
    ReadWrite,
    /// This share of the commands repeats old ones: the numbers below `count` of the series `key_seed`.
    Replay {
        share: f64,
        key_seed: u64,
        count: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Command,
    Hold,
    Capture,
    Replay,
    Read,
    ReadYourWrite,
    Balance,
}

impl Kind {
    pub(crate) fn is_command(self) -> bool {
        matches!(self, Self::Command | Self::Hold | Self::Capture | Self::Replay)
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) lanes: Vec<LaneOutcome>,
    /// How long was measured; less than planned only if the server went away.
    pub(crate) seconds: f64,
    /// Processor time of the generator itself while it measured.
    pub(crate) cpu_seconds: f64,
    /// Everything that went wrong: statuses that were not expected, broken or lost connections, silence.
    pub(crate) errors: u64,
    /// The first few of them, to read.
    pub(crate) complaints: Vec<String>,
    /// The highest position any answer told.
    pub(crate) position: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct LaneOutcome {
    pub(crate) name: String,
    /// Commands sent, warm-up included: the series' numbers below this one are used up.
    pub(crate) commands: u64,
    pub(crate) kinds: BTreeMap<Kind, Sample>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Good answers within the measured time; what throughput is made of.
    pub(crate) answered: u64,
    /// Answers marked as replayed.
    pub(crate) replayed: u64,
    /// Microseconds of every request that began within the measured time.
    pub(crate) latency: Histogram,
}

impl Outcome {
    /// Good answers a second of all lanes, of one sort: commands or queries.
    pub(crate) fn per_second(&self, commands: bool) -> f64 {
        let answered: u64 = self.samples(commands).map(|sample| sample.answered).sum();
        rate(answered, self.seconds)
    }

    /// The latencies of all lanes, of one sort, in one histogram.
    pub(crate) fn latency(&self, commands: bool) -> Histogram {
        let mut all = Histogram::default();
        self.samples(commands).for_each(|sample| all.merge(&sample.latency));
        all
    }

    pub(crate) fn sample(&self, lane: &str, kind: Kind) -> Option<&Sample> {
        self.lanes.iter().find(|candidate| candidate.name == lane)?.kinds.get(&kind)
    }

    /// What a lane was answered of one kind, a second.
    pub(crate) fn lane_per_second(&self, lane: &str, kind: Kind) -> f64 {
        rate(self.sample(lane, kind).map_or(0, |sample| sample.answered), self.seconds)
    }

    fn samples(&self, commands: bool) -> impl Iterator<Item = &Sample> {
        let kinds = self.lanes.iter().flat_map(|lane| &lane.kinds);
        kinds.filter(move |(kind, _)| kind.is_command() == commands).map(|(_, sample)| sample)
    }
}

/// Counts stay far below 2^52, where an `f64` is exact.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}
