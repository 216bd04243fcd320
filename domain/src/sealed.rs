//! A value nobody here can read: personal data, encrypted before it entered the domain.

use serde::{Deserialize, Serialize};

/// Ciphertext as base64url without padding. In an event it stands as `{"sealed": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sealed {
    pub sealed: String,
}

impl Sealed {
    pub fn new(sealed: String) -> Self {
        Self { sealed }
    }
}
