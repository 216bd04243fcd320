//! How much is seeded: an old journal for the real benchmark, a younger one for the quick look.

use serde::{Deserialize, Serialize};

/// Moves when what is seeded changes in kind, so that data of an older one is not taken for it.
const SCHEME: u32 = 2;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    scheme: u32,
    /// Registered over HTTP, so that each can log in.
    pub(crate) users: usize,
    pub(crate) wallets_per_user: usize,
    pub(crate) events_per_wallet: u64,
    /// Users nobody logs in as, with one wallet each: appended in bulk.
    pub(crate) others: usize,
    pub(crate) events_per_other: u64,
    /// The wallet with a long history.
    pub(crate) long_history: u64,
    pub(crate) old_keys: u64,
}

impl Size {
    pub(crate) fn full() -> Self {
        Self {
            scheme: SCHEME,
            users: 200,
            wallets_per_user: 50,
            events_per_wallet: 20,
            others: 20_000,
            events_per_other: 40,
            long_history: 1_000_000,
            old_keys: 5_000_000,
        }
    }

    pub(crate) fn quick() -> Self {
        Self {
            scheme: SCHEME,
            users: 100,
            wallets_per_user: 50,
            events_per_wallet: 10,
            others: 2_000,
            events_per_other: 25,
            long_history: 100_000,
            old_keys: 500_000,
        }
    }

    /// Those of the users that can log in.
    pub(crate) fn wallets(&self) -> usize {
        self.users * self.wallets_per_user
    }

    /// What is appended in bulk.
    pub(crate) fn events(&self) -> u64 {
        let wallets = self.wallets() as u64 * self.events_per_wallet;
        let others = self.others as u64 * (self.events_per_other + 1);
        // All users but the first have a short wallet, and one of these is the hot one.
        wallets + others + self.long_history + (self.users as u64 - 1) * SHORT_HISTORY
    }
}

/// The wallets the long history is compared with, and the hot one.
pub(crate) const SHORT_HISTORY: u64 = 10;
