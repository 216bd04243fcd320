//! What a program said before it ended, for the one line that tells a person why.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How the servers and their tools mark what ended them.
const TELLING: [&str; 4] = ["FATAL", "PANIC", "[FTL]", "error:"];
/// The last word is near the end of a log, or it is an old one.
const NEAR_THE_END: usize = 5;

/// The telling line of its `output`, else of its `log` (a file, or a directory of files).
pub(super) fn of(output: &Path, log: &Path) -> Option<String> {
    let output = fs::read_to_string(output).unwrap_or_default();
    let log = newest(log).and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    let last = lines(&output).last();
    telling(&output).or_else(|| telling(&log)).or(last).map(str::to_owned)
}

fn telling(text: &str) -> Option<&str> {
    let lines: Vec<&str> = lines(text).collect();
    let tail = lines.len().saturating_sub(NEAR_THE_END);
    lines[tail..].iter().rfind(|line| TELLING.iter().any(|mark| line.contains(mark))).copied()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn newest(log: &Path) -> Option<PathBuf> {
    if !log.is_dir() {
        return Some(log.to_path_buf());
    }
    let files = fs::read_dir(log).ok()?.filter_map(Result::ok);
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|found| found.modified()).ok();
    files.map(|entry| entry.path()).max_by_key(|path| changed(path).unwrap_or(SystemTime::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_tells_is_found_near_the_end_only() {
        let log = "12:00 FATAL: old news\n1\n2\n3\n4\n5\n";
        assert_eq!(telling(log), None);
        let log = "LOG: starting\nFATAL: lock file exists\nHINT: is another running?\n";
        assert_eq!(telling(log), Some("FATAL: lock file exists"));
    }
}
