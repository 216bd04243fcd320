//! What the defaults can be asked to do.

use crate::Timestamp;
use crate::settings::{Flaw, Value};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultsCommand {
    /// All of them: what is left out is as it was built in.
    Set {
        patch: Value,
        /// What is known to be wrong with it already.
        flaws: Vec<Flaw>,
        expected_version: Option<u64>,
        at: Timestamp,
    },
}

impl DefaultsCommand {
    /// The same command at this time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let Self::Set { patch, flaws, expected_version, .. } = self;
        Self::Set { patch, flaws, expected_version, at: now }
    }
}
