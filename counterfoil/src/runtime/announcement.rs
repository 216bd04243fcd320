//! `runtime.json`: where a running counterfoil can be reached, for the other commands and for people. It is there from
//! the moment everything is ready until a clean stop; one that a crash left behind is known by the lock
//! that nobody holds.

use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::account::Account;
use super::error::RuntimeError;
use super::files;

const NAME: &str = "runtime.json";

/// The URLs carry passwords, so the file is for its owner alone.
#[derive(Clone, Serialize, Deserialize)]
pub struct Announcement {
    pub listen: SocketAddr,
    pub database_url: String,
    pub nats_url: String,
    pub pid: u32,
}

impl std::fmt::Debug for Announcement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Announcement")
            .field("listen", &self.listen)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl Announcement {
    pub(super) fn write(&self, root: &Path) -> Result<(), RuntimeError> {
        let path = root.join(NAME);
        let text = serde_json::to_string_pretty(self).map_err(|source| RuntimeError::Unreadable {
            what: "an announcement",
            path: path.clone(),
            source,
        })?;
        files::replace(&path, text.as_bytes(), 0o600, Account::Ours)
    }

    pub(super) fn remove(root: &Path) {
        let _not_there = std::fs::remove_file(root.join(NAME));
    }

    /// What the counterfoil that uses this directory said, if it is ready.
    pub fn read(root: &Path) -> Option<Announcement> {
        serde_json::from_slice(&std::fs::read(root.join(NAME)).ok()?).ok()
    }
}
