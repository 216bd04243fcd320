//! How much is seeded: an old journal for the real benchmark, a younger one for the quick look.

use serde::{Deserialize, Serialize};

/// Moves when what is seeded changes in kind, so that data of an older one is not taken for it.
const SCHEME: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    scheme: u32,
    /// Registered over HTTP, so that each can log in.
    pub(crate) users: usize,
    pub(crate) wallets_per_user: usize,
    pub(crate) events_per_wallet: u64,
    /// The wallet with a long history.
    pub(crate) long_history: u64,
    pub(crate) old_keys: u64,
}

impl Size {
    pub(crate) fn full() -> Self {
        Self {
            scheme: SCHEME,
            users: 1_000,
            wallets_per_user: 50,
            events_per_wallet: 20,
            long_history: 1_000_000,
            old_keys: 5_000_000,
        }
    }

    pub(crate) fn quick() -> Self {
        Self {
            scheme: SCHEME,
            users: 200,
            wallets_per_user: 50,
            events_per_wallet: 10,
            long_history: 200_000,
            old_keys: 500_000,
        }
    }

    pub(crate) fn wallets(&self) -> usize {
        self.users * self.wallets_per_user
    }

    pub(crate) fn events(&self) -> u64 {
        self.wallets() as u64 * self.events_per_wallet + self.long_history + 2 * SHORT_HISTORY
    }
}

/// The wallet the long history is compared with, and the hot one.
pub(crate) const SHORT_HISTORY: u64 = 10;
