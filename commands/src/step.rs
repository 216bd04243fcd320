//! What a command asks of a wallet: one step of it. A batch is several, and all of them happen or none does.

use crate::Authority;
use crate::envelope::NewClaim;
use domain::wallet::{Movement, Reversal, WalletCommand};
use domain::{Money, WalletId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The wallet that is meant; another's is not found.
    pub wallet_id: WalletId,
    pub authority: Authority,
    pub act: Act,
    pub bounds: Bounds,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Act {
    /// Anything that concerns this wallet alone.
    Ask(WalletCommand),
    Transfer {
        to: WalletId,
        movement: Movement,
    },
    /// Undoes a transaction, in every wallet that it touched.
    Reverse {
        claim: NewClaim,
        /// Of this attempt alone: whoever else undoes the same transaction, in the same breath or batch, finds it taken.
        holder: Uuid,
        legs: Vec<(WalletId, Reversal)>,
    },
    /// What was found out to be impossible when it was prepared. It stands as of then.
    Decline(Box<crate::Refusal>),
}

/// What has to be true of the wallet, before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Of the hold, where the step is about one; else of the wallet.
    pub expected_version: Option<i64>,
    pub min_available_after: Option<Money>,
    pub max_available_after: Option<Money>,
}

impl Step {
    pub(crate) fn wallets(&self) -> impl Iterator<Item = WalletId> {
        let others = match &self.act {
            Act::Transfer { to, .. } => vec![*to],
            Act::Reverse { legs, .. } => legs.iter().map(|(wallet_id, _)| *wallet_id).collect(),
            Act::Ask(_) | Act::Decline(_) => Vec::new(),
        };
        std::iter::once(self.wallet_id).chain(others)
    }

    pub(crate) const fn claim(&self) -> Option<&NewClaim> {
        if let Act::Reverse { claim, .. } = &self.act { Some(claim) } else { None }
    }

    /// The name it is counted under.
    pub(crate) const fn name(&self) -> &'static str {
        match &self.act {
            Act::Ask(command) => command.name(),
            Act::Transfer { .. } => "transfer",
            Act::Reverse { .. } => "reverse",
            Act::Decline(_) => "impossible",
        }
    }
}
