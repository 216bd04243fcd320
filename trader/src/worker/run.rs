//! A run, carried out: begun by the session, sent to the exchange, and told to the session again.
//!
//! ## Correctness
//! An order is sent by the one who has just intended it, in the answer to its own command, and by nobody else ever: there is
//! no way to get an order to send but [`Fresh`], and it is used up by sending. An answer that is lost on the way to us
//! leaves an order that nobody sends; one that is lost on the way back leaves an order that is asked for later.

use super::{Inner, LOOKED_IN_VAIN, Left, RunError};
use crate::exchange::{Exchange, Point, Submitted};
use crate::timers::Lease;
use commands::{Done, Failure, Refusal};
use domain::Event;
use domain::trading::market::Market;
use domain::trading::{
    BeginRun, Intent, OrderId, Outcome, RecordOutcomes, Run, Session, SessionCommand, SessionEvent,
    SessionRefusal, SessionState, Side, TradingSession,
};
use domain::{Currency, Timestamp};
use futures::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// An exchange that has not answered by then has let the order in or will not.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_secs(8);
/// What came of orders is told again and again while the lease lasts: nobody else knows it yet.
const TELL_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// An order that its own command has just intended: it has not been sent.
pub(super) struct Fresh(Intent);

impl Fresh {
    /// Those that a command has brought about just now.
    pub(super) fn of(done: &Done) -> Result<Vec<Self>, RunError> {
        let mut fresh = Vec::new();
        for recorded in done.events.iter().filter(|_| !done.replayed) {
            if let Event::TradingSession(SessionEvent::OrderIntended(intended)) = recorded.event()? {
                fresh.push(Self(intended.intent));
            }
        }
        Ok(fresh)
    }

    /// Sends it. Nobody has it afterwards.
    async fn send(self, exchange: &dyn Exchange, account: Uuid) -> (OrderId, Outcome) {
        let submitted = tokio::time::timeout(ANSWERS_WITHIN, exchange.submit(account, &self.0)).await;
        let submitted = submitted.unwrap_or_else(|_| Submitted::Unknown {
            cause: format!("no answer within {} s", ANSWERS_WITHIN.as_secs()),
        });
        (self.0.order_id, submitted.outcome())
    }
}

/// A run under way, and what has to have a price when it goes on or ends: what is held, and what it trades in.
pub(super) struct RunOf {
    run_id: Uuid,
    assets: BTreeSet<Currency>,
}

impl RunOf {
    pub(super) fn new(session: &Session, run: &Run) -> Self {
        let held = session.portfolio.held().map(|(asset, _)| asset);
        Self { run_id: run.run_id, assets: held.chain(run.assets()).collect() }
    }
}

pub(super) fn session_of(done: &Done) -> Result<&Session, RunError> {
    done.session.as_deref().and_then(TradingSession::session).ok_or(RunError::NoSession)
}

impl Inner {
    pub(super) async fn carry_out(&self, lease: &Lease) -> Result<Left, RunError> {
        let market = self.market(lease.currency).map(|market| Market::clone(&market));
        let begin = BeginRun { fence: lease.fence, market, at: Timestamp::default() };
        let command = SessionCommand::BeginRun(Box::new(begin));
        match self.commands.drive_session(lease.session_id, command).await {
            Ok(done) => self.go_on(lease, done).await,
            Err(Failure::Refused { refusal: Refusal::Session(refusal), .. }) => match refusal {
                SessionRefusal::RunUnderWay { .. } => self.recover(lease).await,
                SessionRefusal::NothingDue
                | SessionRefusal::WrongState { .. }
                | SessionRefusal::Fenced { .. }
                // Soon, if clocks differ; ever later, if it stays like this.
                | SessionRefusal::NotFound => Ok(Left::For(lease.pause().max(LOOKED_IN_VAIN))),
                refusal => Err(RunError::Command(Failure::Internal(refusal.to_string()))),
            },
            Err(failure) => Err(failure.into()),
        }
    }

    /// Sends what is intended and tells what came of it, until nothing more is intended.
    pub(super) async fn go_on(&self, lease: &Lease, mut done: Done) -> Result<Left, RunError> {
        loop {
            let fresh = Fresh::of(&done)?;
            let session = session_of(&done)?;
            let Some(run) = session.run.as_ref().filter(|_| !fresh.is_empty()) else {
                return Ok(Left::At(done.session_version));
            };
            let of = RunOf::new(session, run);
            let buys_after_sales =
                run.filled > 0 && run.orders.iter().any(|order| order.intent.side == Side::Buy);
            self.pauses.at(Point::Intended).await;
            if buys_after_sales {
                self.pauses.at(Point::BetweenLegs).await;
            }
            let exchange = self.exchange(session.exchange)?;
            let account = lease.session_id.0;
            let sent = fresh.into_iter().map(|order| order.send(exchange.as_ref(), account));
            let outcomes = join_all(sent).await;
            self.pauses.at(Point::Answered).await;
            let known = done.session_version;
            match self.tell(lease, &of, outcomes).await? {
                Some(told) => done = told,
                None => return Ok(Left::At(known)),
            }
        }
    }

    /// Tells a session what came of its orders. It may be told twice; where that finds the run ended, it was heard the first
    /// time, though the answer was lost, or somebody else has told it: there is nothing left to do.
    pub(super) async fn tell(
        &self,
        lease: &Lease,
        of: &RunOf,
        outcomes: Vec<(OrderId, Outcome)>,
    ) -> Result<Option<Done>, RunError> {
        loop {
            let record = RecordOutcomes {
                run_id: of.run_id,
                fence: lease.fence,
                outcomes: outcomes.clone(),
                market: self.market_of(lease.currency, &of.assets),
                at: Timestamp::default(),
            };
            let command = SessionCommand::RecordOutcomes(Box::new(record));
            match self.commands.drive_session(lease.session_id, command).await {
                Err(Failure::Unavailable { .. } | Failure::OutcomeUnknown) => {
                    tokio::time::sleep(TELL_AGAIN_AFTER).await;
                }
                Err(Failure::Refused { refusal: Refusal::Session(SessionRefusal::NoSuchRun), .. }) => {
                    return Ok(None);
                }
                told => return Ok(Some(told?)),
            }
        }
    }

    fn market(&self, currency: Currency) -> Option<Arc<Market>> {
        self.prices.market(currency)
    }

    /// What is said of some assets. Where there are no prices, nothing has one.
    fn market_of(&self, currency: Currency, assets: &BTreeSet<Currency>) -> Market {
        let none = || Market::without_quotes(currency);
        self.market(currency).map_or_else(none, |market| market.of(assets.iter().copied()))
    }

    /// Where a session is seen that was told to stop and has not stopped.
    pub(super) async fn pause_if_stopping(&self, session: &Session) {
        if session.state == SessionState::Stopping {
            self.pauses.at(Point::Stopping).await;
        }
    }
}
