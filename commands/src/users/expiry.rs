//! Login sessions that are over are ended, so that whoever counts them counts those that are open.
//!
//! Nothing rests on it: a session that is over admits nobody, swept or not. Where to look is told from outside (a read
//! model, which may be late); what is over is decided by the user, so a session refreshed meanwhile goes on. Each step
//! does a bounded amount of work, and what it ended is waited for before the next one looks again.

use crate::{Commands, Context, Failure, Principal};
use domain::user::{UserCommand, UserRefusal};
use domain::{Timestamp, UserId};
use futures::{StreamExt, stream};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Users whose sessions are ended in one step: a fraction of a second's work.
pub const USERS_MAX: u16 = 512;
/// How many of them are asked at once: a few to a batch of the sequencer, and never enough to hold others up.
const AT_ONCE: usize = 16;
/// Between two steps, when there is more to do than fits into one.
const REST: Duration = Duration::from_secs(1);

/// Finds at most so many users with sessions that are over at a moment, in what includes a position.
pub type FindOver =
    Box<dyn Fn(Timestamp, u16, Option<i64>) -> Pin<Box<dyn Future<Output = FoundOver> + Send>> + Send + Sync>;
pub type FoundOver = Result<Vec<UserId>, String>;

pub struct SessionExpiry {
    commands: Commands,
    find: FindOver,
    /// The position of the last session it ended.
    reached: Option<i64>,
}

impl fmt::Debug for SessionExpiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionExpiry").field("reached", &self.reached).finish_non_exhaustive()
    }
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    pub ended: usize,
    /// Whether there may be more.
    pub is_full: bool,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum SweepError {
    #[error("sessions that are over cannot be found: {0}")]
    Find(String),
    #[error(transparent)]
    Command(#[from] Failure),
}

impl SessionExpiry {
    pub fn new(commands: Commands, find: FindOver) -> Self {
        Self { commands, find, reached: None }
    }

    /// Every so often, until told to stop.
    pub async fn run(mut self, every: Duration, cancel: CancellationToken) {
        loop {
            let rest = match self.run_once().await {
                Ok(Swept { is_full: true, .. }) => REST,
                Ok(_) => every,
                Err(error) => {
                    // A node that does not lead is told so, and the one that leads does the work.
                    if !matches!(error, SweepError::Command(Failure::Unavailable { .. })) {
                        tracing::warn!(event = "sessions_not_expired", error_message = %error);
                    }
                    every
                }
            };
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    pub async fn run_once(&mut self) -> Result<Swept, SweepError> {
        let now = self.commands.options().clock.now();
        let users = (self.find)(now, USERS_MAX, self.reached).await.map_err(SweepError::Find)?;
        let is_full = users.len() >= usize::from(USERS_MAX);
        let commands = &self.commands;
        let asked = stream::iter(users).map(|user_id| commands.expire_sessions(user_id));
        let mut asked = asked.buffer_unordered(AT_ONCE);
        let (mut swept, mut failed) = (Swept { ended: 0, is_full }, None);
        while let Some(expired) = asked.next().await {
            match expired {
                Ok(Some(Expired { ended, position })) => {
                    swept.ended += ended;
                    self.reached = self.reached.max(Some(position));
                }
                Ok(None) => {}
                // The others may be luckier.
                Err(failure) => failed = Some(failure),
            }
        }
        if swept.ended > 0 {
            tracing::info!(event = "login_sessions_expired", sessions = swept.ended);
        }
        failed.map_or(Ok(swept), |failure| Err(failure.into()))
    }
}

struct Expired {
    ended: usize,
    position: i64,
}

impl Commands {
    /// Ends those of a user's sessions that are over. Nothing, if there was nothing to end.
    async fn expire_sessions(&self, user_id: UserId) -> Result<Option<Expired>, Failure> {
        let context = Context {
            principal: Principal::System,
            key: None,
            correlation_id: Uuid::now_v7(),
            expected_version: None,
            received: Instant::now(),
        };
        let command = UserCommand::ExpireSessions { at: Timestamp::default() };
        match self.ask_user(&context, None, user_id, command).await {
            Ok(done) if done.events.is_empty() => Ok(None),
            Ok(done) => Ok(Some(Expired { ended: done.events.len(), position: done.position })),
            // Erased since.
            Err(Failure::Refused { refusal: crate::Refusal::User(UserRefusal::NotFound), .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
