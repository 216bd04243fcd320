//! How a session has done, or all of somebody's.

use domain::trading::performance::Performance;
use domain::user::TradingMode;
use domain::{Currency, Timestamp, TradingSessionId};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

/// What cannot be said is null: a ratio over nothing, a year told from an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Figures)]
pub(crate) struct FiguresBody {
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    #[schema(value_type = Option<String>, example = "100000")]
    pub opening_equity: Option<Decimal>,
    #[schema(value_type = Option<String>, example = "100500")]
    pub closing_equity: Option<Decimal>,
    /// What was put in since, less what was taken out.
    #[schema(value_type = Option<String>, example = "0")]
    pub net_flow: Option<Decimal>,
    /// Closing less opening equity, less what came in.
    #[schema(value_type = Option<String>, example = "500")]
    pub profit: Option<Decimal>,
    #[schema(value_type = String, example = "60")]
    pub fees: Decimal,
    /// Time-weighted: money that comes or goes is no gain and no loss.
    #[schema(value_type = Option<String>, example = "0.005")]
    pub total_return: Option<Decimal>,
    /// What a year of the same would return, from one day on.
    #[schema(value_type = Option<String>)]
    pub annual_return: Option<Decimal>,
    #[schema(value_type = Option<String>, example = "0.0049")]
    pub max_drawdown: Option<Decimal>,
    #[schema(value_type = Option<String>, example = "0")]
    pub current_drawdown: Option<Decimal>,
    /// How many returns the next two rest on.
    pub daily_returns: usize,
    #[schema(value_type = Option<String>)]
    pub sharpe: Option<Decimal>,
    #[schema(value_type = Option<String>)]
    pub sortino: Option<Decimal>,
    #[schema(value_type = Option<String>)]
    pub calmar: Option<Decimal>,
    /// Those that took a profit or a loss.
    pub trades: usize,
    pub wins: usize,
    pub losses: usize,
    #[schema(value_type = Option<String>, example = "0.6")]
    pub win_rate: Option<Decimal>,
    /// All that was won by all that was lost.
    #[schema(value_type = Option<String>)]
    pub profit_factor: Option<Decimal>,
    /// What a trade brings on average.
    #[schema(value_type = Option<String>)]
    pub expectancy: Option<Decimal>,
    #[schema(value_type = Option<String>)]
    pub expectancy_ratio: Option<Decimal>,
}

impl From<Performance> for FiguresBody {
    fn from(performance: Performance) -> Self {
        Self {
            from: performance.from,
            until: performance.until,
            opening_equity: performance.opening_equity,
            closing_equity: performance.closing_equity,
            net_flow: performance.net_flow,
            profit: performance.profit,
            fees: performance.fees,
            total_return: performance.total_return,
            annual_return: performance.annual_return,
            max_drawdown: performance.max_drawdown,
            current_drawdown: performance.current_drawdown,
            daily_returns: performance.daily_returns,
            sharpe: performance.sharpe,
            sortino: performance.sortino,
            calmar: performance.calmar,
            trades: performance.trades,
            wins: performance.wins,
            losses: performance.losses,
            win_rate: performance.win_rate,
            profit_factor: performance.profit_factor,
            expectancy: performance.expectancy,
            expectancy_ratio: performance.expectancy_ratio,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Performance)]
pub(crate) struct PerformanceBody {
    #[schema(value_type = uuid::Uuid)]
    pub session_id: TradingSessionId,
    #[schema(value_type = String, example = "USDT")]
    pub currency: Currency,
    #[serde(flatten)]
    pub figures: FiguresBody,
    pub position: i64,
}

/// All sessions of one kind in one currency, as if they were one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PerformanceTogether)]
pub(crate) struct PerformanceTogetherBody {
    /// `paper` and `live` are never taken together.
    #[schema(value_type = String, example = "paper")]
    pub mode: TradingMode,
    #[schema(value_type = String, example = "USDT")]
    pub currency: Currency,
    pub sessions: usize,
    #[serde(flatten)]
    pub figures: FiguresBody,
}
