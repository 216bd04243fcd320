//! A command, prepared: everything the sequencer needs to decide it, and nothing it would have to wait for.
//!
//! It can be written down, so that a node that does not lead can hand it to the one that does.

use crate::Authority;
use crate::Refusal;
use crate::decide::Claim;
use crate::step::Step;
use domain::settings_defaults::{DEFAULTS_ID, DefaultsCommand};
use domain::trading::{SessionCommand, StartSession};
use domain::user::{Role, UserCommand};
use domain::wallet::Movement;
use domain::{
    Actor, AggregateKind, AggregateRef, Currency, Sealed, Timestamp, TradingSessionId, UserId, WalletId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope {
    pub command: Command,
    pub actor: Actor,
    pub key: Option<RequestKey>,
    /// What else it may be known by, once it is accepted: the captures in it.
    pub aliases: Vec<RequestKey>,
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
    User(Box<UserChange>),
    OpenWallet(Box<OpenWallet>),
    Wallet(Box<Step>),
    /// All of them or none.
    Batch(Vec<Step>),
    StartSession(Box<StartTrading>),
    Session(Box<SessionStep>),
    /// Decided at the time of its batch, whatever time it carries.
    SettingsDefaults(Box<DefaultsCommand>),
}

/// A session that is to be started, with what it needs of others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StartTrading {
    pub start: StartSession,
    /// The first of these that is free is taken; without one it cannot start.
    pub places: Vec<NewClaim>,
    /// Where its capital is kept back.
    pub reserve: Option<Reserve>,
    /// What was found out to be impossible when it was prepared.
    pub decline: Option<Box<Refusal>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reserve {
    pub wallet_id: WalletId,
    pub movement: Movement,
}

/// Something that a session is asked to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionStep {
    pub session_id: TradingSessionId,
    pub authority: Authority,
    /// Decided at the time of its batch, whatever time it carries.
    pub command: SessionCommand,
}

/// Another wallet for somebody who is registered.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct OpenWallet {
    pub user_id: UserId,
    pub wallet_id: WalletId,
    pub currency: Currency,
    /// There is one per user and currency.
    pub claim: NewClaim,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Register {
    pub user_id: UserId,
    pub wallet_id: WalletId,
    pub currency: Currency,
    pub username: Sealed,
    pub email: Sealed,
    pub name: Option<Sealed>,
    pub roles: Vec<Role>,
    pub username_claim: NewClaim,
    pub email_claim: NewClaim,
    pub wallet_claim: NewClaim,
    pub password_hash: Vec<u8>,
    pub wrapped_data_key: Vec<u8>,
}

/// Something that a user is asked to do, and what is written beside the events that come of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserChange {
    pub user_id: UserId,
    /// Decided at the time of its batch, whatever time it carries.
    pub command: UserCommand,
    pub beside: Beside,
    /// Wallets that are closed with it, and have to be empty for that.
    pub closes: Vec<WalletId>,
}

/// What stands in no event: what somebody alone may have, and what nobody may read.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Beside {
    pub claims: Vec<NewClaim>,
    /// What nobody else may hold, and is not taken yet either.
    pub free: Vec<NewClaim>,
    pub secrets: Vec<NewSecret>,
    pub dropped: Vec<(SecretKind, String)>,
    /// Everything about them that is not in the journal goes.
    pub erase: bool,
    /// What was found out to be impossible when it was prepared.
    #[serde(default)]
    pub decline: Option<Box<Refusal>>,
}

/// Takes the place of what its owner held of that kind.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct NewClaim {
    pub kind: ClaimKind,
    pub digest: Uuid,
    /// Found to be held by somebody else when the command was prepared: refused without asking the database again.
    pub is_taken: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct NewSecret {
    pub kind: SecretKind,
    pub name: String,
    pub version: i64,
    pub value: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimKind {
    Email,
    Username,
    /// The one wallet of a user in a currency.
    Wallet,
    /// The one reversal of a transaction.
    Reversal,
    /// One of the places that a user has for sessions on paper.
    PaperSession,
    /// The one live session on an account at an exchange.
    ExchangeAccount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretKind {
    Password,
    DataKey,
    ApiKey,
    Exchange,
    /// Digests of tokens that stand in mails.
    VerifyToken,
    ResetToken,
    /// What telegram knows somebody's bot by, for their settings.
    Telegram,
}

impl ClaimKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Username => "username",
            Self::Wallet => "wallet",
            Self::Reversal => "reversal",
            Self::PaperSession => "paper_session",
            Self::ExchangeAccount => "exchange_account",
        }
    }

    pub(crate) const fn refusal(self) -> Refusal {
        match self {
            Self::Email => Refusal::EmailTaken,
            Self::Username => Refusal::UsernameTaken,
            Self::Wallet => Refusal::WalletExists,
            Self::Reversal => Refusal::AlreadyReversed,
            Self::PaperSession => Refusal::TooManySessions,
            Self::ExchangeAccount => Refusal::SessionConflict,
        }
    }
}

impl SecretKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::DataKey => "data_key",
            Self::ApiKey => "api_key",
            Self::Exchange => "exchange",
            Self::VerifyToken => "verify_token",
            Self::ResetToken => "reset_token",
            Self::Telegram => "telegram",
        }
    }
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSecret").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beside")
            .field("claims", &self.claims)
            .field("erase", &self.erase)
            .finish_non_exhaustive()
    }
}

impl Register {
    /// Those of who registers.
    pub(crate) const fn claims(&self) -> [NewClaim; 2] {
        [self.email_claim, self.username_claim]
    }
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
        let session = |id: TradingSessionId| AggregateRef { kind: AggregateKind::TradingSession, id: id.0 };
        match self {
            Self::Register(register) => vec![user(register.user_id), wallet(register.wallet_id)],
            Self::User(change) => {
                let wallets = change.closes.iter().map(|id| wallet(*id));
                std::iter::once(user(change.user_id)).chain(wallets).collect()
            }
            Self::OpenWallet(open) => vec![user(open.user_id)],
            Self::Wallet(step) => step.wallets().map(wallet).collect(),
            Self::StartSession(starting) => {
                let wallets = starting.reserve.iter().map(|reserve| wallet(reserve.wallet_id));
                let start = &starting.start;
                [session(start.session_id), user(start.user_id)].into_iter().chain(wallets).collect()
            }
            Self::Session(step) => vec![session(step.session_id)],
            Self::SettingsDefaults(_) => {
                vec![AggregateRef { kind: AggregateKind::SettingsDefaults, id: DEFAULTS_ID }]
            }
            Self::Batch(steps) => steps.iter().flat_map(Step::wallets).map(wallet).collect(),
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
                let claims = register.claims().into_iter().chain([register.wallet_claim]);
                claims.map(|claim| (claim.kind.as_str(), claim.digest)).collect()
            }
            Self::User(change) => {
                change.beside.claims.iter().map(|claim| (claim.kind.as_str(), claim.digest)).collect()
            }
            Self::OpenWallet(open) => vec![(open.claim.kind.as_str(), open.claim.digest)],
            Self::Wallet(step) => {
                step.claim().iter().map(|claim| (claim.kind.as_str(), claim.digest)).collect()
            }
            Self::StartSession(starting) => {
                starting.places.iter().map(|claim| (claim.kind.as_str(), claim.digest)).collect()
            }
            Self::Session(_) | Self::SettingsDefaults(_) => Vec::new(),
            Self::Batch(steps) => {
                let claims = steps.iter().filter_map(Step::claim);
                claims.map(|claim| (claim.kind.as_str(), claim.digest)).collect()
            }
        }
    }

    /// The name it is counted under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::User(change) => change.command.name(),
            Self::OpenWallet(_) => "open_wallet",
            Self::Wallet(step) => step.name(),
            Self::Batch(_) => "batch",
            Self::StartSession(_) => "start_session",
            Self::Session(step) => step.command.name(),
            Self::SettingsDefaults(_) => "set_settings_defaults",
        }
    }
}
