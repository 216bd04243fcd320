//! Opening sealed values, for read models that show them.
//!
//! Keys live on the write side; a projection only knows this door. What belongs to an erased user opens as nothing.

use async_trait::async_trait;
use domain::{Sealed, UserId};

/// A sealed value, and what it was sealed as: value, event type and field are bound together by the seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedField {
    pub user: UserId,
    pub event_type: &'static str,
    pub field: &'static str,
    pub value: Sealed,
}

#[derive(Debug, thiserror::Error)]
#[error("a sealed value cannot be opened: {0}")]
pub struct OpenError(pub String);

#[async_trait]
pub trait OpenSealed: Send + Sync {
    /// In the order asked; `None` where the key has been destroyed.
    async fn open_many(&self, fields: &[SealedField]) -> Result<Vec<Option<String>>, OpenError>;
}
