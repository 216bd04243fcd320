//! Users made from outside HTTP, by whoever runs this: the first admin, and services.
//!
//! What is asked for goes the way of every command. Where somebody leads already, it is handed to them by way of the
//! database; where nobody does, this process leads for a moment. So it works beside a running counterfoil and without
//! one, and two never write at once.

use std::time::{Duration, Instant};

use commands::password::{HashError, Hasher, HasherOptions};
use commands::users::{Registration, RoleGiven};
use commands::vault::Vault;
use commands::{
    Clock, Commands, CommandsOptions, Context, Failure, HandOver, Principal, WriteSide, Writer,
    WriterOptions, WriterState,
};
use domain::user::{Role, SessionPolicy};
use domain::{Currency, Email, UserId};
use journal::{Journal, JournalError, Nats, NatsError, NatsOptions, Tail};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::Place;
use crate::leading::stream_agrees;
use crate::maintenance;
use crate::servers::{Servers, ServersError};

/// How long may be looked for who leads: a leader that died is replaced after three seconds.
const LEAD_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    Servers(#[from] ServersError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Nats(#[from] NatsError),
    #[error("passwords cannot be hashed: {0}")]
    Hasher(#[from] HashError),
    #[error(transparent)]
    Command(#[from] Failure),
    #[error("nothing is written at present: {0}")]
    Halted(String),
    #[error("nobody leads, and this process may not either: is NATS there?")]
    NobodyLeads,
    #[error("the user was registered and cannot be found")]
    Lost,
}

/// The write side, for as long as it is needed here.
#[derive(Debug)]
pub struct Office {
    servers: Servers,
    desk: Desk,
}

#[derive(Debug)]
struct Desk {
    journal: Journal,
    commands: Commands,
    task: JoinHandle<()>,
    cancel: CancellationToken,
}

impl Office {
    pub async fn open(place: &Place, default_currency: Currency) -> Result<Self, AdminError> {
        let servers = Servers::reach(place).await?;
        match Desk::set_up(&servers, default_currency).await {
            Ok(desk) => Ok(Self { servers, desk }),
            Err(error) => {
                servers.stop().await;
                Err(error)
            }
        }
    }

    pub async fn find(&self, email: &Email) -> Result<Option<UserId>, AdminError> {
        Ok(self.desk.commands.user_with_email(email).await?)
    }

    pub async fn give_role(&self, user_id: UserId, role: Role) -> Result<RoleGiven, AdminError> {
        Ok(self.desk.commands.give_role(context(), user_id, role).await?)
    }

    pub async fn register(&self, new: Registration) -> Result<UserId, AdminError> {
        let email = new.email.clone();
        self.desk.commands.register(context(), new).await?;
        self.find(&email).await?.ok_or(AdminError::Lost)
    }

    /// Steps down, if this led, and stops what was started for it.
    pub async fn close(self) {
        let Desk { journal, task, cancel, .. } = self.desk;
        cancel.cancel();
        let _ended = task.await;
        journal.pool().close().await;
        self.servers.stop().await;
    }
}

impl Desk {
    async fn set_up(servers: &Servers, default_currency: Currency) -> Result<Self, AdminError> {
        let journal = maintenance::open(servers).await?;
        let vault = Vault::following(servers.rings()?, journal.clone());
        let tail = Tail::new(journal.head().await?.position);
        let hasher = Hasher::new(HasherOptions::default())?;
        let parts = WriteSide { journal: journal.clone(), tail, vault, hasher };
        let url = servers.nats_url().unwrap_or_default().to_owned();
        let nats = Nats::connect(&NatsOptions { url, credentials: None }).await?;
        let options = options(default_currency);
        let cancel = CancellationToken::new();

        let trial = cancel.child_token();
        let writer_options = WriterOptions {
            address: "the command line".to_owned(),
            cache_capacity: None,
            may_lead: stream_agrees(&journal, &nats),
            wary_for: Duration::ZERO,
        };
        let (commands, writer) = Writer::new(parts.clone(), options.clone(), writer_options, trial.clone());
        let mut state = writer.state();
        let task = tokio::spawn(writer.run());
        let known = state.wait_for(|state| *state != WriterState::Seeking);
        let known = tokio::time::timeout(LEAD_WITHIN, known).await;
        let found = known.ok().and_then(Result::ok).map_or(WriterState::Seeking, |state| state.clone());
        if matches!(found, WriterState::Leading { .. }) {
            return Ok(Self { journal, commands, task, cancel });
        }
        trial.cancel();
        let _ended = task.await;
        match found {
            WriterState::Standby => {
                let (commands, hand_over) = HandOver::new(parts, options);
                let task = tokio::spawn(hand_over.run(cancel.clone()));
                Ok(Self { journal, commands, task, cancel })
            }
            WriterState::Halted { reason } => Err(AdminError::Halted(reason)),
            WriterState::Seeking | WriterState::Leading { .. } => Err(AdminError::NobodyLeads),
        }
    }
}

/// Nobody signs in here: only the currency of a first wallet matters.
const fn options(default_currency: Currency) -> CommandsOptions {
    let session_policy = SessionPolicy {
        idle: Duration::ZERO,
        absolute: Duration::ZERO,
        grace: Duration::ZERO,
        sessions_max: 1,
    };
    CommandsOptions { clock: Clock::System, session_policy, default_currency }
}

fn context() -> Context {
    Context {
        principal: Principal::System,
        key: None,
        correlation_id: Uuid::now_v7(),
        expected_version: None,
        received: Instant::now(),
    }
}
