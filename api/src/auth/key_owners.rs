//! Owners of API keys that are remembered, so that no request waits for the database to learn who it comes from.
//!
//! Whose a key is never changes; what its owner and their keys may do does, and then the owner is forgotten: by the feed
//! that follows the journal on every node, and at once on the node that did it. What was read before something changed is
//! not remembered after it: each reading says when it began, and a change in between makes it good for this once only.

use crate::remembered::Remembered;
use commands::users::KeyOwner;
use domain::{ApiKeyId, UserId};
use journal::Recorded;
use std::sync::{Arc, PoisonError, RwLock};

/// Owners remembered: some 10 MB with a few keys each, 80 MB if all of them had as many as they may.
const OWNERS_MAX: usize = 16_384;
/// Keys whose owner is known: about 6 MB when full.
const KEYS_MAX: usize = 65_536;

#[derive(Clone, Debug)]
pub(crate) struct KeyOwners {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    owner_of: Remembered<ApiKeyId, UserId>,
    owners: Remembered<UserId, Arc<KeyOwner>>,
    /// Counts what has changed of anybody: few events do.
    changes: RwLock<u64>,
}

/// When a reading began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading(u64);

impl KeyOwners {
    pub(super) fn new() -> Self {
        let (owner_of, owners) = (Remembered::new(KEYS_MAX), Remembered::new(OWNERS_MAX));
        Self { inner: Arc::new(Inner { owner_of, owners, changes: RwLock::default() }) }
    }

    pub(super) fn get(&self, key_id: ApiKeyId) -> Option<Arc<KeyOwner>> {
        let owner = self.inner.owner_of.get(&key_id)?;
        self.inner.owners.get(&owner)
    }

    pub(super) fn begin_to_read(&self) -> Reading {
        Reading(*self.inner.changes.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn remember(&self, begun: Reading, key_id: ApiKeyId, owner: &Arc<KeyOwner>) {
        // Held while it is written down: a change waits, and then forgets it.
        let changes = self.inner.changes.read().unwrap_or_else(PoisonError::into_inner);
        if *changes == begun.0 {
            self.inner.owner_of.insert(key_id, owner.user_id);
            self.inner.owners.insert(owner.user_id, Arc::clone(owner));
        }
    }

    /// Something changed of them or of their keys.
    fn forget(&self, owner: UserId) {
        let mut changes = self.inner.changes.write().unwrap_or_else(PoisonError::into_inner);
        *changes += 1;
        self.inner.owners.remove(&owner);
    }

    pub(super) fn forget_all(&self) {
        let mut changes = self.inner.changes.write().unwrap_or_else(PoisonError::into_inner);
        *changes += 1;
        self.inner.owners.clear();
    }

    /// Forgets whom an event changes for their keys.
    pub(super) fn follow(&self, recorded: &Recorded) {
        let matters = matches!(
            &*recorded.event_type,
            "ApiKeyCreated"
                | "ApiKeyChanged"
                | "ApiKeyRotated"
                | "ApiKeyRevoked"
                | "RolesChanged"
                | "UserSuspended"
                | "UserReactivated"
                | "UserErased"
        );
        if matters {
            self.forget(recorded.owner);
        }
    }
}
