//! The table on the terminal: goal, actual, met.

use serde_json::Value;

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
    lines.push(String::new());
    lines.extend(sizes(report));
    if report.get("complete").and_then(Value::as_bool) == Some(false) {
        lines.push("Not everything that was asked for was measured.".to_owned());
    }
    lines
}

/// What the figures were measured on. A quick run says that its sizes are not those the goals were set for.
fn sizes(report: &Report) -> Vec<String> {
    let size = |key: &str| report.number(key).map(number);
    let (Some(events), Some(keys), Some(history)) =
        (size("seed_events"), size("seed_old_keys"), size("seed_long_history"))
    else {
        return Vec::new();
    };
    let mut lines = vec![format!(
        "On a journal of {events} events and {keys} old keys; the long history has {history} events."
    )];
    if report.get("quick").and_then(Value::as_bool) == Some(true) {
        lines
            .push("A quick look: sizes are smaller than the goals ask for, and rounds are short.".to_owned());
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

    #[test]
    fn a_quick_or_unfinished_run_says_so() {
        let mut report = Report::default();
        for (key, value) in [("seed_events", 2e6), ("seed_old_keys", 5e6), ("seed_long_history", 1e6)] {
            report.figure(key, value);
        }
        let text = table(&report).join("\n");
        assert!(
            text.contains("5,000,000 old keys")
                && !text.contains("quick")
                && !text.contains("Not everything")
        );
        report.set("quick", true.into());
        report.set("complete", false.into());
        let text = table(&report).join("\n");
        assert!(text.contains("A quick look") && text.contains("Not everything"));
    }
}
