//! A database cluster made once per set of migrations and copied for each test: copying takes a twentieth of `initdb`.
//!
//! Whoever comes first builds it under a file lock; it becomes visible by a rename, so a half-built one never is.

use crate::room::{Account, Room};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// Where PostgreSQL's programs are: in PATH, or where Debian puts them, newest first.
pub fn program(name: &str) -> PathBuf {
    let mut places: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let mut packaged: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .collect();
    packaged.sort_unstable_by(|a, b| b.cmp(a));
    places.extend(packaged.into_iter().map(|(_, path)| path));
    places.extend(["/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from));
    places
        .into_iter()
        .map(|place| place.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed"))
}

/// Copies the prepared cluster to `target`; `prepare` fills a fresh one, the first time.
pub(crate) fn copy_to(target: &Path, prepare: impl FnOnce(&Path)) {
    let prepared = prepared_path();
    if !prepared.exists() {
        build(&prepared, prepare);
    }
    copy(&prepared, target);
}

fn prepared_path() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    program("postgres").hash(&mut hasher);
    MIGRATIONS.iter().for_each(|migration| migration.checksum.hash(&mut hasher));
    let user = nix::unistd::Uid::effective();
    std::env::temp_dir().join(format!("counterfoil-testkit-{user}-{:016x}", hasher.finish()))
}

fn build(prepared: &Path, prepare: impl FnOnce(&Path)) {
    let lock = File::create(prepared.with_extension("lock")).unwrap();
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| error).unwrap();
    if prepared.exists() {
        return;
    }
    let room = Room::new("build");
    let cluster = room.path().join("cluster");
    let mut command = Command::new(program("initdb"));
    command
        .args([
            "--username=counterfoil",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
            "--wal-segsize=4",
            "-D",
        ])
        .arg(&cluster);
    let made = run(command);
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    prepare(&cluster);
    fs::rename(&cluster, prepared).unwrap();
}

fn copy(from: &Path, to: &Path) {
    let mut command = Command::new("cp");
    command.args(["-r", "-p"]).arg(from).arg(to);
    let copied = run(command);
    assert!(copied.status.success(), "cp: {}", String::from_utf8_lossy(&copied.stderr));
}

fn run(mut command: Command) -> std::process::Output {
    if let Some(account) = Account::other() {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command.current_dir("/").output().unwrap()
}
