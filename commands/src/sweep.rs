//! Whatever ends when its time is over is ended by the house itself, so that whoever looks finds it ended.
//!
//! Nothing rests on it: what is over is treated as over, swept or not. Where to look is told from outside (a read model,
//! which may be late); what is over is decided by the aggregate, so whatever was renewed meanwhile goes on. Each step does
//! a bounded amount of work, and what it ended is waited for before the next one looks again.

use crate::{Commands, Failure};
use domain::Timestamp;
use futures::{StreamExt, stream};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Aggregates in one step: a fraction of a second's work.
pub const FOUND_MAX: u16 = 512;
/// Between two steps, when there is more to do than fits into one: others come in between.
const REST: Duration = Duration::from_millis(100);

/// Finds at most so many aggregates with something that is over at a moment, in what includes a position.
pub type FindOver<Id> =
    Box<dyn Fn(Timestamp, u16, Option<i64>) -> Pin<Box<dyn Future<Output = Found<Id>> + Send>> + Send + Sync>;
pub type Found<Id> = Result<Vec<Id>, String>;

/// What is swept.
pub trait Passing: Send + 'static {
    /// What it is a part of.
    type Id: Send;
    /// How many of those are asked at once: a part of a batch of the sequencer, so that others are not held up.
    const AT_ONCE: usize;
    /// What stands in the log when a step fails.
    const NOT_ENDED: &'static str;

    /// Ends what is over of one.
    fn end(commands: &Commands, id: Self::Id) -> impl Future<Output = Result<Ended, Failure>> + Send;

    /// Tells what a step ended, which is something.
    fn tell(ended: usize);
}

/// What came to its end in one aggregate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ended {
    pub count: usize,
    /// Of the last of them.
    pub position: i64,
    /// Whether there may be more in it.
    pub is_full: bool,
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
    #[error("what is over cannot be found: {0}")]
    Find(String),
    #[error(transparent)]
    Command(#[from] Failure),
}

pub struct Sweep<P: Passing> {
    commands: Commands,
    find: FindOver<P::Id>,
    /// The position of the last that it ended.
    reached: Option<i64>,
}

impl<P: Passing> fmt::Debug for Sweep<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweep").field("reached", &self.reached).finish_non_exhaustive()
    }
}

impl<P: Passing> Sweep<P> {
    pub fn new(commands: Commands, find: FindOver<P::Id>) -> Self {
        Self { commands, find, reached: None }
    }

    /// Every so often, until told to stop.
    pub async fn run(mut self, every: Duration, cancel: CancellationToken) {
        loop {
            let rest = match self.run_once().await {
                Ok(Swept { is_full: true, .. }) => REST.min(every),
                // A node that does not lead is told so, and the one that leads does the work.
                Ok(_) | Err(SweepError::Command(Failure::Unavailable { .. })) => every,
                Err(error) => {
                    tracing::warn!(event = P::NOT_ENDED, error_message = %error);
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
        let now = self.commands.now();
        let found = (self.find)(now, FOUND_MAX, self.reached).await.map_err(SweepError::Find)?;
        let (mut swept, mut failed) =
            (Swept { ended: 0, is_full: found.len() >= usize::from(FOUND_MAX) }, None);
        let commands = &self.commands;
        let mut asked = stream::iter(found).map(|id| P::end(commands, id)).buffer_unordered(P::AT_ONCE);
        while let Some(ended) = asked.next().await {
            match ended {
                Ok(Ended { count: 0, .. }) => {}
                Ok(ended) => {
                    swept.ended += ended.count;
                    swept.is_full |= ended.is_full;
                    self.reached = self.reached.max(Some(ended.position));
                }
                // The others may be luckier.
                Err(failure) => failed = Some(failure),
            }
        }
        if swept.ended > 0 {
            P::tell(swept.ended);
        }
        failed.map_or(Ok(swept), |failure| Err(failure.into()))
    }
}
