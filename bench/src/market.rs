//! A market that moves all the time, and what the sessions of the benchmark hold of it.
//!
//! It is written as candles, so every process sees the same prices, whenever it was started. Two assets move against each
//! other, one of them at any moment, and never faster than an order can follow; what one minute does, the next does the
//! other way round, so a session that runs every minute finds something to do, too.

use std::collections::BTreeMap;

use domain::trading::Targets;
use domain::trading::market::{Listed, Market, Quote};
use domain::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::error::{BenchError, Result};

pub(crate) const CURRENCY: &str = "USDT";
/// What they cost at the beginning of each minute, in cents.
const BITCOIN: (&str, i64) = ("BTC", 6_000_000);
const ETHER: (&str, i64) = ("ETH", 300_000);
/// Of each of them, and the rest in cash, in hundredths.
const SHARE: i64 = 40;

/// What a request says of them.
pub(crate) fn targets_body() -> Value {
    let share = |hundredths: i64| Decimal::new(hundredths, 2).to_string();
    json!({ BITCOIN.0: share(SHARE), ETHER.0: share(SHARE), CURRENCY: share(100 - 2 * SHARE) })
}

pub(crate) fn targets() -> Result<Targets> {
    let shares = [(BITCOIN.0, SHARE), (ETHER.0, SHARE), (CURRENCY, 100 - 2 * SHARE)];
    let shares = shares.map(|(code, share)| Ok((currency(code)?, Decimal::new(share, 2))));
    Targets::new(shares.into_iter().collect::<Result<_>>()?).map_err(unusable)
}

pub(crate) fn currency(code: &str) -> Result<Currency> {
    Currency::parse(code).map_err(unusable)
}

/// As a process would see it at the beginning of a minute.
pub(crate) fn market(now: Timestamp) -> Result<Market> {
    let listed = [BITCOIN, ETHER].map(|(code, cents)| {
        let price = Decimal::new(cents, 2);
        let asset = currency(code)?;
        let quote = Quote { bid: price, ask: price, as_of: now };
        Ok((asset, Listed { quote, rules: trader::market::rules(asset) }))
    });
    Ok(Market {
        source: "seed".to_owned(),
        currency: currency(CURRENCY)?,
        fee_rate: Decimal::new(1, 3),
        slippage: Decimal::new(5, 3),
        listed: listed.into_iter().collect::<Result<BTreeMap<_, _>>>()?,
    })
}

/// How far prices swing, and where a bitcoin's do it, in hundredths of what things cost at first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Swings {
    pub(crate) by: i64,
    pub(crate) bitcoin_at: i64,
}

impl Swings {
    /// The most there may be: in a second 0.4 %, where an order may be 0.5 % off.
    pub(crate) const BRISK: Self = Self { by: 8, bitcoin_at: 100 };
    /// What an order still follows that is some seconds on its way. Bitcoin has risen, so whoever has some has to sell.
    pub(crate) const CALM: Self = Self { by: 2, bitcoin_at: 105 };
    /// As calm, and it has risen again.
    pub(crate) const RISEN: Self = Self { by: 2, bitcoin_at: 115 };

    /// Two minutes, for ever.
    pub(crate) fn candles(self) -> String {
        let mut lines = vec!["open_time,asset,currency,open,high,low,close".to_owned()];
        let bitcoin = (BITCOIN.0, BITCOIN.1 * self.bitcoin_at / 100);
        for (minute, (asset, cents), path) in [
            (0, bitcoin, Path::DownUpRest),
            (0, ETHER, Path::RestDownUp),
            (60, bitcoin, Path::UpDownRest),
            (60, ETHER, Path::RestUpDown),
        ] {
            let prices = path.candle(cents, cents * self.by / 100);
            let [open, high, low, close] = prices.map(|cents| Decimal::new(cents, 2));
            lines.push(format!("{minute},{asset},{CURRENCY},{open},{high},{low},{close}"));
        }
        lines.join("\n") + "\n"
    }
}

/// What a price does in a minute, in three parts. A candle visits its low first if it does not fall, so those that are to
/// visit their high first fall by a cent.
#[derive(Debug, Clone, Copy)]
enum Path {
    DownUpRest,
    RestDownUp,
    UpDownRest,
    RestUpDown,
}

impl Path {
    /// Open, high, low and close.
    const fn candle(self, price: i64, swing: i64) -> [i64; 4] {
        match self {
            Self::DownUpRest => [price, price, price - swing, price],
            Self::RestDownUp => [price, price, price - swing, price - 1],
            Self::UpDownRest => [price, price + swing, price - 1, price - 1],
            Self::RestUpDown => [price, price + swing, price, price],
        }
    }
}

fn unusable(error: impl std::fmt::Display) -> BenchError {
    BenchError::Unusable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_are_such_that_the_program_takes_them() {
        for swings in [Swings::BRISK, Swings::CALM, Swings::RISEN] {
            let candles = swings.candles();
            assert_eq!(candles.lines().count(), 5);
            trader::market::Candles::parse(&candles).unwrap();
        }
    }

    #[tokio::test]
    async fn no_second_moves_a_price_further_than_an_order_follows() {
        use trader::market::Feed;
        let candles = trader::market::Candles::parse(&Swings::BRISK.candles()).unwrap();
        let (mut before, mut is_still) = (BTreeMap::<Currency, Decimal>::new(), 0);
        for second in 0..=120 {
            let quotes = candles.quotes(Timestamp::from_micros(second * 1_000_000)).await.unwrap();
            let now: BTreeMap<_, _> = quotes[&currency(CURRENCY).unwrap()]
                .iter()
                .map(|(asset, quote)| (*asset, quote.bid))
                .collect();
            for (asset, price) in &before {
                let moved = (now[asset] - price).abs() / price;
                assert!(moved < Decimal::new(45, 4), "{asset} at {second}: {moved}");
            }
            is_still += usize::from(!before.is_empty() && now == before);
            before = now;
        }
        assert_eq!(is_still, 0, "something moves in every second");
    }

    #[test]
    fn what_a_request_says_is_what_is_seeded() {
        assert_eq!(serde_json::to_value(targets().unwrap()).unwrap()["BTC"], "0.4");
        let told: BTreeMap<String, Decimal> = serde_json::from_value(targets_body()).unwrap();
        assert_eq!(told.len(), 3);
        assert_eq!(told.values().sum::<Decimal>(), Decimal::ONE);
        assert_eq!(market(Timestamp::from_micros(1)).unwrap().listed.len(), 2);
    }
}
