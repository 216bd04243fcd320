//! One-minute candles from a file, replayed against the clock, again and again.
//!
//! Where in the file it is follows from the time alone, so every process is at the same place. Within its minute a candle
//! goes from open over both extremes to close. A minute that is missing is a price that stays and grows old.

use super::scripted::Price;
use super::{Feed, FeedError, Quotes, assets, cross};
use crate::tick;
use async_trait::async_trait;
use domain::trading::exact::{self, DECIMALS, Inexact};
use domain::trading::market::{ASSETS_MAX, Quote};
use domain::{Currency, Timestamp};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::path::Path;

const NAME: &str = "candles";
const SAMPLE: &str = include_str!("../../data/candles.csv");
const COLUMNS: &str = "open_time,asset,currency,open,high,low,close";
/// Some weeks of ten pairs. All of it is in memory.
const BYTES_MAX: u64 = 64 << 20;
const MINUTE: i64 = 60;
/// A candle's path has three parts of so many seconds.
const PART: i64 = 20;
/// What candles do not tell: a basis point on either side.
const HALF_SPREAD: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

#[derive(Debug)]
pub struct Candles {
    /// The first minute there is, counted from 1970, and how many there are until the last.
    first: i64,
    minutes: i64,
    /// By currency, asset and minute.
    pairs: BTreeMap<Currency, BTreeMap<Currency, BTreeMap<i64, Candle>>>,
}

#[derive(Clone, Copy, Debug)]
struct Candle {
    open: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
}

impl Candles {
    /// Those that come with the program.
    pub fn sample() -> Result<Self, FeedError> {
        Self::parse(SAMPLE).map_err(|flaw| FeedError::Malformed { path: "the sample".to_owned(), flaw })
    }

    pub fn open(path: &Path) -> Result<Self, FeedError> {
        let shown = path.display().to_string();
        let unreadable = |cause| FeedError::Unreadable { path: shown.clone(), cause };
        let malformed = |flaw| FeedError::Malformed { path: shown.clone(), flaw };
        if std::fs::metadata(path).map_err(unreadable)?.len() > BYTES_MAX {
            return Err(malformed(format!("more than {BYTES_MAX} bytes")));
        }
        Self::parse(&std::fs::read_to_string(path).map_err(unreadable)?).map_err(malformed)
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        if lines.next().is_none_or(|(_, columns)| columns != COLUMNS) {
            return Err(format!("the columns are not {COLUMNS}"));
        }
        let mut candles = Self { first: i64::MAX, minutes: 0, pairs: BTreeMap::new() };
        let mut last = i64::MIN;
        for (number, line) in lines {
            let (minute, asset, currency, candle) =
                row(line).ok_or_else(|| format!("line {number} is no candle: {line}"))?;
            candles.first = candles.first.min(minute);
            last = last.max(minute);
            let assets = candles.pairs.entry(currency).or_default();
            assets.entry(asset).or_default().insert(minute, candle);
            if assets.len() > ASSETS_MAX {
                return Err(format!("more than {ASSETS_MAX} assets in {currency}"));
            }
        }
        if candles.pairs.is_empty() {
            return Err("there is no candle".to_owned());
        }
        candles.minutes = last - candles.first + 1;
        Ok(candles)
    }

    fn quote(&self, asset: Currency, candles: &BTreeMap<i64, Candle>, second: i64) -> Option<Quote> {
        let into = second.rem_euclid(self.minutes * MINUTE);
        let now = self.first + into / MINUTE;
        let (minute, candle) = candles.range(..=now).next_back()?;
        let (middle, age) = if *minute == now {
            (candle.at(into % MINUTE).ok()?, 0)
        } else {
            (candle.close, into - (minute + 1 - self.first) * MINUTE)
        };
        let (bid, ask) = tick::around(middle, HALF_SPREAD, assets::rules(asset).tick).ok()?;
        Some(Quote { bid, ask, as_of: Timestamp::from_micros((second - age) * 1_000_000) })
    }
}

impl Candle {
    /// So many seconds after its minute began. One that rises visits its low first.
    fn at(&self, second: i64) -> Result<Decimal, Inexact> {
        let (early, late) =
            if self.close >= self.open { (self.low, self.high) } else { (self.high, self.low) };
        let (from, to) = match second / PART {
            0 => (self.open, early),
            1 => (early, late),
            _ => (late, self.close),
        };
        let moved = exact::mul(exact::sub(to, from)?, Decimal::from(second % PART))?;
        exact::add(from, exact::div_floor(moved, Decimal::from(PART), DECIMALS)?)
    }
}

fn row(line: &str) -> Option<(i64, Currency, Currency, Candle)> {
    let mut fields = line.split(',');
    let seconds: i64 = fields.next()?.parse().ok()?;
    let (asset, currency) = (fields.next()?, fields.next()?);
    let mut price = || Some(Price::parse(fields.next()?)?.value());
    let candle = Candle { open: price()?, high: price()?, low: price()?, close: price()? };
    let within = |price| (candle.low..=candle.high).contains(&price);
    let is_one =
        fields.next().is_none() && seconds % MINUTE == 0 && within(candle.open) && within(candle.close);
    let (asset, currency) = (Currency::parse(asset).ok()?, Currency::parse(currency).ok()?);
    (is_one && asset != currency).then_some((seconds / MINUTE, asset, currency, candle))
}

#[async_trait]
impl Feed for Candles {
    fn name(&self) -> &str {
        NAME
    }

    async fn quotes(&self, now: Timestamp) -> Result<Quotes, FeedError> {
        let second = now.as_seconds();
        let quoted = |(currency, assets): (&Currency, &BTreeMap<Currency, BTreeMap<i64, Candle>>)| {
            let quotes = assets.iter().filter_map(|(asset, candles)| {
                let quote = self.quote(*asset, candles, second)?;
                Some((*asset, quote))
            });
            (*currency, quotes.collect())
        };
        Ok(cross::completed(self.pairs.iter().map(quoted).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: &str = "# of nobody\nopen_time,asset,currency,open,high,low,close\n\
        600,BTC,USDT,100,130,90,120\n\
        600,ETH,USDT,10,10,10,10\n\
        660,ETH,USDT,10,12,8,8\n\
        720,BTC,USDT,120,120,120,120\n";

    async fn at(candles: &Candles, second: i64) -> BTreeMap<Currency, Quote> {
        let quotes = candles.quotes(Timestamp::from_micros(second * 1_000_000 + 5)).await.unwrap();
        quotes[&Currency::USDT].clone()
    }

    fn of(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    #[tokio::test]
    async fn a_candle_visits_both_extremes_and_the_file_begins_again() {
        let candles = Candles::parse(THREE).unwrap();
        // Three minutes: 1,800 s after 1970 a round begins.
        for (second, bid) in
            [(0, "99.99"), (10, "94.99"), (20, "89.99"), (40, "129.98"), (50, "124.98"), (180, "99.99")]
        {
            assert_eq!(at(&candles, 1_800 + second).await[&of("BTC")].bid.to_string(), bid, "{second}");
        }
    }

    #[tokio::test]
    async fn a_missing_minute_is_a_price_that_grows_old() {
        let candles = Candles::parse(THREE).unwrap();
        let quote = at(&candles, 1_800 + 90).await[&of("BTC")].clone();
        assert_eq!((quote.as_of.as_seconds(), quote.bid.to_string()), (1_800 + 60, "119.98".to_owned()));
        let quote = at(&candles, 1_800 + 125).await[&of("ETH")].clone();
        assert_eq!((quote.as_of.as_seconds(), quote.bid.to_string()), (1_800 + 120, "7.99".to_owned()));
    }

    #[tokio::test]
    async fn the_sample_quotes_ten_assets_and_more_in_four_currencies() {
        let candles = Candles::sample().unwrap();
        for second in [0, 3_599, 1_800_000_000] {
            let quotes = candles.quotes(Timestamp::from_micros(second * 1_000_000)).await.unwrap();
            for code in ["BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOGE", "LTC", "LINK", "DOT"] {
                for currency in ["USDT", "USDC", "USD", "EUR"] {
                    let quote = &quotes[&of(currency)][&of(code)];
                    assert!(quote.is_sound() && quote.as_of.as_seconds() == second, "{code} {currency}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_file_of_candles_says_why() {
        let with = |row: &str| format!("{COLUMNS}\n{row}\n");
        for (text, why) in [
            (String::new(), "the columns are not"),
            (with(""), "there is no candle"),
            (with("61,BTC,USDT,1,1,1,1"), "line 2"),
            (with("60,BTC,USDT,1,1,1"), "line 2"),
            (with("60,BTC,USDT,1,1,1,1,1"), "line 2"),
            (with("60,BTC,USDT,3,2,1,1"), "line 2"),
            (with("60,BTC,BTC,1,1,1,1"), "line 2"),
            (with("60,BTC,USDT,1e3,1e3,1,1"), "line 2"),
        ] {
            let error = Candles::parse(&text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
