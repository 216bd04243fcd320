//! The data directory: whose it is, who may use it now, and where its parts are.
//!
//! ```text
//! lock            held for as long as a counterfoil uses this directory
//! runtime.json    where the running one can be reached (0600)
//! keys.json       the key ring (0600)
//! nats.json       the NATS users (0600)
//! database.password (0600)
//! servers/        postgres/ and nats/, owned by the user they run as
//! ```
//!
//! Root's directories are often closed to everybody else, so also to the unprivileged user that the servers run as.
//! Then `servers` is a link to a directory that is open to it, and that is said once, when it is made.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use commands::vault::KeyRingError;
use zeroize::Zeroizing;

use super::account::Account;
use super::error::RuntimeError;
use super::{files, secret};

/// Where the servers of a closed data directory of root's live.
const ELSEWHERE: &str = "/var/lib/counterfoil";
/// More directories of one name than this were abandoned there: somebody should have a look.
const ELSEWHERE_TRIES: u32 = 100;

#[derive(Debug)]
pub(super) struct DataDir {
    pub(super) root: PathBuf,
    servers: PathBuf,
    pub(super) account: Account,
    /// Dropped last thing: the kernel lets go of the lock with the file.
    _lock: File,
}

impl DataDir {
    pub(super) fn open(path: &Path) -> Result<DataDir, RuntimeError> {
        let root = make_root(path)?;
        let lock = lock(&root)?;
        let link = root.join("servers");
        let account = Account::choose(&link.join("postgres/data"))?;
        let servers = servers(&root, &link, account)?;
        for directory in ["postgres", "nats"] {
            files::directory(&servers.join(directory), 0o700, account)?;
        }
        Ok(DataDir { root, servers, account, _lock: lock })
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.servers.join("postgres")
    }

    pub(super) fn postgres_data(&self) -> PathBuf {
        self.postgres().join("data")
    }

    pub(super) fn nats(&self) -> PathBuf {
        self.servers.join("nats")
    }

    pub(super) fn keys_file(&self) -> PathBuf {
        self.root.join("keys.json")
    }

    /// The key ring is made by `generate` before the database and never again: whatever the database holds is sealed
    /// with the keys it had from the first.
    pub(super) fn ensure_keys<F>(&self, generate: F) -> Result<(), RuntimeError>
    where
        F: FnOnce() -> Result<Zeroizing<String>, KeyRingError>,
    {
        let path = self.keys_file();
        if path.exists() {
            return Ok(());
        }
        if self.postgres_data().exists() {
            return Err(RuntimeError::KeysMissing { path });
        }
        files::replace(&path, generate()?.as_bytes(), 0o600, Account::Ours)
    }

    /// Made before the database; needed whenever it is reached over TCP.
    pub(super) fn database_password(&self) -> Result<String, RuntimeError> {
        let path = self.root.join("database.password");
        match fs::read_to_string(&path) {
            Ok(password) => Ok(password.trim().to_owned()),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(RuntimeError::file("read", path)(error))
            }
            Err(_) => {
                let password = secret::random()?;
                files::replace(&path, password.as_bytes(), 0o600, Account::Ours)?;
                Ok(password)
            }
        }
    }
}

fn make_root(path: &Path) -> Result<PathBuf, RuntimeError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(RuntimeError::file("create", parent))?;
    }
    // Root's must let the servers' user through, which may not read it; anybody else's is private.
    let mode = if nix::unistd::Uid::effective().is_root() { 0o711 } else { 0o700 };
    files::directory(path, mode, Account::Ours)?;
    path.canonicalize().map_err(RuntimeError::file("open", path))
}

/// One counterfoil per directory: two would start two postmasters on one cluster.
fn lock(root: &Path) -> Result<File, RuntimeError> {
    let path = root.join("lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(RuntimeError::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let holder = match file.read_to_string(&mut pid) {
                Ok(_) if !pid.trim().is_empty() => format!(" (process {})", pid.trim()),
                _ => String::new(),
            };
            return Err(RuntimeError::InUse { path: root.to_path_buf(), holder });
        }
        Err(fs::TryLockError::Error(error)) => return Err(RuntimeError::file("lock", path)(error)),
    }
    // For the message above only; the lock itself is what counts.
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(RuntimeError::file("write", path))?;
    Ok(file)
}

/// The real directory of the servers, made if this is the first time.
fn servers(root: &Path, link: &Path, account: Account) -> Result<PathBuf, RuntimeError> {
    if link.is_symlink() && !link.exists() {
        let path = fs::read_link(link).unwrap_or_else(|_| link.to_path_buf());
        return Err(RuntimeError::ServersGone { path, link: link.to_path_buf() });
    }
    if !link.exists() {
        match account.first_closed(root) {
            None => files::directory(link, 0o711, Account::Ours)?,
            Some(closed) => {
                let elsewhere = make_elsewhere(root)?;
                tracing::warn!(
                    event = "servers_elsewhere", closed = %closed.display(), path = %elsewhere.display(),
                    "the servers' user may not enter the data directory, so their files are kept in another"
                );
                std::os::unix::fs::symlink(&elsewhere, link).map_err(RuntimeError::file("create", link))?;
            }
        }
    }
    let servers = link.canonicalize().map_err(RuntimeError::file("open", link))?;
    match account.first_closed(&servers) {
        None => Ok(servers),
        Some(path) => Err(RuntimeError::Closed { path }),
    }
}

/// A new directory, never one that an abandoned data directory of the same name left behind: its keys are gone.
fn make_elsewhere(root: &Path) -> Result<PathBuf, RuntimeError> {
    fs::create_dir_all(ELSEWHERE).map_err(RuntimeError::file("create", ELSEWHERE))?;
    let name = short_hash(root);
    let mut last = None;
    for attempt in 1..=ELSEWHERE_TRIES {
        let path = match attempt {
            1 => Path::new(ELSEWHERE).join(&name),
            _ => Path::new(ELSEWHERE).join(format!("{name}-{attempt}")),
        };
        match fs::create_dir(&path) {
            Ok(()) => {
                let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
                fs::set_permissions(&path, open).map_err(RuntimeError::file("open up", &path))?;
                return Ok(path);
            }
            Err(error) => last = Some((path, error)),
        }
    }
    let (path, error) = last.unwrap_or_else(|| (ELSEWHERE.into(), std::io::ErrorKind::Other.into()));
    Err(RuntimeError::file("create", path)(error))
}

/// Tells data directories apart in a listing; the link, not the hash, says which belongs to which.
fn short_hash(root: &Path) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    root.hash(&mut hasher);
    format!("{:012x}", hasher.finish() >> 16)
}
