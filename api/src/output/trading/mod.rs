//! What is shown of trading: sessions, what they hold, do and did.

mod equity;
mod performance;
mod plan;
mod portfolio;
mod run;
mod session;
mod status;
mod trade;
mod valuation;
mod why;

pub(crate) use equity::EquityBody;
pub(crate) use performance::{PerformanceBody, PerformanceTogetherBody};
pub(crate) use plan::{LegBody, PlanBody, PreviewBody, SkippedBody};
pub(crate) use portfolio::PortfolioBody;
pub(crate) use run::RunBody;
pub(crate) use session::{RebalanceBody, TradingSessionAtBody, TradingSessionBody};
pub(crate) use status::TradingStatusBody;
pub(crate) use trade::TradeBody;
pub(crate) use valuation::{PositionBody, PositionsBody, ValuationBody};
pub(crate) use why::ExplainedTradeBody;
