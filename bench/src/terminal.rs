//! The one place that writes to standard output and standard error.
//!
//! Output that other programs read (JSON, addresses) goes to standard output; what a person reads while
//! waiting goes to standard error: a bar on a terminal, plain lines otherwise.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// One line of output, at once: whoever reads it from a pipe is waiting for it.
pub(crate) fn line(text: &str) {
    println!("{text}");
    let _reader_is_gone = std::io::stdout().flush();
}

pub(crate) fn complain(text: &str) {
    eprintln!("{text}");
}

/// Between two plain lines on the progress of one piece of work.
const MARK_EVERY: Duration = Duration::from_secs(5);

/// How far a long piece of work has come.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
    marked: Cell<Instant>,
}

impl Progress {
    pub(crate) fn new(steps: u64) -> Self {
        let (started, marked) = (Instant::now(), Cell::new(Instant::now()));
        if !std::io::stderr().is_terminal() {
            return Self { bar: None, started, marked };
        }
        let bar = ProgressBar::new(steps);
        // The template is a constant that is right; if it were not, the plain bar would do.
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {bar:32} {pos:>3}/{len} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar: Some(bar), started, marked }
    }

    /// Says what is being done now.
    pub(crate) fn doing(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None => eprintln!("{:6.1} s  {what}", self.started.elapsed().as_secs_f64()),
        }
    }

    /// How far the present work has come: all of it beside a bar, now and then in plain lines.
    pub(crate) fn mark(&self, what: &str) {
        if self.bar.is_some() || self.marked.get().elapsed() >= MARK_EVERY {
            self.marked.set(Instant::now());
            self.doing(what);
        }
    }

    /// A result worth a line of its own.
    pub(crate) fn tell(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.println(what),
            None => eprintln!("{:6.1} s  {what}", self.started.elapsed().as_secs_f64()),
        }
    }

    pub(crate) fn step(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
