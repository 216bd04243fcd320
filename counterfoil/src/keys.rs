//! The key ring as a file: made once, never overwritten, for its owner's eyes only.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use commands::vault::{KeyRing, KeyRingError};
use zeroize::Zeroizing;

use crate::runtime::{self, RuntimeError};

#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("cannot read the key ring {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} is no key ring: {source}")]
    Content { path: PathBuf, source: KeyRingError },
}

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

pub fn read(path: &Path) -> Result<KeyRing, KeysError> {
    let failed = |source| KeysError::File { path: path.to_path_buf(), source };
    let mode = fs::metadata(path).map_err(failed)?.mode();
    if mode & 0o007 != 0 {
        tracing::warn!(event = "keys_file_open", path = %path.display(), "everybody on this machine can read the keys");
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    KeyRing::from_json(&text).map_err(|source| KeysError::Content { path: path.to_path_buf(), source })
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
        assert!(read(&path).is_ok());
        fs::write(&path, "{}").unwrap();
        assert!(matches!(read(&path), Err(KeysError::Content { .. })));
        fs::remove_file(&path).unwrap();
    }
}
