//! When the requests of an open loop arrive: at random, at a given mean rate, decided before the run.
//!
//! Independent users arrive as a Poisson process, so the gaps are exponential. The schedule never looks at
//! the server: a slow answer delays no later arrival, which is what keeps the slow moments in the measurement
//! (no coordinated omission).

use super::key::mix;

#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    mean_gap_micros: f64,
    next_micros: f64,
    seed: u64,
    drawn: u64,
    /// Arrivals still to come.
    left: u64,
}

impl Schedule {
    pub(crate) fn new(rate: f64, seed: u64) -> Self {
        // A rate of nothing would be a gap of infinity; one arrival an hour is as good.
        let mean_gap_micros = 1e6 / rate.max(1.0 / 3_600.0);
        let mut schedule = Self { mean_gap_micros, next_micros: 0.0, seed, drawn: 0, left: u64::MAX };
        schedule.draw();
        schedule
    }

    /// So many at once.
    #[allow(clippy::cast_precision_loss)] // microseconds of a run
    pub(crate) const fn burst(at_micros: u64, count: u64) -> Self {
        Self { mean_gap_micros: 0.0, next_micros: at_micros as f64, seed: 0, drawn: 0, left: count }
    }

    /// Microseconds after the start at which the next request is due; never, if there is none.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a run's time, never negative
    pub(crate) const fn next(&self) -> u64 {
        if self.left == 0 { u64::MAX } else { self.next_micros as u64 }
    }

    /// Takes the next arrival if it is due at `now`.
    pub(crate) fn take_due(&mut self, now: u64) -> Option<u64> {
        let due = self.next();
        (due <= now).then(|| {
            self.left -= 1;
            self.draw();
            due
        })
    }

    fn draw(&mut self) {
        self.drawn += 1;
        let uniform = unit(mix(self.seed ^ mix(self.drawn)));
        self.next_micros -= self.mean_gap_micros * uniform.ln();
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // seconds of a run, never negative
pub(crate) fn micros(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e6) as u64
}

/// A number above 0 and up to 1 from the upper 53 bits.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn unit(random: u64) -> f64 {
    ((random >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(rate: f64, until: u64) -> Vec<u64> {
        let mut schedule = Schedule::new(rate, 42);
        std::iter::from_fn(|| schedule.take_due(until)).collect()
    }

    #[test]
    fn the_mean_rate_is_the_one_asked_for() {
        let count = arrivals(10_000.0, 20_000_000).len();
        assert!((198_000..202_000).contains(&count), "{count} in 20 s");
    }

    #[test]
    fn gaps_vary_as_those_of_independent_users_do() {
        let times = arrivals(1_000.0, 20_000_000);
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let longer = gaps.iter().filter(|gap| **gap > 1_000).count();
        // 1/e of exponential gaps exceed their mean.
        assert!((360..376).contains(&(longer * 1_000 / gaps.len())), "{longer} of {} gaps", gaps.len());
    }

    #[test]
    fn a_stall_of_the_reader_moves_no_arrival() {
        let steady = arrivals(5_000.0, 1_000_000);
        let mut schedule = Schedule::new(5_000.0, 42);
        let mut stalled = Vec::new();
        for now in [10_u64, 700_000, 1_000_000] {
            stalled.extend(std::iter::from_fn(|| schedule.take_due(now)));
        }
        assert_eq!(steady, stalled);
    }

    #[test]
    fn a_burst_is_due_all_at_once_and_then_never_again() {
        let mut schedule = Schedule::burst(700, 3);
        assert_eq!(schedule.take_due(699), None);
        let due: Vec<u64> = std::iter::from_fn(|| schedule.take_due(5_000)).collect();
        assert_eq!((due, schedule.next()), (vec![700; 3], u64::MAX));
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut schedule = Schedule::new(100.0, 1);
        let first = schedule.next();
        assert!(first > 0);
        assert_eq!(schedule.take_due(first - 1), None);
        assert_eq!(schedule.take_due(first), Some(first));
        assert!(schedule.next() > first);
    }
}
