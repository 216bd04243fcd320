//! What can go wrong with the embedded servers. Every message is one line that says what to do about it,
//! because the person who reads it has just typed `counterfoil serve` and knows nothing of our inside.

use std::path::PathBuf;

use commands::vault::KeyRingError;

use super::binaries::Version;

#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("cannot {action} {path}: {source}")]
    File { action: &'static str, path: PathBuf, source: std::io::Error },

    #[error(
        "the data directory {path} is in use by another counterfoil{holder}; stop that one, or choose \
         another directory with COUNTERFOIL_DATA_DIR"
    )]
    InUse { path: PathBuf, holder: String },

    #[error(
        "{server} {minimum} or newer is needed and {found}; run `scripts/ensure-servers` to install it, or \
         set DATABASE_URL and NATS_URL to use servers of your own"
    )]
    NotInstalled { server: &'static str, minimum: Version, found: String },

    #[error(
        "the database in {path} was made by PostgreSQL {made_by}, which is not installed (found {found}); \
         install PostgreSQL {made_by}, or move the data with pg_upgrade"
    )]
    OtherMajor { path: PathBuf, made_by: u32, found: String },

    #[error(
        "the server files of this data directory should be in {path}, which is gone; restore it, or remove \
         the link {link} to begin with an empty database"
    )]
    ServersGone { path: PathBuf, link: PathBuf },

    #[error(
        "{path} is closed to the user the servers run as; open it with `chmod o+x`, or choose another \
         directory with COUNTERFOIL_DATA_DIR"
    )]
    Closed { path: PathBuf },

    #[error(
        "there is neither a user `postgres` nor a user `nobody` to run PostgreSQL as, and it refuses to run \
         as root; create one with `useradd --system postgres`"
    )]
    NoAccount,

    #[error(
        "{path} is missing but its database exists; restore the file from a backup, because without it what \
         is sealed in the database can never be read again"
    )]
    KeysMissing { path: PathBuf },

    #[error("{server} did not start: {reason} (its log is in {log})")]
    NotStarted { server: &'static str, reason: String, log: PathBuf },

    #[error("{server} was not ready after {seconds} s (its log is in {log})")]
    NotReady { server: &'static str, seconds: u64, log: PathBuf },

    #[error("an earlier {server} still holds {path} and does not end; stop its processes {pids:?}")]
    Leftover { server: &'static str, path: PathBuf, pids: Vec<i32> },

    #[error("cannot prepare the database: {0}")]
    Database(#[from] sqlx::Error),

    #[error("no port on 127.0.0.1 is free for a server; stop what holds so many")]
    NoPort,

    #[error("cannot make a key ring: {0}")]
    Keys(#[from] KeyRingError),

    #[error("the system gave no random bytes: {0}")]
    Randomness(getrandom::Error),

    #[error("{path} cannot be read as {what}: {source}")]
    Unreadable { what: &'static str, path: PathBuf, source: serde_json::Error },

    #[error("a part of the start was cut short: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl RuntimeError {
    /// For `map_err`: says what was being done to which file.
    pub(super) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> RuntimeError {
        let path = path.into();
        move |source| RuntimeError::File { action, path, source }
    }
}
