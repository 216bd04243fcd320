//! The embedded runtime: with nothing configured, counterfoil runs its own PostgreSQL and nats-server in its data
//! directory. Real servers with fsync on, one owner per directory (`data_dir`), none ever left behind (`child`), any
//! that dies started again (`keeper`).

mod account;
mod announcement;
mod binaries;
mod child;
mod data_dir;
mod error;
mod files;
mod keeper;
mod last_words;
mod leftovers;
mod nats;
mod nats_conf;
mod once;
mod port;
mod postgres;
mod postgres_conf;
mod secret;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use announcement::Announcement;
pub use binaries::Version;
pub use error::RuntimeError;

use crate::keys;
use data_dir::DataDir;

use nats::Nats;
use postgres::Postgres;

#[derive(Debug)]
pub struct RuntimeOptions {
    pub data_dir: PathBuf,
    /// Whether a key ring comes from elsewhere; else one is kept in the data directory.
    pub keys_given: bool,
}

/// Two running servers and the directory they live in. Dropping it without `stop` ends them too, only without manners.
#[derive(Debug)]
pub struct Runtime {
    postgres: Postgres,
    nats: Nats,
    // Last: its lock is let go when the servers are gone.
    place: DataDir,
}

impl Runtime {
    /// Starts both servers and comes back when both can be used.
    pub async fn start(options: &RuntimeOptions) -> Result<Runtime, RuntimeError> {
        let place = DataDir::open(&options.data_dir)?;
        // Of an earlier one that was killed: from here on it would be a lie.
        Announcement::remove(&place.root);
        if !options.keys_given {
            place.ensure_keys(keys::generate)?;
        }
        match tokio::join!(postgres::start(&place), nats::start(&place)) {
            (Ok(postgres), Ok(nats)) => {
                tracing::info!(
                    event = "servers_started",
                    postgres = %postgres.version,
                    nats = %nats.version,
                    data_dir = %place.root.display(),
                );
                Ok(Runtime { postgres, nats, place })
            }
            (Ok(postgres), Err(error)) => {
                postgres.keeper.stop().await;
                Err(error)
            }
            (Err(error), nats) => {
                if let Ok(nats) = nats {
                    nats.keeper.stop().await;
                }
                Err(error)
            }
        }
    }

    pub fn database_url(&self) -> &str {
        &self.postgres.url
    }

    /// With the credentials of the user `counterfoil`.
    pub fn nats_url(&self) -> &str {
        &self.nats.url
    }

    /// Where the key ring of this data directory is.
    pub fn keys_file(&self) -> PathBuf {
        self.place.keys_file()
    }

    pub fn data_dir(&self) -> &Path {
        &self.place.root
    }

    pub fn postgres_version(&self) -> Version {
        self.postgres.version
    }

    pub fn nats_version(&self) -> Version {
        self.nats.version
    }

    /// Tells other commands where everything is; call it when all is ready.
    pub fn announce(&self, listen: SocketAddr) -> Result<(), RuntimeError> {
        Announcement {
            listen,
            database_url: self.database_url().to_owned(),
            nats_url: self.nats_url().to_owned(),
            pid: std::process::id(),
        }
        .write(&self.place.root)
    }

    pub async fn stop(self) {
        Announcement::remove(&self.place.root);
        tokio::join!(self.nats.keeper.stop(), self.postgres.keeper.stop());
        tracing::info!(event = "servers_stopped");
    }
}

/// A file for its owner's eyes only, in one step.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), RuntimeError> {
    files::replace(path, content, 0o600, account::Account::Ours)
}

/// The same for a file that is there already, and may have readers of its own.
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> Result<(), RuntimeError> {
    files::replace_in_place(path, content)
}
