//! What a preset is called. It stands in a path and, readable, in events: a label, nothing personal.

use serde::{Deserialize, Serialize};
use std::fmt;

const LENGTH_MAX: usize = 40;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PresetName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {LENGTH_MAX} letters, digits, '_', '.' and '-', and begin with a letter or a digit")]
pub struct PresetNameError;

impl PresetName {
    pub fn parse(text: &str) -> Result<Self, PresetNameError> {
        let is_name = text.len() <= LENGTH_MAX
            && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if is_name { Ok(Self(text.to_owned())) } else { Err(PresetNameError) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PresetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
