//! How far long work on the journal is: a bar on a terminal, a line every few seconds elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

const LINE_INTERVAL: Duration = Duration::from_secs(2);
const EVENTS: &str = "events";

#[derive(Debug)]
pub enum Progress {
    Bar(ProgressBar),
    Lines { name: String, unit: &'static str, head: i64, begun: Instant, last: Instant },
}

impl Progress {
    pub fn begin(name: &str, head: i64) -> Self {
        Self::counting(name, EVENTS, head)
    }

    /// Of something else than events.
    pub fn counting(name: &str, unit: &'static str, head: i64) -> Self {
        if stderr().is_terminal() {
            let bar = format!(
                "{{prefix:>14}} {{bar:40}} {{human_pos}}/{{human_len}} {unit}  {{per_sec}}  {{eta}}  {{msg}}"
            );
            let style = ProgressStyle::with_template(&bar).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(u64::try_from(head).unwrap_or(0)).with_style(style);
            return Self::Bar(bar.with_prefix(name.to_owned()));
        }
        let now = Instant::now();
        Self::Lines { name: name.to_owned(), unit, head, begun: now, last: now }
    }

    pub fn reached(&mut self, position: i64) {
        match self {
            Self::Bar(bar) => {
                let position = u64::try_from(position).unwrap_or(0);
                // Writers go on: the end moves.
                bar.set_length(bar.length().unwrap_or(0).max(position));
                bar.set_position(position);
            }
            Self::Lines { name, unit, head, last, .. } => {
                *head = position.max(*head);
                if last.elapsed() >= LINE_INTERVAL {
                    *last = Instant::now();
                    line(&format!("{name}: {position} of {head} {unit}"));
                }
            }
        }
    }

    pub fn stage(&self, what: &'static str) {
        match self {
            Self::Bar(bar) => bar.set_message(what),
            Self::Lines { name, .. } => line(&format!("{name}: {what}")),
        }
    }

    pub fn done(&self, position: i64) {
        match self {
            Self::Bar(bar) => bar.finish(),
            Self::Lines { name, unit, begun, .. } => {
                let took = begun.elapsed().as_secs_f64();
                let at = if *unit == EVENTS {
                    format!("at position {position}")
                } else {
                    format!("with {position} {unit}")
                };
                line(&format!("{name}: done {at} after {took:.1} s"));
            }
        }
    }
}

/// Progress is for people: if nobody can read it, the work goes on.
fn line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}
