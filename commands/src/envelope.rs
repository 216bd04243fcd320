//! A command, prepared: everything the sequencer needs to decide it, and nothing it would have to wait for.
//!
//! It can be written down, so that a node that does not lead can hand it to the one that does.

use crate::Authority;
use crate::decide::Claim;
use crate::users::{EMAIL_CLAIM, USERNAME_CLAIM};
use domain::user::EndReason;
use domain::user::SessionPolicy;
use domain::wallet::Movement;
use domain::{
    Actor, AggregateKind, AggregateRef, Currency, LoginSessionId, Sealed, Timestamp, UserId, WalletId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope {
    pub command: Command,
    pub actor: Actor,
    pub key: Option<RequestKey>,
    pub command_id: Uuid,
    pub correlation_id: Uuid,
    pub causation_id: Option<Uuid>,
    pub expected_version: Option<i64>,
    /// Not decided after this moment.
    pub deadline: Timestamp,
}

/// An idempotency key with the request it stands for, both as keyed digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestKey {
    pub key: Uuid,
    pub fingerprint: Uuid,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    Register(Box<Register>),
    OpenSession(Box<OpenSession>),
    RefreshSession { user_id: UserId, session_id: LoginSessionId, generation: u32, policy: SessionPolicy },
    EndSession { user_id: UserId, session_id: LoginSessionId, reason: EndReason },
    Deposit { wallet_id: WalletId, movement: Movement, authority: Authority },
    Withdraw { wallet_id: WalletId, movement: Movement, authority: Authority },
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Register {
    pub user_id: UserId,
    pub wallet_id: WalletId,
    pub currency: Currency,
    pub username: Sealed,
    pub email: Sealed,
    pub name: Option<Sealed>,
    pub username_claim: Uuid,
    pub email_claim: Uuid,
    /// Found to be held when the command was prepared: refused without asking the database again.
    pub username_taken: bool,
    pub email_taken: bool,
    pub password_hash: Vec<u8>,
    pub wrapped_data_key: Vec<u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenSession {
    pub user_id: UserId,
    pub session_id: LoginSessionId,
    pub password_version: u64,
    pub ip: Option<Sealed>,
    pub user_agent: Option<Sealed>,
    pub policy: SessionPolicy,
}

impl std::fmt::Debug for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Register").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

impl Command {
    /// The aggregates it is decided on; the first is the one `If-Match` speaks of.
    pub fn aggregates(&self) -> Vec<AggregateRef> {
        let user = |id: UserId| AggregateRef { kind: AggregateKind::User, id: id.0 };
        let wallet = |id: WalletId| AggregateRef { kind: AggregateKind::Wallet, id: id.0 };
        match self {
            Self::Register(register) => vec![user(register.user_id), wallet(register.wallet_id)],
            Self::OpenSession(open) => vec![user(open.user_id)],
            Self::RefreshSession { user_id, .. } | Self::EndSession { user_id, .. } => vec![user(*user_id)],
            Self::Deposit { wallet_id, .. } | Self::Withdraw { wallet_id, .. } => vec![wallet(*wallet_id)],
        }
    }

    /// Whether its aggregates come into being with it, so that there is nothing to load.
    pub const fn begins_its_aggregates(&self) -> bool {
        matches!(self, Self::Register(_))
    }

    /// What it would claim.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        match self {
            Self::Register(register) => {
                vec![(EMAIL_CLAIM, register.email_claim), (USERNAME_CLAIM, register.username_claim)]
            }
            _ => Vec::new(),
        }
    }

    /// The name it is counted under.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::OpenSession(_) => "open_session",
            Self::RefreshSession { .. } => "refresh_session",
            Self::EndSession { .. } => "end_session",
            Self::Deposit { .. } => "deposit",
            Self::Withdraw { .. } => "withdraw",
        }
    }
}
