//! Holds whose lease is over are ended, so that what they keep back can be spent.
//!
//! No capture rests on it: a hold that is over takes none, swept or not. Where to look is told from outside (a read model,
//! which may be late); what is over is decided by the wallet, so a hold renewed meanwhile goes on. Each step does a
//! bounded amount of work, and what it ended is waited for before the next one looks again.

use crate::step::{Act, Bounds, Step};
use crate::{Authority, Command, Commands, Context, Failure, Principal};
use domain::wallet::WalletCommand;
use domain::{Timestamp, WalletId};
use futures::{StreamExt, stream};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Wallets in one step.
pub const WALLETS_MAX: u16 = 512;
/// How many of them are asked at once: a part of a batch, so that others are not held up.
const AT_ONCE: usize = 64;

/// Finds at most so many wallets with holds that are over at a moment, the first to be over first, in what includes a
/// position.
pub type FindOver =
    Box<dyn Fn(Timestamp, u16, Option<i64>) -> Pin<Box<dyn Future<Output = FoundOver> + Send>> + Send + Sync>;
pub type FoundOver = Result<Vec<WalletId>, String>;

pub struct HoldExpiry {
    commands: Commands,
    find: FindOver,
    /// The position of the last hold it ended.
    reached: Option<i64>,
}

impl fmt::Debug for HoldExpiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HoldExpiry").field("reached", &self.reached).finish_non_exhaustive()
    }
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    pub expired: usize,
    /// Whether there may be more.
    pub is_full: bool,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum SweepError {
    #[error("holds that are over cannot be found: {0}")]
    Find(String),
    #[error(transparent)]
    Command(#[from] Failure),
}

impl HoldExpiry {
    pub fn new(commands: Commands, find: FindOver) -> Self {
        Self { commands, find, reached: None }
    }

    /// Every so often, until told to stop.
    pub async fn run(mut self, every: Duration, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            match self.run_once().await {
                Ok(Swept { is_full: true, .. }) => continue,
                // A node that does not lead is told so, and the one that leads does the work.
                Ok(_) | Err(SweepError::Command(Failure::Unavailable { .. })) => {}
                Err(error) => tracing::warn!(event = "holds_not_expired", error_message = %error),
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    pub async fn run_once(&mut self) -> Result<Swept, SweepError> {
        let now = self.commands.options().clock.now();
        let wallets = (self.find)(now, WALLETS_MAX, self.reached).await.map_err(SweepError::Find)?;
        let mut swept = Swept { expired: 0, is_full: wallets.len() >= usize::from(WALLETS_MAX) };
        let commands = &self.commands;
        let asked = stream::iter(wallets).map(|wallet_id| commands.expire_holds(wallet_id));
        let mut asked = asked.buffer_unordered(AT_ONCE);
        let mut failed = None;
        while let Some(ended) = asked.next().await {
            match ended {
                Ok((0, _)) => {}
                Ok((expired, position)) => {
                    swept.expired += expired;
                    self.reached = self.reached.max(Some(position));
                    swept.is_full |= expired >= domain::wallet::EXPIRED_MAX;
                }
                // The others may be luckier.
                Err(failure) => failed = Some(failure),
            }
        }
        if swept.expired > 0 {
            metrics::counter!("counterfoil_holds_expired_total").increment(swept.expired as u64);
            tracing::info!(event = "holds_expired", holds = swept.expired);
        }
        failed.map_or(Ok(swept), |failure| Err(failure.into()))
    }
}

impl Commands {
    /// Ends those of a wallet's holds that are over. How many, and where.
    async fn expire_holds(&self, wallet_id: WalletId) -> Result<(usize, i64), Failure> {
        let context = Context {
            principal: Principal::System,
            key: None,
            correlation_id: Uuid::now_v7(),
            expected_version: None,
            received: Instant::now(),
        };
        let step = Step {
            wallet_id,
            authority: Authority::Anybody,
            act: Act::Ask(WalletCommand::ExpireHolds { at: Timestamp::default() }),
            bounds: Bounds::default(),
        };
        let done = self.submit(self.envelope(&context, None, Command::Wallet(Box::new(step)))).await?;
        Ok((done.events.len(), done.position))
    }
}
