//! Prices that walk about, and are a pure function of a seed and the time.
//!
//! Each price is that of the table times one plus noise: some octaves of it, from a month to ten seconds, each a smooth
//! curve through hashed points, in whole numbers throughout. So every process and every start sees the same prices
//! without talking to another, and any moment can be looked at, past or future.

use super::assets::{Asset, TABLE};
use super::{Feed, FeedError, Quotes, cross};
use crate::{hash, tick};
use async_trait::async_trait;
use domain::trading::exact::Inexact;
use domain::trading::market::Quote;
use domain::{Currency, Timestamp};
use rust_decimal::Decimal;

/// Periods in seconds. How far each swings goes with the root of it, as a random walk's distance does.
const OCTAVES: [i64; 8] = [30 * DAY, 7 * DAY, DAY, DAY / 4, DAY / 24, 600, 60, 10];
const DAY: i64 = 86_400;
/// Millionths of the price, per root of a second: some three per cent in a day.
const SWING: i64 = 100;
/// Noise is between minus and plus this.
const ONE: i64 = 1 << 20;
/// Of `Asset::swing`, of `SWING`, and of noise.
const UNIT: i128 = 10 * 1_000_000 * (1 << 20);

#[derive(Debug)]
pub struct Walk {
    name: String,
    seed: u64,
}

impl Walk {
    pub fn new(seed: u64) -> Self {
        Self { name: format!("walk:{seed}"), seed }
    }

    fn quote(&self, asset: &Asset, second: i64) -> Result<Quote, Inexact> {
        let middle = self.middle(asset, second).ok_or(Inexact)?;
        let (bid, ask) = tick::around(middle, asset.half_spread(), asset.tick())?;
        Ok(Quote { bid, ask, as_of: Timestamp::from_micros(second * 1_000_000) })
    }

    fn middle(&self, asset: &Asset, second: i64) -> Option<Decimal> {
        let key = hash::named(self.seed, asset.code.as_bytes());
        let swings = OCTAVES.iter().map(|period| {
            let key = hash::mixed(key ^ period.cast_unsigned());
            i128::from(SWING * period.isqrt() * noise(key, *period, second))
        });
        let swung: i128 = swings.sum();
        // From millionths to eight decimals.
        let moved = i128::from(asset.base) * 100 * (UNIT + i128::from(asset.swing) * swung) / UNIT;
        Some(Decimal::new(i64::try_from(moved).ok()?, 8))
    }
}

/// A smooth curve through a random point at every multiple of the period.
fn noise(key: u64, period: i64, second: i64) -> i64 {
    let (index, along) = (second.div_euclid(period), second.rem_euclid(period) * ONE / period);
    let (from, to) = (point(key, index), point(key, index + 1));
    from + (to - from) * smooth(along) / ONE
}

/// From nothing to one, level at both ends.
const fn smooth(along: i64) -> i64 {
    (along * along / ONE) * (3 * ONE - 2 * along) / ONE
}

const fn point(key: u64, index: i64) -> i64 {
    // 21 bits.
    (hash::mixed(key ^ hash::mixed(index.cast_unsigned())) >> 43).cast_signed() - ONE
}

#[async_trait]
impl Feed for Walk {
    fn name(&self) -> &str {
        &self.name
    }

    async fn quotes(&self, now: Timestamp) -> Result<Quotes, FeedError> {
        let second = now.as_seconds();
        let quoted = TABLE.iter().filter_map(|asset| {
            let quote = self.quote(asset, second).ok()?;
            Some((asset.currency()?, quote))
        });
        Ok(cross::completed([(Currency::USDT, quoted.collect())].into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::assets::rules;
    use super::*;
    use proptest::prelude::*;

    fn of(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    async fn quotes(seed: u64, micros: i64) -> Quotes {
        Walk::new(seed).quotes(Timestamp::from_micros(micros)).await.unwrap()
    }

    #[tokio::test]
    async fn two_processes_see_the_same_prices_in_the_same_second() {
        let noon = 1_800_000_000_000_000;
        assert_eq!(quotes(7, noon).await, quotes(7, noon + 999_999).await);
        assert_ne!(quotes(7, noon).await, quotes(8, noon).await);
        let (now, then) = (quotes(7, noon).await, quotes(7, noon + 30_000_000).await);
        assert_ne!(now[&of("USDT")][&of("BTC")].bid, then[&of("USDT")][&of("BTC")].bid);
    }

    /// Whoever changes how prices come about changes what every replay of a walk says.
    #[tokio::test]
    async fn a_price_of_then_never_changes() {
        let quotes = quotes(0, 1_800_000_000_000_000).await;
        let bitcoin = &quotes[&of("USDT")][&of("BTC")];
        assert_eq!(
            (bitcoin.bid.to_string(), bitcoin.ask.to_string()),
            ("68784.89".into(), "68791.78".into())
        );
    }

    #[tokio::test]
    async fn every_asset_is_quoted_in_every_currency() {
        let quotes = quotes(0, 1_800_000_000_000_000).await;
        assert_eq!(quotes.len(), 4);
        for code in ["USDT", "USDC", "USD", "EUR"] {
            let itself = usize::from(TABLE.iter().any(|asset| asset.code == code));
            assert_eq!(quotes[&of(code)].len(), TABLE.len() - itself, "{code}");
        }
    }

    proptest! {
        #[test]
        fn a_quote_is_sound_in_whole_ticks_and_near_its_base(
            seed: u64, second in 0_i64..10_000_000_000, index in 0..TABLE.len()
        ) {
            let asset = &TABLE[index];
            let quote = Walk::new(seed).quote(asset, second).unwrap();
            let tick = rules(asset.currency().unwrap()).tick;
            prop_assert!(quote.is_sound() && quote.ask > quote.bid);
            prop_assert_eq!(tick::down(quote.bid, tick).unwrap(), quote.bid);
            prop_assert_eq!(tick::up(quote.ask, tick).unwrap(), quote.ask);
            let base = Decimal::new(asset.base, 6);
            prop_assert!(quote.bid > base / Decimal::from(4) && quote.ask < base * Decimal::from(2));
        }

        #[test]
        fn a_price_moves_little_from_one_second_to_the_next(seed: u64, second in 0_i64..10_000_000_000) {
            let walk = Walk::new(seed);
            let (now, then) = (walk.middle(&TABLE[0], second).unwrap(), walk.middle(&TABLE[0], second + 1).unwrap());
            prop_assert!((now - then).abs() / now < Decimal::new(3, 3));
        }
    }
}
