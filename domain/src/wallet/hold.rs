//! A hold: money kept back for something that is not settled yet, for as long as its lease is renewed.

use crate::{EntryId, Money, Reference, Timestamp, TradingSessionId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Active holds of one wallet. All of them are in memory while the wallet is.
pub const HOLDS_MAX: usize = 2_000;

/// For as long as a trading session may run: a reserve ends with its session, and no sweeper is to find it before.
pub(super) const RESERVED_FOR: Duration = Duration::from_hours(100 * 365 * 24);

/// A hold as it stands after its last event: what an answer shows, and what an event tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub id: EntryId,
    /// The total: `captured + released + remaining`.
    pub amount: Money,
    pub captured: Money,
    pub released: Money,
    pub remaining: Money,
    pub status: HoldStatus,
    pub expires_at: Timestamp,
    /// The sequence of its last event.
    pub version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// It is kept back for this trading session, and ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trading_session: Option<TradingSessionId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldStatus {
    Active,
    Captured,
    Released,
    Expired,
}

impl HoldStatus {
    pub const ALL: [Self; 4] = [Self::Active, Self::Captured, Self::Released, Self::Expired];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Captured => "captured",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl Hold {
    /// What is left goes back to who it belongs to. Returns how much that was.
    pub(super) fn let_go(&mut self, status: HoldStatus) -> Money {
        let rest = self.remaining;
        // Both are parts of `amount`, which is in range.
        self.released = self.released.checked_add(rest).unwrap_or(self.released);
        self.remaining = rest.checked_sub(rest).unwrap_or_default();
        self.status = status;
        rest
    }
}

/// For how long a hold lives unless it is extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lease(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of seconds from 1 to {}", Lease::SECONDS_MAX)]
pub struct NotALease;

impl Lease {
    /// Thirty days. Who needs a hold for longer is there to extend it.
    pub const SECONDS_MAX: u32 = 30 * 24 * 60 * 60;

    pub fn of_seconds(seconds: i64) -> Result<Self, NotALease> {
        let seconds = u32::try_from(seconds).map_err(|_| NotALease)?;
        if (1..=Self::SECONDS_MAX).contains(&seconds) { Ok(Self(seconds)) } else { Err(NotALease) }
    }

    pub fn from(self, now: Timestamp) -> Timestamp {
        now.plus(Duration::from_secs(u64::from(self.0)))
    }

    pub const fn seconds(self) -> u32 {
        self.0
    }
}
