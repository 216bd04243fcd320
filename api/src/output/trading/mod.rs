//! What is shown of trading: sessions, what they hold, do and did.

mod plan;
mod session;
mod status;
mod valuation;

pub(crate) use plan::{LegBody, PreviewBody, SkippedBody};
pub(crate) use session::{RebalanceBody, TradingSessionAtBody, TradingSessionBody};
pub(crate) use status::TradingStatusBody;
pub(crate) use valuation::{PositionBody, PositionsBody, ValuationBody};
