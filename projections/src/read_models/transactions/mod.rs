//! `transactions`: every movement of every wallet, one row per event.
//!
//! Rows are added and never changed. What has become of a hold stands in `holds`, and is joined to its row when it is read.

mod fold;
mod list;
mod postings;

pub use fold::TransactionsProjection;
pub use list::TransactionFilter;
pub use postings::PostingRow;

use domain::{Currency, Money, Timestamp, WalletId};
use serde::{Deserialize, Serialize};
use std::fmt;

const NAME: &str = "transactions";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionRow {
    pub wallet_id: WalletId,
    pub sequence: i64,
    pub position: i64,
    pub kind: TransactionKind,
    pub status: TransactionStatus,
    /// Of a hold: its total as it is now.
    pub amount: Money,
    /// Of a hold: how much of it has been posted so far.
    pub captured: Option<Money>,
    pub currency: Currency,
    pub posted_after: Money,
    pub available_after: Money,
    pub reference: Option<String>,
    pub hold_id: Option<String>,
    pub counterparty: Option<String>,
    /// The transaction that this one undoes.
    pub reverses: Option<String>,
    pub recorded_at: Timestamp,
}

impl TransactionRow {
    /// Its name outside, which is also its address.
    pub fn id(&self) -> String {
        format!("{}.{}", self.wallet_id, self.sequence)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    Deposit,
    Withdrawal,
    TransferIn,
    TransferOut,
    Hold,
    /// A part of a hold that was posted. It is not listed: its hold is.
    Capture,
    Reversal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    Pending,
    Completed,
    Cancelled,
    Expired,
}

impl TransactionKind {
    /// Those that a list has.
    pub const LISTED: [Self; 6] =
        [Self::Deposit, Self::Withdrawal, Self::TransferIn, Self::TransferOut, Self::Hold, Self::Reversal];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::TransferIn => "transfer_in",
            Self::TransferOut => "transfer_out",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Reversal => "reversal",
        }
    }
}

impl TransactionStatus {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Completed, Self::Cancelled, Self::Expired];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for TransactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for TransactionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
