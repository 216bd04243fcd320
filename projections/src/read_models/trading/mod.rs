//! `trading`: sessions as they are now, and what they did: runs, trades, and what they were worth.
//!
//! A session's row is its state, and a batch is folded by the aggregate's own `evolve`: the states of its sessions are read,
//! folded and written back, with one statement each, so that the read model is the fold by construction. The other tables
//! take what they need from an event and from the state just before and just after it.
//!
//! Rows name nobody but by their user's id, and stay when that user is erased, as those of wallets do.

mod equity;
mod explain;
mod fold;
mod marks;
mod performance;
mod portfolio;
mod runs;
mod sessions;
mod trades;

pub use equity::{EquityFilter, EquityRow};
pub use explain::ExplainedTrade;
pub use marks::{Price, SessionToMark};
pub use performance::PerformanceInputs;
pub use portfolio::UserPortfolio;
pub use runs::{RunRow, RunState};
pub use sessions::{SessionFilter, SessionStatus, TradingSessionRow};
pub use trades::{TradeFilter, TradeRow, TradeType, TradesOf};

use crate::Projection;
use crate::projection::ApplyError;
use async_trait::async_trait;
use domain::AggregateKind;
use fold::Folded;
use journal::Recorded;
use sqlx::PgConnection;
use std::sync::Arc;

const NAME: &str = "trading";

#[derive(Debug)]
pub struct TradingProjection;

#[async_trait]
impl Projection for TradingProjection {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Rises with the schema of the aggregate, too: its state stands in the rows.
    fn version(&self) -> i32 {
        1
    }

    fn kinds(&self) -> &'static [AggregateKind] {
        &[AggregateKind::TradingSession]
    }

    fn tables(&self) -> &'static [&'static str] {
        &["trading_sessions", "trading_marks", "trading_runs", "trading_trades", "trading_equity"]
    }

    fn only_adds(&self) -> bool {
        false
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let folded = Folded::of(conn, events).await?;
        sessions::write(conn, &folded.sessions).await?;
        marks::write(conn, &folded.sessions).await?;
        runs::write(conn, &folded.runs).await?;
        trades::write(conn, &folded.trades).await?;
        equity::write(conn, &folded.equity).await?;
        Ok(())
    }
}
