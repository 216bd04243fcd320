//! A trade as the contract shows it, in JSON and in CSV.

use crate::output::statement::field;
use domain::trading::{OrderId, Side};
use domain::{Currency, Timestamp, TradingSessionId};
use projections::{TradeRow, TradeType};
use rust_decimal::Decimal;
use serde::Serialize;
use std::fmt::Write;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Trade)]
pub(crate) struct TradeBody {
    pub id: Uuid,
    #[schema(value_type = uuid::Uuid)]
    pub session_id: TradingSessionId,
    pub run_id: Uuid,
    /// Null in a dry run: no order was made.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub order_id: Option<OrderId>,
    /// `manual`, if somebody asked for its run; else `auto`.
    #[schema(value_type = String, example = "auto")]
    pub trade_type: TradeType,
    pub dry_run: bool,
    #[schema(example = "BTCUSDT")]
    pub symbol: String,
    #[schema(value_type = String, example = "buy")]
    pub side: Side,
    #[schema(value_type = String, example = "0.5")]
    pub quantity: Decimal,
    /// The one it was meant to have, where nothing was traded.
    #[schema(value_type = String, example = "61000")]
    pub price: Decimal,
    #[schema(value_type = String, example = "30.5")]
    pub fee: Decimal,
    #[schema(value_type = String, example = "USDT")]
    pub fee_currency: Currency,
    /// What it made, without its fee, in the currency of the session.
    #[schema(value_type = String, example = "0")]
    pub realised: Decimal,
    pub success: bool,
    #[schema(example = "insufficient_balance")]
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    pub position: i64,
}

impl From<TradeRow> for TradeBody {
    fn from(row: TradeRow) -> Self {
        Self {
            id: row.trade_id,
            session_id: row.session_id,
            run_id: row.run_id,
            order_id: row.order_id,
            trade_type: row.trade_type,
            dry_run: row.dry_run,
            symbol: row.symbol,
            side: row.side,
            quantity: row.quantity,
            price: row.price,
            fee: row.fee,
            fee_currency: row.fee_currency,
            realised: row.realised,
            success: row.success,
            error_code: row.error_code,
            error_message: row.error_message,
            recorded_at: row.recorded_at,
            position: row.position,
        }
    }
}

impl TradeBody {
    pub(crate) const CSV_HEAD: &'static str = "recorded_at,id,session_id,run_id,trade_type,dry_run,symbol,side,quantity,\
        price,fee,fee_currency,realised,success,error_code,error_message,position\r\n";

    /// Texts from outside are quoted, and never formulas.
    pub(crate) fn write_csv(&self, to: &mut String) {
        let text = |text: Option<&str>| text.map(field).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = write!(
            to,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
            self.recorded_at,
            self.id,
            self.session_id,
            self.run_id,
            self.trade_type.as_str(),
            self.dry_run,
            field(&self.symbol),
            self.side.as_str(),
            self.quantity,
            self.price,
            self.fee,
            self.fee_currency,
            self.realised,
            self.success,
            text(self.error_code.as_deref()),
            text(self.error_message.as_deref()),
            self.position,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_as_many_columns_as_the_head_and_no_formula() {
        let trade = TradeBody {
            id: Uuid::nil(),
            session_id: TradingSessionId(Uuid::nil()),
            run_id: Uuid::nil(),
            order_id: None,
            trade_type: TradeType::Auto,
            dry_run: false,
            symbol: "BTCUSDT".to_owned(),
            side: Side::Sell,
            quantity: Decimal::new(5, 1),
            price: Decimal::new(61_000, 0),
            fee: Decimal::new(305, 1),
            fee_currency: Currency::USDT,
            realised: Decimal::new(-15, 1),
            success: false,
            error_code: Some("rejected".to_owned()),
            error_message: Some("=HYPERLINK(\"x\")".to_owned()),
            recorded_at: Timestamp::from_micros(0),
            position: 7,
        };
        let mut line = String::new();
        trade.write_csv(&mut line);
        assert_eq!(line.split(',').count(), TradeBody::CSV_HEAD.split(',').count());
        assert!(line.ends_with(",false,\"rejected\",\"'=HYPERLINK(\"\"x\"\")\",7\r\n"), "{line}");
        assert!(line.contains(",sell,0.5,61000,30.5,USDT,-1.5,"), "{line}");
    }
}
