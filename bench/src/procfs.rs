//! What the kernel tells about processes: processor time, resident memory, families.
//!
//! Reading `/proc` costs microseconds and needs nothing of the process looked at. A process that is gone
//! reads as none, which is not an error: backends of Postgres come and go.

use std::collections::BTreeMap;
use std::fs;

/// `USER_HZ`, the unit of times in `/proc`: part of the kernel's interface, the same on all common machines.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) name: String,
    /// Processor seconds used by itself.
    pub(crate) own_seconds: f64,
    /// Processor seconds of its children that have ended and were waited for.
    pub(crate) reaped_seconds: f64,
}

pub(crate) fn process(pid: u32) -> Option<Process> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

pub(crate) fn own_cpu_seconds() -> f64 {
    process(std::process::id()).map_or(0.0, |process| process.own_seconds)
}

/// The name may hold spaces and brackets: the fields begin after the last closing one.
fn parse_stat(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, fields) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some(Process {
        pid: pid.parse().ok()?,
        parent: fields.get(1)?.parse().ok()?,
        name: name.to_owned(),
        own_seconds: (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND,
        reaped_seconds: (ticks(13)? + ticks(14)?) / TICKS_PER_SECOND,
    })
}

/// The process and everything that descends from it.
pub(crate) fn family(root: u32) -> Vec<Process> {
    let mut children = BTreeMap::<u32, Vec<Process>>::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if let Some(found) = process(pid) {
            children.entry(found.parent).or_default().push(found);
        }
    }
    let mut found: Vec<Process> = process(root).into_iter().collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|process| process.pid) {
        found.extend(children.remove(&parent).unwrap_or_default());
        next += 1;
    }
    found
}

/// Resident memory in bytes.
pub(crate) fn resident_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_moves_no_field() {
        let stat = "42 (post) (gres: x) S 7 42 42 0 -1 4194304 1 2 3 4 150 50 25 75 20 0 1 0 9 8 7";
        let process = parse_stat(stat).unwrap();
        assert_eq!((process.pid, process.parent, process.name.as_str()), (42, 7, "post) (gres: x"));
        assert!((process.own_seconds - 2.0).abs() < 1e-9);
        assert!((process.reaped_seconds - 1.0).abs() < 1e-9);
    }

    #[test]
    fn this_process_is_found_with_its_child() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let family = family(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(family[0].pid, std::process::id());
        assert!(family.iter().any(|process| process.pid == child.id() && process.parent == family[0].pid));
        assert!(resident_bytes(std::process::id()).unwrap() > 100_000);
        assert_eq!(process(child.id()), None);
    }
}
