//! The watcher: looks at what sessions are worth whenever prices change, and tells those that have to know.
//!
//! A session that has lost more than it may is halted at the first prices that show it; one that is worth more than ever
//! takes that down, so that losses count from there; and each is valued now and then, for its curve. Where to look is told
//! by a read model, which may be late; the session decides, by the prices it is shown. So two watchers do no harm, and one
//! is enough: there is a lease for it.

mod turn;

use crate::market::Prices;
use commands::{Commands, Failure};
use domain::Timestamp;
use domain::trading::SessionCommand;
use domain::trading::market::Market;
use domain::trading::planner::QUOTE_AGE_MAX;
use futures::{StreamExt, stream};
use projections::{Price, QueryError, ReadModels, SessionToMark};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use turn::Turn;

/// How often a session is valued in which nothing happens.
const VALUED_EVERY: Duration = Duration::from_hours(1);
/// Sessions told in one step: a fraction of a second's work.
const TOLD_MAX: u16 = 512;
/// Told at once: a part of a batch, so that others are not held up.
const AT_ONCE: usize = 32;
/// Looking takes at most one part in so many of the time.
const REST: u32 = 4;

#[derive(Debug)]
pub struct Watcher {
    commands: Commands,
    read_models: ReadModels,
    prices: Prices,
    turn: Turn,
    /// The position of the last session it told something new.
    reached: Option<i64>,
}

/// What one step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Whether it was this process's turn.
    pub is_ours: bool,
    /// Sessions that were shown prices, and those of them in which that changed anything.
    pub told: usize,
    pub changed: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("whose turn it is cannot be found out: {0}")]
    Turn(#[from] sqlx::Error),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Command(#[from] Failure),
}

impl Watcher {
    pub fn new(commands: Commands, read_models: ReadModels, pool: sqlx::PgPool, prices: Prices) -> Self {
        Self { commands, read_models, prices, turn: Turn::new(pool), reached: None }
    }

    /// At every change of prices, until told to stop.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut is_failing = false;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.prices.next() => {}
            }
            let began = Instant::now();
            match self.run_once().await {
                Ok(_) => is_failing = false,
                // A node that does not lead is told so; and nothing is said twice.
                Err(WatchError::Command(Failure::Unavailable { .. })) => {}
                Err(error) if !std::mem::replace(&mut is_failing, true) => {
                    tracing::warn!(component = "trader", event = "sessions_not_watched", error_message = %error);
                }
                Err(_) => {}
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(began.elapsed() * REST) => {}
            }
        }
    }

    pub async fn run_once(&mut self) -> Result<Watched, WatchError> {
        if !self.turn.is_ours().await? {
            return Ok(Watched::default());
        }
        let now = self.commands.now();
        let prices = self.known(now);
        let before = Timestamp::from_micros(now.as_micros().saturating_sub(micros(VALUED_EVERY)));
        let found = self.read_models.sessions_to_mark(&prices, before, TOLD_MAX, self.reached).await?.value;
        let mut watched = Watched { is_ours: true, told: found.len(), changed: 0 };
        let (commands, markets) = (&self.commands, &self.prices);
        let told = stream::iter(found).map(|found| tell(commands, markets, found));
        let mut told = told.buffer_unordered(AT_ONCE);
        let mut failed = None;
        while let Some(outcome) = told.next().await {
            match outcome {
                Ok(None) => {}
                Ok(Some(position)) => {
                    watched.changed += 1;
                    self.reached = self.reached.max(Some(position));
                }
                // The others may be luckier.
                Err(failure) => failed = Some(failure),
            }
        }
        metrics::counter!("counterfoil_trading_marks_total").increment(watched.changed as u64);
        failed.map_or(Ok(watched), |failure| Err(failure.into()))
    }

    /// Every quote, and whether it says something about now.
    fn known(&self, now: Timestamp) -> Vec<Price> {
        let mut prices = Vec::new();
        for currency in self.prices.currencies() {
            let Some(market) = self.prices.market(currency) else { continue };
            let quotes = market.listed.iter().map(|(asset, listed)| (*asset, &listed.quote));
            let sound = quotes.filter(|(_, quote)| quote.is_sound());
            prices.extend(sound.map(|(asset, quote)| {
                let is_fresh = quote.age(now) <= QUOTE_AGE_MAX;
                Price { currency, asset, bid: quote.mark(), is_fresh }
            }));
        }
        prices
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Shows a session the prices of its currency. The position of what came of it, if anything did.
async fn tell(commands: &Commands, prices: &Prices, found: SessionToMark) -> Result<Option<i64>, Failure> {
    // Where nobody quotes any more, it goes by the last prices it knows itself.
    let market = prices.market(found.currency).map(|market| (*market).clone());
    let market = Box::new(market.unwrap_or_else(|| Market::without_quotes(found.currency)));
    let mark = SessionCommand::Mark { market, snapshot: found.is_due, at: Timestamp::default() };
    match commands.drive_session(found.session_id, mark).await {
        Ok(done) => Ok((!done.events.is_empty()).then_some(done.position)),
        // It has stopped since.
        Err(Failure::Refused { .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}
