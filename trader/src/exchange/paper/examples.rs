//! Orders and markets for tests.

use domain::trading::market::{Listed, Market, Quote, Rules};
use domain::trading::{Intent, OrderId, Side};
use domain::{Currency, Timestamp};
use rust_decimal::Decimal;
use std::time::Duration;
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

pub(crate) fn d(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

pub(crate) fn bitcoin() -> Currency {
    Currency::parse("BTC").unwrap()
}

pub(crate) fn intent(side: Side, quantity: &str, limit: &str) -> Intent {
    let run_id = Uuid::from_u128(7);
    Intent {
        order_id: OrderId::of(run_id, 0),
        run_id,
        leg: 0,
        symbol: "BTCUSDT".to_owned(),
        asset: bitcoin(),
        side,
        quantity: d(quantity),
        limit_price: d(limit),
        expected_price: d(limit),
        expected_fee: Decimal::ZERO,
        valid_until: NOW.plus(Duration::from_secs(5)),
    }
}

pub(crate) fn market(bid: &str, ask: &str) -> Market {
    let quote = Quote { bid: d(bid), ask: d(ask), as_of: NOW };
    let rules = Rules {
        step: d("0.001"),
        tick: d("0.01"),
        min_quantity: d("0.001"),
        max_quantity: Some(d("100")),
        min_notional: d("5"),
        max_notional: Some(d("1000000")),
    };
    Market {
        source: "script".to_owned(),
        currency: Currency::USDT,
        fee_rate: d("0.001"),
        slippage: d("0.005"),
        listed: [(bitcoin(), Listed { quote, rules })].into(),
    }
}
