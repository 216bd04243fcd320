//! Prices, for everybody who asks; and the workers that run trading sessions, in a process that has that role.

use super::{AppError, Ground, Signs, endless};
use crate::config::{Config, Role, TradingConfig};
use crate::supervisor::Stage;
use commands::{Clock, Commands};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use trader::exchange::{Exchange, Faulty, PRUNED_AT_ONCE, Paper, Pauses, Terms};
use trader::market::{POLLED_EVERY, Poller, Prices};
use trader::timers::{Keeper, Leases};
use trader::watch::Watcher;
use trader::worker::{Parts, Worker};

/// Nobody minds a row that is a minute older than it may be.
const PRUNED_EVERY: Duration = Duration::from_mins(1);

impl Ground {
    /// One poller for the whole process; none, where nobody would look.
    pub(super) fn start_market(&self, config: &Config) -> Result<Option<Prices>, AppError> {
        if !config.roles.has(Role::Api) && !config.roles.has(Role::Trader) {
            return Ok(None);
        }
        let feed = config.trading.market_data.feed()?;
        let (poller, prices) = Poller::new(feed, Arc::new(Terms::paper()), Clock::System);
        self.supervisor.start("market_data", |stop| endless(poller.run(POLLED_EVERY, stop)));
        Ok(Some(prices))
    }

    pub(super) fn start_trader(
        &self,
        trading: &TradingConfig,
        commands: &Commands,
        prices: &Prices,
        signs: &mut Signs,
    ) {
        let pool = self.journal.pool().clone();
        let paper = Paper::new(pool.clone(), prices.clone(), Arc::new(Terms::paper()), Clock::System);
        let pauses = trading.faults.as_ref().map_or_else(Pauses::default, |faults| faults.pauses.clone());
        let exchange: Arc<dyn Exchange> = match &trading.faults {
            Some(faults) => {
                tracing::warn!(event = "exchange_faults_injected", "orders are made to fail, for tests");
                Arc::new(Faulty::new(Arc::new(paper.clone()), faults.clone()))
            }
            None => Arc::new(paper.clone()),
        };
        let bell = Arc::new(Notify::new());
        let keeper = Keeper::follow(self.feed(), Arc::clone(&bell));
        signs.timers = Some(keeper.status());
        self.supervisor.start("trading_timers", |stop| endless(keeper.run(stop)));
        let worker = Worker::new(Parts {
            commands: commands.clone(),
            leases: Leases::new(pool),
            prices: prices.clone(),
            exchanges: vec![exchange],
            pauses,
        });
        // With the doors: the runs that are under way when it is asked to stop still tell what came of their orders, and those
        // who take that down are asked later.
        self.supervisor.start_at(Stage::Door, "trading_worker", |stop| endless(worker.run(bell, stop)));
        let (pool, read_models) = (self.journal.pool().clone(), self.read_models.clone());
        let watcher = Watcher::new(commands.clone(), read_models, pool, prices.clone());
        self.supervisor.start_at(Stage::Door, "trading_watch", |stop| endless(watcher.run(stop)));
        self.supervisor.start("paper_ledger", |stop| endless(prune(paper, stop)));
    }
}

/// What nobody asks for any more goes, some of it now and then; and not before the timers, which say what is still asked
/// for, have heard of what happened just before the house went down.
async fn prune(paper: Paper, stop: CancellationToken) {
    let mut every = tokio::time::interval_at(Instant::now() + PRUNED_EVERY, PRUNED_EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        while !stop.is_cancelled() {
            match paper.prune().await {
                Ok(gone) if gone >= PRUNED_AT_ONCE.unsigned_abs() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(event = "paper_ledger_not_pruned", error_message = %error);
                    break;
                }
            }
        }
    }
}
