//! A directory for one server. What earlier tests left behind when they were killed goes when the next begins.

use nix::unistd::{Gid, Uid, User, chown};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Once;

const PREFIX: &str = "counterfoil-test-";

/// Whom a server runs as: PostgreSQL refuses to run as root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) uid: Uid,
    pub(crate) gid: Gid,
}

impl Account {
    /// The account for servers, if it is another than ours.
    pub(crate) fn other() -> Option<Self> {
        if !Uid::effective().is_root() {
            return None;
        }
        let user = User::from_name("postgres").unwrap().expect("as root there must be a user postgres");
        Some(Self { uid: user.uid, gid: user.gid })
    }

    pub(crate) fn own(path: &Path) {
        if let Some(account) = Self::other() {
            chown(path, Some(account.uid), Some(account.gid)).unwrap();
        }
    }
}

/// Removed when dropped.
#[derive(Debug)]
pub(crate) struct Room(PathBuf);

impl Room {
    pub(crate) fn new(kind: &str) -> Self {
        static SWEEP: Once = Once::new();
        SWEEP.call_once(sweep);
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let name = format!("{PREFIX}{}-{kind}-{}", std::process::id(), &unique[..8]);
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Account::own(&path);
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes the rooms of processes that are gone.
fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let pid =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<i32>().ok());
        let gone = |pid| nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_err();
        if pid.is_some_and(gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
