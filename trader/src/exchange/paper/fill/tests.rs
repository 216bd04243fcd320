//! Trades on paper: never better than the quote, never beyond the limit, by the rules.

use super::super::examples::{NOW, bitcoin, d, intent, market};
use super::*;
use proptest::prelude::*;
use std::time::Duration;

fn rejection(priced: Result<Priced, Submitted>) -> String {
    match priced.unwrap_err() {
        Submitted::Rejected { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

const DEFAULT: Model = Model { slippage: SLIPPAGE, fee_in: FeeIn::Quote };

#[test]
fn a_buyer_pays_more_than_the_ask_and_a_seller_gets_less_than_the_bid() {
    let market = market("100", "100.1");
    let bought = price(&intent(Side::Buy, "2", "101"), &market, DEFAULT, NOW).unwrap();
    assert_eq!((bought.price, bought.fee, bought.fee_asset), (d("100.13"), d("0.20026"), Currency::USDT));
    let sold = price(&intent(Side::Sell, "2", "99"), &market, DEFAULT, NOW).unwrap();
    assert_eq!((sold.price, sold.fee), (d("99.98"), d("0.19996")));
    let quote = FillQuote { bid: d("100"), ask: d("100.1"), as_of: NOW, source: "script".to_owned() };
    assert_eq!(sold.quote, quote);
}

#[test]
fn of_one_bitcoin_a_little_less_arrives_where_the_fee_is_taken_from_it() {
    let model = Model { fee_in: FeeIn::Base, ..DEFAULT };
    let market = market("100", "100");
    let bought = price(&intent(Side::Buy, "1", "101"), &market, model, NOW).unwrap();
    assert_eq!((bought.fee, bought.fee_asset, bought.fee_in_quote), (d("0.001"), bitcoin(), d("0.10002")));
    let sold = price(&intent(Side::Sell, "1", "99"), &market, model, NOW).unwrap();
    assert_eq!(sold.fee_asset, Currency::USDT);
}

#[test]
fn a_limit_is_a_limit() {
    let market = market("100", "100");
    assert_eq!(rejection(price(&intent(Side::Buy, "1", "100.01"), &market, DEFAULT, NOW)), "price_moved");
    assert!(price(&intent(Side::Buy, "1", "100.02"), &market, DEFAULT, NOW).is_ok());
    assert_eq!(rejection(price(&intent(Side::Sell, "1", "99.99"), &market, DEFAULT, NOW)), "price_moved");
    assert!(price(&intent(Side::Sell, "1", "99.98"), &market, DEFAULT, NOW).is_ok());
}

#[test]
fn an_order_has_to_obey_the_rules() {
    let market = market("100", "100");
    for (quantity, limit, code) in [
        ("0", "101", "lot_size"),
        ("0.0015", "101", "lot_size"),
        ("100.001", "101", "lot_size"),
        ("1", "101.001", "price_filter"),
        ("1", "0", "price_filter"),
        ("0.049", "101", "notional"),
        ("99", "20000", "notional"),
    ] {
        let priced = price(&intent(Side::Buy, quantity, limit), &market, DEFAULT, NOW);
        assert_eq!(rejection(priced), code, "{quantity} at {limit}");
    }
}

#[test]
fn nothing_trades_at_an_old_price_or_without_one() {
    let mut market = market("100", "100");
    let order = intent(Side::Buy, "1", "101");
    let later = NOW.plus(QUOTE_AGE_MAX + Duration::from_secs(1));
    assert_eq!(rejection(price(&order, &market, DEFAULT, later)), "price_stale");
    market.listed.clear();
    assert_eq!(rejection(price(&order, &market, DEFAULT, NOW)), "invalid_symbol");
}

proptest! {
    #[test]
    fn a_trade_is_never_better_than_its_quote_nor_beyond_its_limit(
        bid in 1_i64..10_000_000_000, spread in 0_i64..1_000_000, quantity in 1_i64..100_000,
        limit in 1_i64..1_200_000, slippage in 0_i64..100, buys: bool, in_base: bool
    ) {
        let mut market = market("1", "1");
        let listed = market.listed.get_mut(&bitcoin()).unwrap();
        listed.quote.bid = Decimal::new(bid, 6);
        listed.quote.ask = Decimal::new(bid + spread, 6);
        let (bid, ask) = (listed.quote.bid, listed.quote.ask);
        let side = if buys { Side::Buy } else { Side::Sell };
        let mut order = intent(side, "1", "1");
        order.quantity = Decimal::new(quantity, 3);
        order.limit_price = Decimal::new(limit, 2);
        let fee_in = if in_base { FeeIn::Base } else { FeeIn::Quote };
        let model = Model { slippage: Decimal::new(slippage, 4), fee_in };
        if let Ok(trade) = price(&order, &market, model, NOW) {
            prop_assert_eq!(tick::down(trade.price, d("0.01")).unwrap(), trade.price);
            prop_assert!(trade.price > Decimal::ZERO);
            match side {
                Side::Buy => prop_assert!(trade.price >= ask && trade.price <= order.limit_price),
                Side::Sell => prop_assert!(trade.price <= bid && trade.price >= order.limit_price),
            }
            prop_assert_eq!(trade.quantity, order.quantity);
            prop_assert!(trade.fee_in_quote >= trade.price * trade.quantity * market.fee_rate);
            prop_assert!(trade.fee.scale() <= DECIMALS);
        }
    }
}
