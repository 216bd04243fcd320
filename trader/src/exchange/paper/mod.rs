//! The exchange on paper: trades at the quotes everybody sees, and a ledger of its own.
//!
//! The protocol is that of an exchange for real, and so is what can go wrong. An order is priced by the newest quotes and
//! written to the ledger apart from everything else Counterfoil writes, so a process may die between the two. The ledger
//! takes what it is sent: who sends an order twice has traded twice.

#[cfg(test)]
pub(super) mod examples;
mod fill;
mod ledger;

pub use fill::{FeeIn, Model};
pub use ledger::{KEPT_FOR, PRUNED_AT_ONCE};

use super::{Exchange, Queried, Submitted, Terms};
use crate::market::Prices;
use async_trait::async_trait;
use commands::Clock;
use domain::Currency;
use domain::trading::{ExchangeName, Intent};
use fill::Priced;
use ledger::{Ledger, Look};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// Longer than an order may be on its way.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Paper {
    prices: Prices,
    clock: Clock,
    terms: Arc<Terms>,
    model: Model,
    ledger: Ledger,
}

impl Paper {
    pub fn new(pool: PgPool, prices: Prices, terms: Arc<Terms>, clock: Clock) -> Self {
        Self { prices, clock, terms, model: Model::default(), ledger: Ledger::new(pool) }
    }

    /// The same, with trades that come about in another way.
    #[must_use]
    pub fn with_model(self, model: Model) -> Self {
        Self { model, ..self }
    }

    /// Forgets the oldest of what nobody asks for any more, a bounded number of rows. Says how many.
    pub async fn prune(&self) -> Result<u64, sqlx::Error> {
        self.ledger.prune(KEPT_FOR, PRUNED_AT_ONCE).await
    }

    fn price(&self, intent: &Intent) -> Result<Priced, Submitted> {
        let currency =
            intent.symbol.strip_prefix(intent.asset.code()).and_then(|code| Currency::parse(code).ok());
        let market = currency.and_then(|currency| self.prices.market(currency));
        let market = market.ok_or_else(|| Submitted::rejected("invalid_symbol", "Invalid symbol."))?;
        fill::price(intent, &market, self.model, self.clock.now())
    }

    async fn submit_now(&self, account: Uuid, intent: &Intent) -> Submitted {
        let priced = match self.price(intent) {
            Ok(priced) => priced,
            Err(declined) => return declined,
        };
        match self.ledger.execute(account, intent, &priced).await {
            Ok(Some(executed)) => Submitted::Filled { fills: vec![priced.fill(executed)] },
            Ok(None) => Submitted::rejected(
                "outside_recv_window",
                "Timestamp for this request is outside of the recvWindow.",
            ),
            Err(error) => Submitted::unknown(error.to_string()),
        }
    }
}

#[async_trait]
impl Exchange for Paper {
    fn name(&self) -> ExchangeName {
        ExchangeName::Paper
    }

    fn terms(&self) -> &Terms {
        &self.terms
    }

    async fn submit(&self, account: Uuid, intent: &Intent) -> Submitted {
        let submitted = timeout(ANSWERS_WITHIN, self.submit_now(account, intent)).await;
        submitted.unwrap_or_else(|_| {
            Submitted::unknown(format!("no answer within {} s", ANSWERS_WITHIN.as_secs()))
        })
    }

    async fn query(&self, account: Uuid, intent: &Intent) -> Queried {
        let cause = match timeout(ANSWERS_WITHIN, self.ledger.look(account, intent.order_id)).await {
            Ok(Ok(Look { executed: Some((priced, executed)), .. })) => {
                return Queried::Filled { fills: vec![priced.fill(executed)] };
            }
            // However old it is: what somebody may still ask for is not swept away.
            Ok(Ok(Look { as_of, executed: None })) => return Queried::NotFound { as_of },
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", ANSWERS_WITHIN.as_secs()),
        };
        Queried::Unavailable { cause }
    }
}
