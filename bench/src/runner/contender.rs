//! The measured rounds of one contender, and what is told of them.

use serde_json::json;

use super::bench::Bench;
use super::drive::{Driven, Usage};
use crate::load::Histogram;
use crate::report::number;

pub(crate) struct Contender {
    pub(crate) rounds: Vec<Driven>,
    /// Commands one answer stands for.
    commands_each: u32,
}

impl Default for Contender {
    fn default() -> Self {
        Self::of(1)
    }
}

impl Contender {
    pub(crate) const fn of(commands_each: u32) -> Self {
        Self { rounds: Vec::new(), commands_each }
    }

    /// Commands a second.
    fn per_second(&self, round: &Driven) -> f64 {
        round.outcome.per_second(true) * f64::from(self.commands_each)
    }

    pub(crate) fn median(&self) -> Option<&Driven> {
        let mut ordered: Vec<&Driven> = self.rounds.iter().collect();
        ordered.sort_by(|one, other| self.per_second(one).total_cmp(&self.per_second(other)));
        ordered.get(ordered.len() / 2).copied()
    }

    /// Of all rounds together.
    pub(crate) fn latency(&self) -> Histogram {
        let mut all = Histogram::default();
        self.rounds.iter().for_each(|round| all.merge(&round.outcome.latency(true)));
        all
    }

    /// Writes `<name>_…` figures and a bar into the report.
    pub(crate) fn tell(&self, bench: &mut Bench, name: &str, title: &str, ours: bool) {
        let Some(median) = self.median() else { return };
        let per_second = self.per_second(median);
        let rounds: Vec<f64> = self.rounds.iter().map(|round| self.per_second(round).round()).collect();
        let report = &mut bench.report;
        report.figure(&format!("{name}_per_s"), per_second);
        report.set(&format!("{name}_rounds_per_s"), json!(rounds));
        report.latencies(name, &self.latency());
        report.shares_of(name, median);
        report.bar(title, per_second, ours);
    }

    pub(crate) fn say(&self, bench: &Bench, title: &str) {
        if let Some(median) = self.median() {
            bench.progress.tell(&format!("{title}: {} /s", number(self.per_second(median))));
        }
    }

    /// Processor time a command takes of everybody, in the median round.
    pub(crate) fn tell_costs(&self, bench: &mut Bench) {
        let Some(Driven { outcome, usage, .. }) = self.median() else { return };
        let commands = (outcome.per_second(true) * outcome.seconds).max(1.0);
        for (part, seconds) in [
            ("server", usage.counterfoil),
            ("postgres", usage.postgres),
            ("nats", usage.nats),
            ("generator", outcome.cpu_seconds),
        ] {
            bench.report.figure(&format!("{part}_cpu_us_per_command"), 1e6 * seconds / commands);
        }
    }
}

/// The rounds of pgbench, which measures itself.
#[derive(Default)]
pub(crate) struct Inserts {
    pub(crate) per_second: Vec<f64>,
    /// Shares of a core, in the last round.
    pub(crate) usage: Usage,
}

impl Inserts {
    pub(crate) fn median(&self) -> Option<f64> {
        let mut ordered = self.per_second.clone();
        ordered.sort_by(f64::total_cmp);
        ordered.get(ordered.len() / 2).copied()
    }

    pub(crate) fn tell(&self, bench: &mut Bench) {
        let Some(median) = self.median() else { return };
        let rounds: Vec<f64> = self.per_second.iter().map(|per_second| per_second.round()).collect();
        bench.report.figure("pgbench_per_s", median);
        bench.report.set("pgbench_rounds_per_s", json!(rounds));
        bench.report.shares("pgbench", self.usage.peer, Usage { peer: 0.0, ..self.usage });
        bench.report.bar("pgbench, one-row INSERTs", median, false);
    }
}
