//! The key ring as a file, for its owner's eyes only: made once, and replaced by nobody but a rotation.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use commands::vault::{KeyRing, KeyRingError, LiveRing, RingFileError};
use zeroize::Zeroizing;

use crate::runtime::{self, RuntimeError};

/// A new key ring, as the text of its file.
pub(crate) fn generate() -> Result<Zeroizing<String>, KeyRingError> {
    Ok(KeyRing::generate()?.to_json())
}

/// Makes the file unless there is one. Answers whether it did.
pub fn create(path: &Path) -> Result<bool, RuntimeError> {
    if path.exists() {
        return Ok(false);
    }
    runtime::write_private(path, generate()?.as_bytes())?;
    Ok(true)
}

pub fn open(path: &Path) -> Result<LiveRing, RingFileError> {
    if fs::metadata(path).is_ok_and(|file| file.mode() & 0o007 != 0) {
        tracing::warn!(event = "keys_file_open", path = %path.display(), "everybody on this machine can read the keys");
    }
    LiveRing::open(path.to_path_buf())
}

/// The next ring takes the place of the one before, in one step.
pub(crate) fn replace(path: &Path, ring: &KeyRing) -> Result<(), RuntimeError> {
    runtime::replace_private(path, ring.to_json().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ring_is_made_once_and_read_back() {
        let path = std::env::temp_dir().join(format!("counterfoil-keys-{}.json", std::process::id()));
        assert!(create(&path).unwrap());
        let first = fs::read(&path).unwrap();
        assert!(!create(&path).unwrap(), "the second time it is left as it is");
        assert_eq!(fs::read(&path).unwrap(), first);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(open(&path).is_ok());
        fs::write(&path, "{}").unwrap();
        assert!(matches!(open(&path), Err(RingFileError::Content { .. })));
        fs::remove_file(&path).unwrap();
    }
}
