//! `counterfoil keys rotate`: another key that wraps data keys, or another that signs access tokens.
//!
//! The file is replaced first, then what is wrapped is wrapped anew: whoever meets a key they do not know reads the file,
//! so a counterfoil that serves meanwhile opens everything at every moment. Two rotations never run at once on one file.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use commands::vault::{
    KeyRing, KeyRingError, NotYet, RotationError, VaultError, count_by_wrapping_key, rewrap,
};
use domain::Timestamp;
use journal::{Journal, JournalError};
use projections::Progress;
use time::OffsetDateTime;

use crate::config::Place;
use crate::keys;
use crate::maintenance;
use crate::runtime::RuntimeError;
use crate::servers::{Servers, ServersError};

/// The longest an access token can be set to live, and time for clocks that differ.
const TOKEN_LIFE_MAX: Duration = Duration::from_hours(25);
/// Passes over all data keys: the second finds what was registered during the first, a third next to nothing.
const PASSES_MAX: u32 = 10;

#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    #[error(transparent)]
    Servers(#[from] ServersError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Ring(#[from] KeyRingError),
    #[error(transparent)]
    Rotation(#[from] RotationError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("another rotation of {path} is under way")]
    UnderWay { path: PathBuf },
    #[error("cannot lock {path}: {source}")]
    Lock { path: PathBuf, source: std::io::Error },
    #[error(
        "{id} still wraps {wrapped} data keys and stays: somebody wraps with an older copy of the key ring; replace it \
         there, and come again"
    )]
    StillUsed { id: String, wrapped: i64 },
}

/// What is to be done about the keys that wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// Another key, known to everybody before it wraps.
    Prepare,
    /// Another key, or the prepared one; and everything wrapped by it.
    Rotate,
    /// No other key: only what is left is wrapped anew.
    Finish,
    /// The same, and the keys go that nothing is wrapped with.
    DropUnused,
}

/// A wrapping key afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappingKeyReport {
    pub id: String,
    pub wrapped: i64,
    pub is_active: bool,
    pub is_next: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrappingReport {
    pub keys: Vec<WrappingKeyReport>,
    pub dropped: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningReport {
    /// Its name, and when it signs: nothing, if none was added.
    pub added: Option<(String, Timestamp)>,
    pub dropped: Vec<String>,
}

pub async fn rotate_wrapping(place: &Place, what: Wrapping) -> Result<WrappingReport, RotateError> {
    let servers = Servers::reach(place).await?;
    let result = async {
        let journal = maintenance::open(&servers).await?;
        let report = rotate_on(&journal, servers.keys_file()?, what).await;
        journal.pool().close().await;
        report
    }
    .await;
    servers.stop().await;
    result
}

async fn rotate_on(journal: &Journal, path: &Path, what: Wrapping) -> Result<WrappingReport, RotateError> {
    let _lock = lock(path)?;
    let mut ring = (*keys::open(path).map_err(ServersError::from)?.now()).clone();
    match what {
        Wrapping::Prepare => ring = ring.with_next_wrapping_key()?,
        Wrapping::Rotate => ring = ring.with_new_wrapping_key(now())?,
        Wrapping::Finish | Wrapping::DropUnused => {}
    }
    if matches!(what, Wrapping::Prepare | Wrapping::Rotate) {
        keys::replace(path, &ring)?;
    }
    let mut dropped = Vec::new();
    if what == Wrapping::DropUnused {
        wait_until_settled(&ring).await;
        rewrap_all(&ring, journal).await?;
        let counts = count_by_wrapping_key(journal).await?;
        (ring, dropped) = without_unused(&ring, &counts)?;
        keys::replace(path, &ring)?;
    } else if what != Wrapping::Prepare {
        rewrap_all(&ring, journal).await?;
    }
    let counts = count_by_wrapping_key(journal).await?;
    Ok(WrappingReport { keys: report(&ring, &counts), dropped })
}

/// Until a pass finds nothing: who registered with the key before is wrapped anew as well.
async fn rewrap_all(ring: &KeyRing, journal: &Journal) -> Result<(), RotateError> {
    for _ in 0..PASSES_MAX {
        let counts = count_by_wrapping_key(journal).await?;
        if counts.iter().all(|(id, _)| id == ring.active_wrapping_id()) {
            break;
        }
        let total = counts.iter().map(|(_, wrapped)| wrapped).sum();
        let mut progress = Progress::counting("data keys", "keys", total);
        let done = rewrap(ring, journal, |at| progress.reached(at)).await?;
        progress.done(done.looked_at);
    }
    Ok(())
}

/// What is being registered with the key before may not be in the database yet.
async fn wait_until_settled(ring: &KeyRing) {
    while let Err(NotYet { wait }) = ring.may_drop_wrapping_keys(now()) {
        let seconds = wait.as_secs() + 1;
        tracing::info!(event = "waiting", seconds, "somebody may still be wrapping with the key before");
        tokio::time::sleep(wait).await;
    }
}

/// The ring without what wraps nothing; an error, if something that was active before still does.
fn without_unused(ring: &KeyRing, counts: &[(String, i64)]) -> Result<(KeyRing, Vec<String>), RotateError> {
    let keys = report(ring, counts);
    let old = || keys.iter().filter(|key| !key.is_active && !key.is_next);
    if let Some(used) = old().find(|key| key.wrapped > 0) {
        return Err(RotateError::StillUsed { id: used.id.clone(), wrapped: used.wrapped });
    }
    let unused: Vec<String> = old().map(|key| key.id.clone()).collect();
    Ok((ring.without_wrapping_keys(&unused), unused))
}

fn report(ring: &KeyRing, counts: &[(String, i64)]) -> Vec<WrappingKeyReport> {
    let wrapped = |id: &str| counts.iter().find(|(known, _)| known == id).map_or(0, |(_, count)| *count);
    ring.wrapping_ids()
        .map(|id| WrappingKeyReport {
            id: id.to_owned(),
            wrapped: wrapped(id),
            is_active: id == ring.active_wrapping_id(),
            is_next: Some(id) == ring.next_wrapping_id(),
        })
        .collect()
}

/// Needs nothing but the file.
pub fn rotate_signing(path: &Path, lead: Duration, drop_unused: bool) -> Result<SigningReport, RotateError> {
    let _lock = lock(path)?;
    let before = keys::open(path).map_err(ServersError::from)?.now();
    let now = now();
    let after = if drop_unused {
        before.without_spent_token_keys(now, TOKEN_LIFE_MAX)
    } else {
        before.with_next_token_key(now, lead)?
    };
    keys::replace(path, &after)?;
    let (before, after) = (kids(&before), (kids(&after), after));
    let added = after.1.token_keys().find(|key| !before.contains(&key.kid().to_owned()));
    Ok(SigningReport {
        // Without a lead it signs already.
        added: added.map(|key| (key.kid().to_owned(), key.times().signs_from.unwrap_or(now))),
        dropped: before.iter().filter(|kid| !after.0.contains(kid)).cloned().collect(),
    })
}

fn kids(ring: &KeyRing) -> Vec<String> {
    ring.token_keys().map(|key| key.kid().to_owned()).collect()
}

/// Held on the folder: the file itself is another one afterwards. The kernel lets go of it with us.
fn lock(path: &Path) -> Result<File, RotateError> {
    let failed = |source| RotateError::Lock { path: path.to_path_buf(), source };
    let file = path.canonicalize().map_err(failed)?;
    let folder = File::open(file.parent().unwrap_or(Path::new("/"))).map_err(failed)?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(RotateError::UnderWay { path: path.to_path_buf() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn now() -> Timestamp {
    OffsetDateTime::now_utc().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_a_lead_signs_at_once_and_one_rotation_runs_at_a_time() {
        let folder = std::env::temp_dir().join(format!("counterfoil-rotate-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("keys.json");
        keys::create(&path).unwrap();
        let signing = || {
            let ring = keys::open(&path).unwrap().now();
            ring.signing_key(now()).kid().to_owned()
        };
        let before = signing();
        let (kid, signs_from) = rotate_signing(&path, Duration::ZERO, false).unwrap().added.unwrap();
        assert!(signs_from <= now() && kid != before);
        assert_eq!(signing(), kid);

        let report = rotate_signing(&path, Duration::ZERO, true).unwrap();
        assert_eq!(report, SigningReport { added: None, dropped: vec![] }, "its tokens may still be alive");
        let held = lock(&path).unwrap();
        let refused = rotate_signing(&path, Duration::ZERO, false).unwrap_err();
        assert!(matches!(refused, RotateError::UnderWay { .. }), "{refused}");
        drop(held);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
