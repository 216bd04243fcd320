//! Why defaults are not set.

use crate::settings::{Barred, Flaw};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum DefaultsRefusal {
    #[error("nobody may set {} of these", barred.len())]
    Forbidden { barred: Vec<Barred> },
    #[error("{} values are not valid", flaws.len())]
    Invalid { flaws: Vec<Flaw> },
    #[error("version {expected} of the defaults was expected, it is {actual}")]
    Stale { expected: u64, actual: u64 },
}
