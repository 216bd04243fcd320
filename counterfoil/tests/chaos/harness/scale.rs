//! How much is done: a little with every `make test`, a lot in `make chaos`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Dice;

/// How often counterfoil is killed. Setting it at all makes every other test long, too.
const KILLS: &str = "COUNTERFOIL_CHAOS_KILLS";
/// Repeats a run: the same draws, as far as the machine lets them matter.
const SEED: &str = "COUNTERFOIL_CHAOS_SEED";

const KILLS_SHORT: usize = 3;

#[derive(Debug)]
pub(crate) struct Scale {
    test: &'static str,
    kills: Option<usize>,
    seed: u64,
}

impl Scale {
    /// Says how the run can be had again.
    pub(crate) fn of(test: &'static str) -> Self {
        let seed = number(SEED).unwrap_or_else(|| {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            u64::try_from(since_1970.as_micros()).unwrap() % 1_000_000_007
        });
        let kills = number(KILLS).map(|kills| usize::try_from(kills).unwrap());
        let scale = Self { test, kills, seed };
        scale.say(&format!("{SEED}={seed} repeats this run"));
        scale
    }

    pub(crate) fn dice(&self) -> Dice {
        Dice::new(self.seed)
    }

    pub(crate) fn kills(&self) -> usize {
        self.kills.unwrap_or(KILLS_SHORT)
    }

    pub(crate) fn rounds(&self, short: usize, long: usize) -> usize {
        if self.kills.is_some() { long } else { short }
    }

    pub(crate) fn span(&self, short: Duration, long: Duration) -> Duration {
        if self.kills.is_some() { long } else { short }
    }

    /// For whoever watches.
    pub(crate) fn say(&self, what: &str) {
        eprintln!("{}: {what}", self.test);
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.trim().parse().unwrap_or_else(|_| panic!("{name} is {text:?}: use a whole number")))
}
