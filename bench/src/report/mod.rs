//! What comes out of a run: flat keys as JSON, a picture, and the table of goals as text.
//!
//! It is written after every step, so that whatever ends a run leaves what was measured before; `complete` says whether
//! everything that was asked for is in it.

mod goals;
mod svg;
mod table;

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{Doing, Result};
use crate::load::{Histogram, millis};
use crate::runner::{Driven, Usage};

pub(crate) use goals::{GOALS, number};
pub(crate) use table::table;

#[derive(Debug, Default)]
pub(crate) struct Report {
    figures: Map<String, Value>,
    /// Commands a second, to draw: name, figure, and whether it is Counterfoil's.
    bars: Vec<Bar>,
    /// Latencies, to draw.
    curves: Vec<(String, Histogram)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) per_second: f64,
    pub(crate) ours: bool,
}

impl Report {
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        self.figures.insert(key.to_owned(), value);
    }

    /// A number, to three decimals: nothing here is known better.
    pub(crate) fn figure(&mut self, key: &str, value: f64) {
        self.set(key, json!((value * 1e3).round() / 1e3));
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.figures.get(key)
    }

    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.get(key).and_then(Value::as_f64)
    }

    /// `key` becomes `above / below`, if both are known.
    pub(crate) fn ratio(&mut self, key: &str, above: &str, below: &str) {
        if let (Some(above), Some(below)) = (self.number(above), self.number(below))
            && below > 0.0
        {
            self.figure(key, above / below);
        }
    }

    pub(crate) fn latencies(&mut self, name: &str, latency: &Histogram) {
        for (percentile, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
            self.figure(&format!("{name}_{percentile}_ms"), millis(latency.percentile(share)));
        }
        self.figure(&format!("{name}_mean_ms"), latency.mean() / 1e3);
        self.figure(&format!("{name}_max_ms"), millis(latency.max()));
    }

    /// Who used how much of one core while a scenario was measured, in per cent.
    pub(crate) fn shares_of(&mut self, name: &str, driven: &Driven) {
        let seconds = driven.outcome.seconds.max(0.001);
        self.shares(name, driven.outcome.cpu_seconds / seconds, driven.usage.per(seconds));
    }

    pub(crate) fn shares(&mut self, name: &str, generator: f64, usage: Usage) {
        let parts = [
            ("generator", generator),
            ("counterfoil", usage.counterfoil),
            ("postgres", usage.postgres),
            ("nats", usage.nats),
            ("peer", usage.peer),
        ];
        for (part, share) in parts.into_iter().filter(|(part, share)| *part != "peer" || *share > 0.0) {
            self.figure(&format!("{name}_cpu_{part}_pct"), 100.0 * share);
        }
    }

    /// Draws a bar, in place of one of that name.
    pub(crate) fn bar(&mut self, name: &str, per_second: f64, ours: bool) {
        let bar = Bar { name: name.to_owned(), per_second, ours };
        match self.bars.iter_mut().find(|there| there.name == name) {
            Some(there) => *there = bar,
            None => self.bars.push(bar),
        }
    }

    /// Draws a curve, in place of one of that name.
    pub(crate) fn curve(&mut self, name: &str, latency: Histogram) {
        match self.curves.iter_mut().find(|(there, _)| there == name) {
            Some((_, there)) => *there = latency,
            None => self.curves.push((name.to_owned(), latency)),
        }
    }

    /// Writes `<name>.json`, `<name>.svg` and `<name>.txt`.
    pub(crate) fn write(&self, directory: &Path, name: &str) -> Result<()> {
        let json = serde_json::to_string_pretty(&self.figures).doing("writing the report")? + "\n";
        let text = table(self).join("\n") + "\n";
        for (kind, text) in [("json", json), ("svg", svg::draw(self)), ("txt", text)] {
            let path = directory.join(format!("{name}.{kind}"));
            std::fs::write(&path, text).doing(format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names others read the report by.
    const PROMISED: [&str; 30] = [
        "spread_vs_pgbench",
        "spread_vs_stock",
        "hot_vs_stock_hot",
        "hot_vs_spread",
        "transfer_hot_pair_vs_spread",
        "hold_capture_vs_pgbench",
        "batch_100_per_s",
        "history_first_page_ms",
        "history_last_page_ms",
        "history_last_vs_first",
        "lag_p99_ms",
        "drain_ms",
        "warm_1m_vs_10",
        "cold_load_ms",
        "rebuild_wallets_per_s",
        "rebuild_transactions_per_s",
        "idle_rss_mb",
        "start_warm_ms",
        "spread_with_trading",
        "rebalance_p99_ms",
        "run_done_p99_ms",
        "trading_due",
        "trading_late_p99_ms",
        "trading_runs_per_s",
        "trading_rss_mb",
        "trading_errors",
        "settings_get_p99_ms",
        "settings_patch_p99_ms",
        "errors",
        "server_cpu_us_per_command",
    ];

    #[test]
    fn every_promised_figure_is_a_row_of_the_table() {
        for key in PROMISED {
            assert!(GOALS.iter().any(|goal| goal.key == key), "{key}");
        }
    }

    #[test]
    fn the_table_of_the_readme_has_every_promised_figure() {
        let readme = include_str!("../../../README.md");
        for key in PROMISED {
            assert!(readme.contains(&format!("(`{key}`) |")), "{key}");
        }
    }

    #[test]
    fn what_is_drawn_again_takes_its_own_place() {
        let mut report = Report::default();
        for per_second in [1.0, 2.0] {
            report.bar("many wallets", per_second, true);
            report.curve("full load", Histogram::default());
        }
        assert_eq!((report.bars.len(), report.curves.len()), (1, 1));
        assert!((report.bars[0].per_second - 2.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_written_report_is_flat_and_holds_what_was_set() {
        let mut report = Report::default();
        report.figure("spread_per_s", 20_000.0);
        report.figure("pgbench_per_s", 16_000.0);
        report.ratio("spread_vs_pgbench", "spread_per_s", "pgbench_per_s");
        report.ratio("spread_vs_stock", "spread_per_s", "stock_spread_per_s");
        let directory = std::env::temp_dir().join(format!("bench-report-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        report.write(&directory, "report").unwrap();
        let written: Value =
            serde_json::from_slice(&std::fs::read(directory.join("report.json")).unwrap()).unwrap();
        let drawn = std::fs::read_to_string(directory.join("report.svg")).unwrap();
        let text = std::fs::read_to_string(directory.join("report.txt")).unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
        let figures = written.as_object().unwrap();
        assert_eq!(figures["spread_vs_pgbench"], json!(1.25));
        assert!(!figures.contains_key("spread_vs_stock"), "no figure is made up");
        assert!(figures.values().all(|value| !value.is_object()));
        assert!(drawn.starts_with("<svg"));
        assert!(text.contains("spread_vs_pgbench"));
    }
}
