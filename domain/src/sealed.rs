//! A value nobody here can read: personal data, encrypted before it entered the domain.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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

/// A sealed value together with the type of the event it came in: it opens only as a part of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedIn {
    pub value: Sealed,
    pub event_type: Cow<'static, str>,
}

impl SealedIn {
    pub const fn new(event_type: &'static str, value: Sealed) -> Self {
        Self { value, event_type: Cow::Borrowed(event_type) }
    }
}
