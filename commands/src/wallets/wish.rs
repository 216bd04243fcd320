//! What somebody wants of a wallet, as it was understood.

use crate::{Authority, Bounds};
use domain::wallet::{Lease, Movement};
use domain::{CaptureId, Money, Reference, WalletId};
use serde::Serialize;

#[derive(Clone, Debug)]
pub struct Wish {
    pub wallet_id: WalletId,
    pub authority: Authority,
    pub aim: Aim,
    pub bounds: Bounds,
}

/// Serialised, it is what two requests are compared by.
#[derive(Clone, Debug, Serialize)]
pub enum Aim {
    Deposit(Movement),
    Withdraw(Movement),
    /// To a wallet's id or a username, as it was written.
    Transfer {
        to: String,
        movement: Movement,
    },
    Hold {
        movement: Movement,
        lease: Lease,
    },
    Capture(CaptureWish),
    Release {
        hold: i64,
    },
    Amend {
        hold: i64,
        amount: Money,
    },
    Extend {
        hold: i64,
        lease: Lease,
    },
    Reverse {
        sequence: i64,
        /// Where the hold ended that is to be undone, if it is one. It is known, not wished for.
        #[serde(skip)]
        ending: super::Ending,
        reference: Option<Reference>,
    },
    Freeze,
    Unfreeze,
    Close,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaptureWish {
    pub hold: i64,
    pub capture_id: CaptureId,
    pub amount: Option<Money>,
    pub is_final: bool,
}

impl Wish {
    pub(super) fn capture(&self) -> Option<(WalletId, &CaptureWish)> {
        if let Aim::Capture(capture) = &self.aim { Some((self.wallet_id, capture)) } else { None }
    }

    /// Two wishes are one exactly if these bytes are the same.
    pub(super) fn fingerprint(&self) -> Vec<u8> {
        let Self { wallet_id, aim, bounds, authority: _ } = self;
        // Plain data: writing it down cannot fail.
        serde_json::to_vec(&(wallet_id, aim, bounds)).unwrap_or_default()
    }
}

impl CaptureWish {
    pub(super) fn fingerprint(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
