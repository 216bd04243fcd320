//! A directory for one test. It goes with the test, unless the test failed: then its logs may tell why.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Debug)]
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new(test: &str) -> Self {
        let unique = &uuid::Uuid::new_v4().simple().to_string()[..8];
        let path = std::env::temp_dir().join(format!("cf-chaos-{test}-{unique}"));
        fs::create_dir(&path).unwrap();
        // The servers' user has to get through.
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what is left of it is in {}", self.0.display());
            return;
        }
        if let Ok(elsewhere) = fs::read_link(self.0.join("data/servers")) {
            let _ = fs::remove_dir_all(elsewhere);
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A copy with owners and modes, as a backup is.
pub(crate) fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").args(["-r", "-p"]).arg(from).arg(to).output().unwrap();
    assert!(done.status.success(), "cp: {}", String::from_utf8_lossy(&done.stderr));
}

/// Puts the copy where the original is.
pub(crate) fn restore(copy: &Path, original: &Path) {
    fs::remove_dir_all(original).unwrap();
    self::copy(copy, original);
}
