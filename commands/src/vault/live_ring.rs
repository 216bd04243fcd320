//! The key ring as it is now: given once, or kept in a file that may be replaced while this process runs.
//!
//! The file is looked at every second, before each new data key, and whenever something turns out to be wrapped by a key
//! that is not known yet; it is read if it is another file than last time. Correct because a ring is taken over whole or
//! not at all, and only if it is a ring of the same installation: what cannot be read leaves the one before in place.

use super::keyring::{KeyRing, KeyRingError};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// A key that signs is published long before it does, so this is early enough for everything but a key that is met sooner,
/// for which the file is read at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum RingFileError {
    #[error("cannot read the key ring {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} is no key ring: {source}")]
    Content { path: PathBuf, source: KeyRingError },
    #[error("{path} is the key ring of another installation: its \"index_key\" is another")]
    Foreign { path: PathBuf },
}

#[derive(Clone, Debug)]
pub struct LiveRing {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    current: RwLock<Arc<KeyRing>>,
    file: Option<RingFile>,
}

#[derive(Debug)]
struct RingFile {
    path: PathBuf,
    /// The file that was read last.
    seen: Mutex<Seen>,
}

/// What tells a file from the one that was there before under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl LiveRing {
    /// One that nobody replaces.
    pub fn fixed(ring: KeyRing) -> Self {
        Self { inner: Arc::new(Inner { current: RwLock::new(Arc::new(ring)), file: None }) }
    }

    pub fn open(path: PathBuf) -> Result<Self, RingFileError> {
        let (seen, ring) = read(&path)?;
        let file = Some(RingFile { path, seen: Mutex::new(seen) });
        Ok(Self { inner: Arc::new(Inner { current: RwLock::new(Arc::new(ring)), file }) })
    }

    pub fn now(&self) -> Arc<KeyRing> {
        self.inner.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the file if it is another than last time; true, if the ring is. A small file of this machine: it is read
    /// where we stand.
    pub fn refresh(&self) -> Result<bool, RingFileError> {
        let Some(RingFile { path, seen: last }) = &self.inner.file else { return Ok(false) };
        // Held while reading, so that an older file never takes the place of a newer one.
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |source| RingFileError::File { path: path.clone(), source };
        if Seen::from(&fs::metadata(path).map_err(failed)?) == *last {
            return Ok(false);
        }
        let (seen, ring) = read(path)?;
        if !ring.is_of_the_same_house(&self.now()) {
            return Err(RingFileError::Foreign { path: path.clone() });
        }
        tracing::info!(event = "key_ring_read", active = ring.active_wrapping_id());
        *self.inner.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        *last = seen;
        Ok(true)
    }

    /// The same for who goes on with the ring there is. What is wrong with the file, [`Self::follow`] says.
    pub(super) fn look(&self) {
        if let Err(error) = self.refresh() {
            tracing::debug!(event = "key_ring_not_read", error_message = %error);
        }
    }

    /// Follows the file until asked to stop.
    pub async fn follow(self, cancel: CancellationToken) {
        let mut is_failing = false;
        while !cancel.is_cancelled() {
            match self.refresh() {
                Ok(_) => is_failing = false,
                // Once, and not every second for as long as the file is wrong.
                Err(error) if !std::mem::replace(&mut is_failing, true) => {
                    tracing::error!(event = "key_ring_not_read", error_message = %error);
                }
                Err(_) => {}
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

impl From<&fs::Metadata> for Seen {
    fn from(file: &fs::Metadata) -> Self {
        Self {
            inode: file.ino(),
            length: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

fn read(path: &PathBuf) -> Result<(Seen, KeyRing), RingFileError> {
    let failed = |source| RingFileError::File { path: path.clone(), source };
    // Looked at before it is read: replaced in between, it is read once more.
    let seen = Seen::from(&fs::metadata(path).map_err(failed)?);
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    let ring =
        KeyRing::from_json(&text).map_err(|source| RingFileError::Content { path: path.clone(), source })?;
    Ok((seen, ring))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    struct Place(PathBuf);

    impl Place {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("counterfoil-ring-{}.json", uuid::Uuid::new_v4())))
        }

        /// As whoever rotates does it: in one step.
        fn put(&self, text: &str) {
            let beside = self.0.with_extension("new");
            fs::write(&beside, text).unwrap();
            fs::rename(beside, &self.0).unwrap();
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_ring_that_was_replaced_is_taken_over() {
        let place = Place::new();
        let first = KeyRing::generate().unwrap();
        place.put(&first.to_json());
        let ring = LiveRing::open(place.0.clone()).unwrap();
        assert!(!ring.refresh().unwrap(), "nothing has changed");
        let second = first.with_new_wrapping_key(Timestamp::default()).unwrap();
        place.put(&second.to_json());
        assert!(ring.refresh().unwrap());
        assert_eq!(ring.now().active_wrapping_id(), second.active_wrapping_id());
    }

    #[test]
    fn a_file_that_is_no_ring_or_anothers_leaves_the_one_before() {
        let place = Place::new();
        let first = KeyRing::generate().unwrap();
        place.put(&first.to_json());
        let ring = LiveRing::open(place.0.clone()).unwrap();
        place.put("{");
        assert!(matches!(ring.refresh(), Err(RingFileError::Content { .. })));
        place.put(&KeyRing::generate().unwrap().to_json());
        assert!(matches!(ring.refresh(), Err(RingFileError::Foreign { .. })));
        fs::remove_file(&place.0).unwrap();
        assert!(matches!(ring.refresh(), Err(RingFileError::File { .. })));
        assert_eq!(ring.now().active_wrapping_id(), first.active_wrapping_id());
        place.put(&first.to_json());
        assert!(ring.refresh().unwrap(), "and goes on when it is mended");
    }
}
