//! The servers a command works with: given ones; the embedded ones of a counterfoil that runs in this data directory,
//! found through its `runtime.json`; or embedded ones of our own for as long as the command takes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use commands::vault::{LiveRing, RingFileError};

use crate::config::{Place, Which};
use crate::keys;
use crate::runtime::{Announcement, Runtime, RuntimeError, RuntimeOptions};

/// A counterfoil that is just starting says where it is as soon as it is ready; a recovery may take it a while.
const ANNOUNCEMENT_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

pub struct Servers {
    database_url: String,
    nats_url: Option<String>,
    /// None for a command that needs no keys.
    keys_file: Option<PathBuf>,
    own: Option<Runtime>,
}

#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Keys(#[from] RingFileError),
    #[error("no key ring was named: set COUNTERFOIL_KEYS_FILE")]
    NoKeys,
}

impl Servers {
    /// To serve: nobody else may use the data directory.
    pub async fn start(place: &Place) -> Result<Servers, ServersError> {
        match &place.servers {
            Which::Given { database_url, nats_url } => {
                Ok(Self::given(place, database_url, nats_url.as_deref()))
            }
            Which::Embedded { data_dir } => Ok(Self::own(place, data_dir).await?),
        }
    }

    /// To do something beside, or without, a counterfoil that serves.
    pub async fn reach(place: &Place) -> Result<Servers, ServersError> {
        let Which::Embedded { data_dir } = &place.servers else {
            return Self::start(place).await;
        };
        let deadline = Instant::now() + ANNOUNCEMENT_LIMIT;
        loop {
            // Whether somebody serves there is a question of the lock alone: a crash leaves the file behind.
            match Self::own(place, data_dir).await {
                Err(RuntimeError::InUse { .. }) if Announcement::read(data_dir).is_some() => {
                    if let Some(found) = Announcement::read(data_dir) {
                        return Ok(Self::running(place, data_dir, found));
                    }
                }
                Err(RuntimeError::InUse { .. }) if Instant::now() < deadline => sleep(POLL).await,
                own => return Ok(own?),
            }
        }
    }

    fn given(place: &Place, database_url: &str, nats_url: Option<&str>) -> Servers {
        Servers {
            database_url: database_url.to_owned(),
            nats_url: nats_url.map(str::to_owned),
            keys_file: place.keys_file.clone(),
            own: None,
        }
    }

    fn running(place: &Place, data_dir: &Path, found: Announcement) -> Servers {
        tracing::info!(event = "running_server_found", pid = found.pid);
        Servers {
            database_url: found.database_url,
            nats_url: Some(found.nats_url),
            keys_file: place.keys_file.clone().or_else(|| Some(data_dir.join("keys.json"))),
            own: None,
        }
    }

    async fn own(place: &Place, data_dir: &Path) -> Result<Servers, RuntimeError> {
        let keys_given = place.keys_file.is_some();
        let own = Runtime::start(&RuntimeOptions { data_dir: data_dir.to_path_buf(), keys_given }).await?;
        Ok(Servers {
            database_url: own.database_url().to_owned(),
            nats_url: Some(own.nats_url().to_owned()),
            keys_file: place.keys_file.clone().or_else(|| Some(own.keys_file())),
            own: Some(own),
        })
    }

    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// With its credentials. Only commands that asked for it (`Place::require_nats`) may rely on it.
    pub fn nats_url(&self) -> Option<&str> {
        self.nats_url.as_deref()
    }

    /// The embedded runtime, when it is ours.
    pub fn runtime(&self) -> Option<&Runtime> {
        self.own.as_ref()
    }

    pub fn keys_file(&self) -> Result<&Path, ServersError> {
        self.keys_file.as_deref().ok_or(ServersError::NoKeys)
    }

    pub fn rings(&self) -> Result<LiveRing, ServersError> {
        Ok(keys::open(self.keys_file()?)?)
    }

    /// Stops what was started for us.
    pub async fn stop(self) {
        if let Some(own) = self.own {
            own.stop().await;
        }
    }
}

impl std::fmt::Debug for Servers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Servers").field("own", &self.own.is_some()).finish_non_exhaustive()
    }
}
