//! What the figures have to reach, and whether they do.

use serde_json::Value;

use super::Report;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// Told, not judged.
    Open,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) key: &'static str,
    pub(crate) bound: Bound,
    pub(crate) unit: &'static str,
    pub(crate) what: &'static str,
}

const fn goal(key: &'static str, bound: Bound, unit: &'static str, what: &'static str) -> Goal {
    Goal { key, bound, unit, what }
}

use Bound::{AtLeast, AtMost, Open};

pub(crate) const GOALS: [Goal; 32] = [
    goal("spread_vs_pgbench", AtLeast(1.0), "×", "commands over many wallets, against one-row INSERTs"),
    goal("spread_vs_stock", AtLeast(8.0), "×", "the same, against stock cqrs-es + postgres-es"),
    goal("hot_vs_stock_hot", AtLeast(100.0), "×", "commands on one wallet, against the same stock"),
    goal("hot_vs_spread", AtLeast(0.9), "×", "one wallet against many"),
    goal(
        "transfer_hot_pair_vs_spread",
        AtLeast(0.7),
        "×",
        "transfers between two wallets, both ways, against deposits over many",
    ),
    goal("hold_capture_vs_pgbench", AtLeast(0.8), "×", "holds and their captures, against one-row INSERTs"),
    goal("batch_100_per_s", Open, "/s", "deposits and transfers, a hundred in each request"),
    goal("storm_others_vs_spread", AtLeast(0.5), "×", "fresh commands while 10,000 old keys come at once"),
    goal("lag_p99_ms", AtMost(250.0), "ms", "deposit answered until a read shows it, at full load"),
    goal("drain_ms", AtMost(1_000.0), "ms", "last answer of the load until every read model is there"),
    goal(
        "warm_1m_vs_10",
        AtMost(1.25),
        "×",
        "a wallet with a long history against ones with 10 to 20 events",
    ),
    goal("history_first_page_ms", Open, "ms", "the newest 50 transactions of the long history"),
    goal("history_last_page_ms", Open, "ms", "50 of its oldest"),
    goal("history_last_vs_first", AtMost(1.5), "×", "the one against the other"),
    goal(
        "cold_load_ms",
        AtMost(20.0),
        "ms",
        "first command on the long history after a start: snapshot and 990 events",
    ),
    goal("rebuild_wallets_per_s", AtLeast(100_000.0), "/s", "events folded into `wallets` anew"),
    goal("rebuild_transactions_per_s", AtLeast(40_000.0), "/s", "events folded into `transactions` anew"),
    goal("idle_rss_mb", AtMost(60.0), "MB", "resident memory of counterfoil itself, idle (10^6 bytes)"),
    goal(
        "start_warm_ms",
        AtMost(2_000.0),
        "ms",
        "start on existing data until it leads and every read model answers",
    ),
    goal(
        "spread_with_trading",
        AtLeast(0.9),
        "×",
        "commands over many wallets while 100 sessions run, against the same without",
    ),
    goal("rebalance_p99_ms", AtMost(50.0), "ms", "a rebalance answered, at 100 of them a second"),
    goal("run_done_p99_ms", Open, "ms", "a run asked for until it has ended, its orders executed"),
    goal(
        "trading_due",
        Open,
        "",
        "runs due within a minute, of many more sessions that sleep; two of three workers lost",
    ),
    goal("trading_late_p99_ms", Open, "ms", "how late they began, of those that no lost worker had"),
    goal("trading_runs_per_s", Open, "/s", "as many runs due at once, until the last has ended"),
    goal("trading_rss_mb", Open, "MB", "resident memory of a process that trades (10^6 bytes)"),
    goal(
        "trading_errors",
        AtMost(0.0),
        "",
        "due runs that were not made exactly once, orders executed twice",
    ),
    goal("settings_get_p99_ms", AtMost(20.0), "ms", "settings read, at 500 reads and 500 changes a second"),
    goal("settings_patch_p99_ms", AtMost(30.0), "ms", "settings changed, at the same time"),
    goal("server_cpu_us_per_command", Open, "µs", "processor time of counterfoil itself"),
    goal("generator_cpu_us_per_command", Open, "µs", "processor time of the load generator"),
    goal("errors", AtMost(0.0), "", "anything that was not a good answer"),
];

impl Goal {
    pub(crate) fn actual(&self, report: &Report) -> Option<f64> {
        report.get(self.key).and_then(Value::as_f64)
    }

    /// Nothing, if there is no bound or no figure.
    pub(crate) fn is_met(&self, report: &Report) -> Option<bool> {
        let actual = self.actual(report)?;
        match self.bound {
            AtLeast(least) => Some(actual >= least),
            AtMost(most) => Some(actual <= most),
            Open => None,
        }
    }

    pub(crate) fn bound_text(&self) -> String {
        match self.bound {
            AtLeast(least) => format!("≥ {}", number(least)),
            AtMost(most) => format!("≤ {}", number(most)),
            Open => String::new(),
        }
    }
}

/// Short and readable: thousands set apart, decimals only where they say something.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(w, r)| (w, Some(r)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    rest.map_or(grouped.clone(), |rest| format!("{grouped}.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        for (value, wanted) in [
            (0.0, "0"),
            (0.954_3, "0.95"),
            (1.0, "1"),
            (12.34, "12.3"),
            (999.6, "1,000"),
            (24_512.3, "24,512"),
            (1_234_567.0, "1,234,567"),
            (-1_500.0, "-1,500"),
        ] {
            assert_eq!(number(value), wanted);
        }
    }

    #[test]
    fn a_goal_is_met_at_its_bound_and_unknown_without_a_figure() {
        let least = GOALS[0];
        let mut report = Report::default();
        assert_eq!(least.is_met(&report), None);
        report.figure(least.key, 1.0);
        assert_eq!(least.is_met(&report), Some(true));
        report.figure(least.key, 0.999);
        assert_eq!(least.is_met(&report), Some(false));
    }
}
