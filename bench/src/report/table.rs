//! The table on the terminal: goal, actual, met.

use super::{GOALS, Report, number};

pub(crate) fn table(report: &Report) -> Vec<String> {
    let mut lines = vec![format!("{:<28} {:>10} {:>14}   {:<4} what", "figure", "goal", "actual", "met")];
    for goal in GOALS {
        let actual = goal
            .actual(report)
            .map_or_else(|| "–".to_owned(), |value| format!("{} {}", number(value), goal.unit));
        let met = match goal.is_met(report) {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        let bound = goal.bound_text();
        lines.push(format!(
            "{:<28} {bound:>10} {:>14}   {met:<4} {}",
            goal.key,
            actual.trim_end(),
            goal.what
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_stands_out_and_a_missing_figure_is_a_dash() {
        let mut report = Report::default();
        report.figure("drain_ms", 1_500.0);
        report.figure("errors", 0.0);
        let lines = table(&report);
        let line = |key: &str| lines.iter().find(|line| line.starts_with(key)).unwrap().clone();
        assert!(line("drain_ms").contains("1,500 ms   NO"));
        assert!(line("errors").contains(" 0   yes"));
        assert!(line("cold_load_ms").contains(" –  "));
    }
}
