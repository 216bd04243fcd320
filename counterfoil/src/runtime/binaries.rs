//! Finding the servers' programs. Packagers put PostgreSQL outside of PATH, with several versions side by side; we
//! look where they do, ask each program for its version, and take the newest, or, when there is a
//! database already, the one whose major version made it (no other can read it).

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::RuntimeError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

/// What Debian 12 ships and our tests run on; older ones are near the end of their support.
const OLDEST_POSTGRES: Version = Version { major: 15, minor: 0, patch: 0 };
/// The first with the consumer API that async-nats speaks, and what Debian 12 ships.
const OLDEST_NATS: Version = Version { major: 2, minor: 9, patch: 0 };

#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) version: Version,
}

/// `postgres`, with `initdb` beside it. `made_by` is the major version of an existing database.
pub(super) fn postgres(made_by: Option<u32>, database: &Path) -> Result<Program, RuntimeError> {
    let found = programs("postgres", &postgres_directories(), |path| path.with_file_name("initdb").is_file());
    let newest_first = |wanted: &dyn Fn(&Program) -> bool| {
        found.iter().filter(|program| wanted(program)).max_by_key(|program| program.version).cloned()
    };
    match made_by {
        Some(major) => newest_first(&|program| program.version.major == major).ok_or_else(|| {
            RuntimeError::OtherMajor { path: database.to_path_buf(), made_by: major, found: listed(&found) }
        }),
        None => newest_first(&|program| program.version >= OLDEST_POSTGRES)
            .ok_or_else(|| missing("PostgreSQL", OLDEST_POSTGRES, &found)),
    }
}

pub(super) fn nats() -> Result<Program, RuntimeError> {
    let found = programs("nats-server", &nats_directories(), |_| true);
    found
        .iter()
        .filter(|program| program.version >= OLDEST_NATS)
        .max_by_key(|program| program.version)
        .cloned()
        .ok_or_else(|| missing("nats-server", OLDEST_NATS, &found))
}

fn missing(server: &'static str, minimum: Version, found: &[Program]) -> RuntimeError {
    let found = match found {
        [] => "none was found".to_owned(),
        some => format!("only {} was found", listed(some)),
    };
    RuntimeError::NotInstalled { server, minimum, found }
}

fn listed(found: &[Program]) -> String {
    if found.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<String> =
        found.iter().map(|program| format!("{} in {}", program.version, program.path.display())).collect();
    names.join(", ")
}

fn programs(name: &str, directories: &[PathBuf], complete: impl Fn(&Path) -> bool) -> Vec<Program> {
    let mut seen = BTreeSet::new();
    directories
        .iter()
        .map(|directory| directory.join(name))
        .filter(|path| path.is_file() && complete(path))
        .filter(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())))
        .filter_map(|path| version_of(&path).map(|version| Program { path, version }))
        .collect()
}

fn version_of(program: &Path) -> Option<Version> {
    let answer = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    Version::find(&String::from_utf8_lossy(&answer.stdout))
}

/// Debian and its kin, Red Hat and its kin, SUSE, Alpine, Homebrew on both kinds of Mac.
fn postgres_directories() -> Vec<PathBuf> {
    let mut all = in_path();
    all.extend(versioned("/usr/lib/postgresql", "", "bin"));
    all.extend(versioned("/usr", "pgsql-", "bin"));
    all.extend(versioned("/usr/lib", "postgresql", "bin"));
    all.extend(versioned("/usr/libexec", "postgresql", ""));
    all.extend(versioned("/opt/homebrew/opt", "postgresql@", "bin"));
    all.extend(versioned("/usr/local/opt", "postgresql@", "bin"));
    all
}

fn nats_directories() -> Vec<PathBuf> {
    let mut all = in_path();
    all.extend(["/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from));
    all
}

fn in_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|directory| directory.is_absolute()).collect()
}

/// `<parent>/<prefix><number>/<inner>`, for every such directory there is.
fn versioned(parent: &str, prefix: &str, inner: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(prefix));
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        })
        .map(|entry| entry.path().join(inner))
        .collect()
}

impl Version {
    /// The first thing in `text` that looks like a version: `15.18`, `v2.9.10`, `18beta1`.
    fn find(text: &str) -> Option<Version> {
        text.split_whitespace().find_map(|word| {
            let mut parts = word.trim_start_matches('v').split('.').map(leading_number);
            let major = parts.next()??;
            let minor = parts.next().flatten().unwrap_or(0);
            let patch = parts.next().flatten().unwrap_or(0);
            Some(Version { major, minor, patch })
        })
    }
}

fn leading_number(part: &str) -> Option<u32> {
    let end = part.find(|character: char| !character.is_ascii_digit()).unwrap_or(part.len());
    part[..end].parse().ok()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.minor, self.patch) {
            (0, 0) => write!(f, "{}", self.major),
            (minor, 0) => write!(f, "{}.{minor}", self.major),
            (minor, patch) => write!(f, "{}.{minor}.{patch}", self.major),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32, minor: u32, patch: u32) -> Version {
        Version { major, minor, patch }
    }

    #[test]
    fn versions_are_found_in_what_the_programs_print() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)";
        assert_eq!(Version::find(debian), Some(version(15, 18, 0)));
        assert_eq!(Version::find("postgres (PostgreSQL) 18beta1"), Some(version(18, 0, 0)));
        assert_eq!(Version::find("nats-server: v2.9.10\n"), Some(version(2, 9, 10)));
        assert_eq!(Version::find("nothing of the kind"), None);
    }

    #[test]
    fn a_newer_version_compares_as_greater() {
        assert!(version(2, 10, 0) > version(2, 9, 25));
        assert!(version(15, 1, 0) > version(14, 22, 0));
    }

    #[test]
    fn what_is_missing_is_said_with_what_was_found() {
        let old =
            Program { path: "/usr/bin/postgres".into(), version: Version { major: 13, minor: 4, patch: 0 } };
        let said = missing("PostgreSQL", OLDEST_POSTGRES, &[old]).to_string();
        assert!(
            said.starts_with("PostgreSQL 15 or newer is needed and only 13.4 in /usr/bin/postgres was found")
        );
        assert!(missing("nats-server", OLDEST_NATS, &[]).to_string().contains("none was found"));
    }
}
