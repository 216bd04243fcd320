//! A key ring in a file, as an installation has it: to be replaced while a house stands.

use commands::vault::{KeyRing, LiveRing};
use std::fs;
use std::path::PathBuf;
use uuid::Uuid;

pub(crate) struct KeysFile(PathBuf);

impl KeysFile {
    pub(crate) fn new() -> Self {
        let file = Self(std::env::temp_dir().join(format!("counterfoil-keys-{}.json", Uuid::new_v4())));
        file.put(&KeyRing::generate().unwrap());
        file
    }

    /// What a process that starts now works with.
    pub(crate) fn open(&self) -> LiveRing {
        LiveRing::open(self.0.clone()).unwrap()
    }

    pub(crate) fn ring(&self) -> KeyRing {
        KeyRing::from_json(&fs::read_to_string(&self.0).unwrap()).unwrap()
    }

    /// In one step, as the command line does it.
    pub(crate) fn put(&self, ring: &KeyRing) {
        let beside = self.0.with_extension("new");
        fs::write(&beside, ring.to_json().as_bytes()).unwrap();
        fs::rename(beside, &self.0).unwrap();
    }
}

impl Drop for KeysFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
