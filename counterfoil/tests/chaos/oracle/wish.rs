//! What can be asked of wallets, and how it is asked over HTTP.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};
use uuid::Uuid;

use super::money::Coin;
use crate::harness::http::Ask;

/// `<wallet>.<sequence>`: a transaction or a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) wallet: Uuid,
    pub(crate) sequence: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum To {
    Wallet(Uuid),
    Name(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wish {
    /// `id` is the server's to choose: it is filled in from the answer.
    Open {
        user: Uuid,
        coin: Coin,
        id: Option<Uuid>,
    },
    Deposit {
        wallet: Uuid,
        coin: Coin,
        minor: i128,
    },
    Withdraw {
        wallet: Uuid,
        coin: Coin,
        minor: i128,
    },
    Transfer {
        from: Uuid,
        to: To,
        coin: Coin,
        minor: i128,
    },
    Hold {
        wallet: Uuid,
        coin: Coin,
        minor: i128,
        ttl: i64,
    },
    Capture {
        hold: Entry,
        coin: Coin,
        capture_id: String,
        minor: Option<i128>,
        is_final: bool,
    },
    Release {
        hold: Entry,
    },
    Amend {
        hold: Entry,
        coin: Coin,
        minor: i128,
    },
    Extend {
        hold: Entry,
        ttl: i64,
    },
    Reverse {
        transaction: Entry,
    },
    Freeze {
        wallet: Uuid,
    },
    Unfreeze {
        wallet: Uuid,
    },
    Close {
        wallet: Uuid,
    },
}

/// A wish, and what has to be true before and after.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    pub(crate) wish: Wish,
    pub(crate) expected_version: Option<i64>,
    /// In the wallet's currency.
    pub(crate) min_after: Option<i128>,
    pub(crate) max_after: Option<i128>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    One(Step),
    Batch(Vec<Step>),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.wallet, self.sequence)
    }
}

impl FromStr for Entry {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (wallet, sequence) = text.split_once('.').ok_or(())?;
        Ok(Self { wallet: wallet.parse().map_err(|_| ())?, sequence: sequence.parse().map_err(|_| ())? })
    }
}

impl From<Wish> for Step {
    fn from(wish: Wish) -> Self {
        Self { wish, expected_version: None, min_after: None, max_after: None }
    }
}

impl Wish {
    /// The wallet that is asked.
    pub(crate) fn wallet(&self) -> Option<Uuid> {
        Some(match self {
            Self::Open { id, .. } => return *id,
            Self::Deposit { wallet, .. }
            | Self::Withdraw { wallet, .. }
            | Self::Hold { wallet, .. }
            | Self::Freeze { wallet }
            | Self::Unfreeze { wallet }
            | Self::Close { wallet }
            | Self::Transfer { from: wallet, .. } => *wallet,
            Self::Capture { hold, .. }
            | Self::Release { hold }
            | Self::Amend { hold, .. }
            | Self::Extend { hold, .. } => hold.wallet,
            Self::Reverse { transaction } => transaction.wallet,
        })
    }

    pub(crate) fn hold(&self) -> Option<Entry> {
        match self {
            Self::Capture { hold, .. }
            | Self::Release { hold }
            | Self::Amend { hold, .. }
            | Self::Extend { hold, .. } => Some(*hold),
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.kind_and_path().0
    }

    /// The name in a batch, and the way by itself.
    fn kind_and_path(&self) -> (&'static str, String) {
        let of_wallet = |verb: &str| format!("/wallets/{}/{verb}", self.wallet().unwrap_or_default());
        let of_hold = |verb: &str| format!("/holds/{}/{verb}", self.hold().unwrap());
        match self {
            Self::Open { .. } => ("open", "/wallets".to_owned()),
            Self::Deposit { .. } => ("deposit", of_wallet("deposit")),
            Self::Withdraw { .. } => ("withdraw", of_wallet("withdraw")),
            Self::Transfer { .. } => ("transfer", of_wallet("transfer")),
            Self::Hold { .. } => ("hold", of_wallet("holds")),
            Self::Capture { .. } => ("capture", of_hold("capture")),
            Self::Release { .. } => ("release", of_hold("release")),
            Self::Amend { .. } => ("amend", of_hold("amend")),
            Self::Extend { .. } => ("extend", of_hold("extend")),
            Self::Reverse { transaction } => ("reverse", format!("/transactions/{transaction}/reverse")),
            Self::Freeze { .. } => ("freeze", of_wallet("freeze")),
            Self::Unfreeze { .. } => ("unfreeze", of_wallet("unfreeze")),
            Self::Close { .. } => ("close", of_wallet("close")),
        }
    }

    fn body(&self) -> Value {
        match self {
            // Whose it becomes, the token says.
            Self::Open { coin, .. } => json!({ "currency": coin.code }),
            Self::Deposit { coin, minor, .. } | Self::Withdraw { coin, minor, .. } => {
                json!({ "amount": coin.written(*minor), "currency": coin.code })
            }
            Self::Transfer { to, coin, minor, .. } => {
                let to = match to {
                    To::Wallet(id) => id.to_string(),
                    To::Name(name) => name.clone(),
                };
                json!({ "amount": coin.written(*minor), "to": to })
            }
            Self::Hold { coin, minor, ttl, .. } => {
                json!({ "amount": coin.written(*minor), "ttl_seconds": ttl })
            }
            Self::Capture { coin, capture_id, minor, is_final, .. } => {
                let mut body = json!({ "capture_id": capture_id });
                if let Some(minor) = minor {
                    body["amount"] = coin.written(*minor).into();
                }
                if *is_final {
                    body["final"] = true.into();
                }
                body
            }
            Self::Amend { coin, minor, .. } => json!({ "amount": coin.written(*minor) }),
            Self::Extend { ttl, .. } => json!({ "ttl_seconds": ttl }),
            Self::Release { .. }
            | Self::Reverse { .. }
            | Self::Freeze { .. }
            | Self::Unfreeze { .. }
            | Self::Close { .. } => json!({}),
        }
    }
}

impl Step {
    /// Bounds are written in the currency of the wallet, which whoever asks knows.
    fn body(&self, coin: Coin) -> Value {
        let mut body = self.wish.body();
        if let Some(version) = self.expected_version {
            body["expected_version"] = version.into();
        }
        for (name, bound) in
            [("min_available_after", self.min_after), ("max_available_after", self.max_after)]
        {
            if let Some(bound) = bound {
                body[name] = coin.written(bound).into();
            }
        }
        body
    }
}

impl Asked {
    pub(crate) fn steps(&self) -> &[Step] {
        match self {
            Self::One(step) => std::slice::from_ref(step),
            Self::Batch(steps) => steps,
        }
    }

    /// `coin` tells what a wallet holds.
    pub(crate) fn ask(&self, coin: impl Fn(Uuid) -> Coin) -> Ask {
        let body = |step: &Step| step.body(step.wish.wallet().map_or(super::money::USD, &coin));
        match self {
            Self::One(step) => Ask::post(&step.wish.kind_and_path().1, body(step)),
            Self::Batch(steps) => {
                let command = |step: &Step| {
                    let mut command = body(step);
                    command["type"] = step.wish.name().into();
                    match &step.wish {
                        Wish::Reverse { transaction } => {
                            command["transaction_id"] = transaction.to_string().into();
                        }
                        wish => match wish.hold() {
                            Some(hold) => command["hold_id"] = hold.to_string().into(),
                            None => command["wallet_id"] = json!(wish.wallet()),
                        },
                    }
                    command
                };
                Ask::post("/batches", json!({ "commands": steps.iter().map(command).collect::<Vec<_>>() }))
            }
        }
    }
}
