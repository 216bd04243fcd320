//! What a session was worth, point by point.

use domain::Timestamp;
use projections::EquityRow;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EquityPoint)]
pub(crate) struct EquityBody {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    #[schema(value_type = String, example = "100500")]
    pub equity: Decimal,
    /// What was put in until then, less what was taken out.
    #[schema(value_type = String, example = "100000")]
    pub capital: Decimal,
    #[schema(value_type = String, example = "40000")]
    pub cash: Decimal,
    #[schema(value_type = String, example = "500")]
    pub unrealised: Decimal,
    #[schema(value_type = String, example = "0")]
    pub realised: Decimal,
    #[schema(value_type = String, example = "60")]
    pub fees: Decimal,
    #[schema(value_type = String, example = "101000")]
    pub high_water: Decimal,
    /// How far it is below that, as a share of it.
    #[schema(value_type = String, example = "0.0049")]
    pub drawdown: Decimal,
    pub position: i64,
}

impl From<EquityRow> for EquityBody {
    fn from(row: EquityRow) -> Self {
        Self {
            at: row.at,
            equity: row.equity,
            capital: row.capital,
            cash: row.cash,
            unrealised: row.unrealised,
            realised: row.realised,
            fees: row.fees,
            high_water: row.high_water,
            drawdown: row.drawdown,
            position: row.position,
        }
    }
}
