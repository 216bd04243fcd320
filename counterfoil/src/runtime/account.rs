//! Whom the servers run as. An ordinary user runs them as itself; root must not (PostgreSQL refuses, rightly), so
//! they run as whoever owns the database already, else as `postgres`, else as `nobody`.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, fchown, lchown};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};

use super::error::RuntimeError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// The user counterfoil itself runs as.
    Ours,
    Other {
        uid: u32,
        gid: u32,
    },
}

/// In this order: the first is made for the job, the second exists nearly everywhere.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

impl Account {
    /// The account for a database at `database`, which may not exist yet.
    pub(super) fn choose(database: &Path) -> Result<Account, RuntimeError> {
        if !Uid::effective().is_root() {
            return Ok(Account::Ours);
        }
        if let Ok(made) = fs::metadata(database)
            && made.uid() != 0
        {
            return Ok(Account::Other { uid: made.uid(), gid: made.gid() });
        }
        UNPRIVILEGED
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Account::Other { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
            .ok_or(RuntimeError::NoAccount)
    }

    pub(super) fn own_file(self, file: &File) -> std::io::Result<()> {
        match self {
            Account::Ours => Ok(()),
            Account::Other { uid, gid } => fchown(file, Some(uid), Some(gid)),
        }
    }

    /// Follows no link: the last part of `path` itself changes hands.
    pub(super) fn own_path(self, path: &Path) -> std::io::Result<()> {
        match self {
            Account::Ours => Ok(()),
            Account::Other { uid, gid } => lchown(path, Some(uid), Some(gid)),
        }
    }

    /// The first directory on the way to `path` (itself included) that this account may not pass.
    pub(super) fn first_closed(self, path: &Path) -> Option<PathBuf> {
        let Account::Other { uid, gid } = self else {
            return None;
        };
        let mut way: Vec<&Path> = path.ancestors().collect();
        way.reverse();
        way.into_iter().find(|directory| !may_pass(directory, uid, gid)).map(Path::to_path_buf)
    }
}

fn may_pass(directory: &Path, uid: u32, gid: u32) -> bool {
    let Ok(found) = fs::metadata(directory) else {
        return false;
    };
    let bit = if found.uid() == uid {
        0o100
    } else if found.gid() == gid {
        0o010
    } else {
        0o001
    };
    found.mode() & bit != 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// An id that owns nothing, so that only the bits for others count.
    const STRANGER: Account = Account::Other { uid: 4_000_000, gid: 4_000_000 };

    #[test]
    fn a_closed_ancestor_is_named() {
        let top = std::env::temp_dir().join(format!("counterfoil-account-{}", std::process::id()));
        let inner = top.join("inner");
        fs::create_dir_all(&inner).unwrap();
        fs::set_permissions(&top, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(STRANGER.first_closed(&inner), Some(top.clone()));
        fs::set_permissions(&top, fs::Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(STRANGER.first_closed(&inner), None);
        assert_eq!(Account::Ours.first_closed(&inner), None);
        fs::remove_dir_all(&top).unwrap();
    }
}
