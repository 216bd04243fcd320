//! A run whose worker is gone: what became of its orders is asked for, and nothing is sent again.
//!
//! An exchange takes an order until a moment that was written down with it. Before that nobody can say that it was not
//! taken, so nobody asks; after it the exchange's word is evidence, and until there is any the run stays open and its
//! session begins no other.

use super::run::{ANSWERS_WITHIN, RunOf, session_of};
use super::{Inner, LOOKED_IN_VAIN, Left, RunError};
use crate::exchange::Exchange;
use crate::timers::Lease;
use commands::{Failure, Refusal};
use domain::trading::{Order, OrderId, Outcome, SessionCommand, SessionRefusal};
use std::time::Duration;

/// Between two questions for the same order, at least.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Inner {
    pub(super) async fn recover(&self, lease: &Lease) -> Result<Left, RunError> {
        let taken = SessionCommand::TakeOver { fence: lease.fence };
        let done = match self.commands.drive_session(lease.session_id, taken).await {
            // It has ended since it was found under way.
            Err(Failure::Refused { refusal: Refusal::Session(SessionRefusal::NoSuchRun), .. }) => {
                return Ok(Left::For(LOOKED_IN_VAIN));
            }
            taken => taken?,
        };
        let session = session_of(&done)?;
        let Some(run) = &session.run else { return Ok(Left::At(done.session_version)) };
        let exchange = self.exchange(session.exchange)?;
        let settled_after = exchange.terms().settled_after;
        let now = self.commands.now();
        if let Some(until) = run.valid_until().map(|until| until.plus(settled_after)).filter(|at| *at > now) {
            return Ok(Left::For(until.since(now)));
        }
        self.pause_if_stopping(session).await;
        let mut outcomes = Vec::with_capacity(run.orders.len());
        for order in &run.orders {
            outcomes.extend(self.ask(lease, exchange.as_ref(), order).await);
        }
        if outcomes.is_empty() && !run.orders.is_empty() {
            return Ok(Left::For(lease.pause().max(ASK_AGAIN_AFTER)));
        }
        let is_all = outcomes.len() == run.orders.len();
        tracing::info!(
            component = "trader", event = "orders_settled", session_id = %lease.session_id,
            orders = outcomes.len(), remaining = run.orders.len() - outcomes.len()
        );
        let Some(told) = self.tell(lease, &RunOf::new(session, run), outcomes).await? else {
            return Ok(Left::At(done.session_version));
        };
        let left = self.go_on(lease, told).await?;
        Ok(if is_all { left } else { Left::For(lease.pause().max(ASK_AGAIN_AFTER)) })
    }

    async fn ask(&self, lease: &Lease, exchange: &dyn Exchange, order: &Order) -> Option<(OrderId, Outcome)> {
        let intent = &order.intent;
        let asked = tokio::time::timeout(ANSWERS_WITHIN, exchange.query(lease.session_id.0, intent));
        let outcome = asked.await.ok()?.outcome(intent, exchange.terms().settled_after)?;
        Some((intent.order_id, outcome))
    }
}
