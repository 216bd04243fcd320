//! Prices as somebody wrote them down: in a file that may be edited while everything runs, or in memory, for tests.
//!
//! The file is read again for every answer, so there is no change that goes unnoticed, and a file that cannot be
//! understood is a feed that fails. What a script does not say is not quoted, in any currency.

use super::{Feed, FeedError, Quotes};
use async_trait::async_trait;
use domain::trading::exact::{DECIMALS, WHOLE_MAX};
use domain::trading::market::{ASSETS_MAX, Quote};
use domain::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;

const NAME: &str = "script";
/// Read every second: tens of thousands of steps fit.
const BYTES_MAX: u64 = 1 << 20;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What `after_s` counts from: if it is missing, when the file was written.
    #[serde(default)]
    pub start: Option<Timestamp>,
    #[serde(default)]
    pub prices: Prices,
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// By currency and asset. Nothing: from now on it has no price.
type Prices = BTreeMap<Currency, BTreeMap<Currency, Option<Priced>>>;

/// What is different from some moment on. That is said in one way or the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    #[serde(default)]
    pub after_s: Option<u64>,
    #[serde(default)]
    pub at: Option<Timestamp>,
    pub prices: Prices,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "a price is a string, or {bid, ask} with perhaps as_of")]
pub enum Priced {
    /// For buyers and sellers alike.
    Middle(Price),
    Sides {
        bid: Price,
        ask: Price,
        /// Now, unless the script says since when it has been so.
        #[serde(default)]
        as_of: Option<Timestamp>,
    },
}

/// Above zero, with as many decimals as prices have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Price(Decimal);

impl Price {
    pub fn parse(text: &str) -> Option<Self> {
        let price = Decimal::from_str_exact(text).ok()?.normalize();
        let is_one = price > Decimal::ZERO && price.scale() <= DECIMALS && price <= Decimal::from(WHOLE_MAX);
        is_one.then_some(Self(price))
    }

    pub const fn value(self) -> Decimal {
        self.0
    }
}

impl TryFrom<String> for Price {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
            .ok_or_else(|| format!("{text:?} is no price: above 0, at most {DECIMALS} decimals"))
    }
}

impl Priced {
    fn quote(self, now: Timestamp) -> Quote {
        match self {
            Self::Middle(Price(price)) => Quote { bid: price, ask: price, as_of: now },
            Self::Sides { bid, ask, as_of } => Quote { bid: bid.0, ask: ask.0, as_of: as_of.unwrap_or(now) },
        }
    }
}

impl Script {
    pub fn parse(text: &str) -> Result<Self, String> {
        let script: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for step in &script.steps {
            if step.after_s.is_some() == step.at.is_some() {
                return Err("a step has either after_s or at".to_owned());
            }
        }
        for (currency, prices) in
            script.steps.iter().map(|step| &step.prices).chain([&script.prices]).flatten()
        {
            if prices.len() > ASSETS_MAX {
                return Err(format!("more than {ASSETS_MAX} assets in {currency}"));
            }
            let crossed = |priced: &Priced| matches!(priced, Priced::Sides { bid, ask, .. } if bid.0 > ask.0);
            if let Some((asset, _)) = prices.iter().find(|(_, priced)| priced.as_ref().is_some_and(crossed)) {
                return Err(format!("{asset} in {currency}: the bid is above the ask"));
            }
        }
        Ok(script)
    }

    /// What it says at a moment, if it began at another one.
    pub fn quotes(&self, start: Timestamp, now: Timestamp) -> Quotes {
        let start = self.start.unwrap_or(start);
        let moment = |step: &Step| {
            step.at.unwrap_or_else(|| start.plus(Duration::from_secs(step.after_s.unwrap_or(0))))
        };
        let mut steps: Vec<_> = self.steps.iter().map(|step| (moment(step), &step.prices)).collect();
        // Stable: of two at the same moment the later one in the file has the last word.
        steps.sort_by_key(|(moment, _)| *moment);
        let passed = steps.into_iter().filter(|(moment, _)| *moment <= now).map(|(_, prices)| prices);
        let mut said: BTreeMap<Currency, BTreeMap<Currency, Priced>> = BTreeMap::new();
        for (currency, prices) in std::iter::once(&self.prices).chain(passed).flatten() {
            let said = said.entry(*currency).or_default();
            for (asset, priced) in prices {
                match priced {
                    Some(priced) => said.insert(*asset, *priced),
                    None => said.remove(asset),
                };
            }
        }
        let quotes = |prices: BTreeMap<Currency, Priced>| {
            prices.into_iter().map(|(asset, priced)| (asset, priced.quote(now))).collect()
        };
        said.into_iter().map(|(currency, prices)| (currency, quotes(prices))).collect()
    }
}

/// A script that is read by whoever polls it, and changed by whoever holds a clone of it.
#[derive(Clone, Debug)]
pub struct Scripted(Source);

#[derive(Clone, Debug)]
enum Source {
    File(PathBuf),
    Memory(Arc<Mutex<Memory>>),
}

#[derive(Debug)]
struct Memory {
    script: Script,
    start: Timestamp,
    failure: Option<String>,
}

impl Scripted {
    pub fn file(path: &Path) -> Self {
        Self(Source::File(path.to_owned()))
    }

    pub fn memory(script: Script, start: Timestamp) -> Self {
        Self(Source::Memory(Arc::new(Mutex::new(Memory { script, start, failure: None }))))
    }

    /// From the next poll on; nothing takes the price away. A script in a file is changed by writing the file.
    pub fn set(&self, asset: Currency, currency: Currency, price: Option<Priced>) {
        self.change(|memory| {
            memory.script.prices.entry(currency).or_default().insert(asset, price);
        });
    }

    /// From the next poll on there is no answer, or there is one again.
    pub fn fail(&self, cause: Option<&str>) {
        self.change(|memory| memory.failure = cause.map(str::to_owned));
    }

    fn change(&self, change: impl FnOnce(&mut Memory)) {
        if let Source::Memory(memory) = &self.0 {
            change(&mut lock(memory));
        }
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What stands in the file, and since when.
async fn read(path: &Path) -> Result<(Script, Timestamp), FeedError> {
    let shown = path.display().to_string();
    let unreadable = |cause| FeedError::Unreadable { path: shown.clone(), cause };
    let malformed = |flaw| FeedError::Malformed { path: shown.clone(), flaw };
    let metadata = tokio::fs::metadata(path).await.map_err(unreadable)?;
    if metadata.len() > BYTES_MAX {
        return Err(malformed(format!("more than {BYTES_MAX} bytes")));
    }
    let text = tokio::fs::read_to_string(path).await.map_err(unreadable)?;
    let script = Script::parse(&text).map_err(malformed)?;
    let written = metadata.modified().map_err(unreadable)?;
    Ok((script, OffsetDateTime::from(written).into()))
}

#[async_trait]
impl Feed for Scripted {
    fn name(&self) -> &str {
        NAME
    }

    async fn quotes(&self, now: Timestamp) -> Result<Quotes, FeedError> {
        match &self.0 {
            Source::File(path) => {
                let (script, start) = read(path).await?;
                Ok(script.quotes(start, now))
            }
            Source::Memory(memory) => {
                let memory = lock(memory);
                match &memory.failure {
                    Some(cause) => Err(FeedError::Unavailable(cause.clone())),
                    None => Ok(memory.script.quotes(memory.start, now)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn bids(quotes: &Quotes) -> String {
        let usdt = quotes.get(&Currency::USDT).into_iter().flatten();
        usdt.map(|(asset, quote)| format!("{asset} {}", quote.bid)).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn steps_change_what_they_name_when_their_moment_has_come() {
        let script = Script::parse(
            r#"{"prices": {"USDT": {"BTC": "65000", "ETH": {"bid": "3199.9", "ask": "3200.1"}}},
                "steps": [{"at": "1970-01-01T00:02:00Z", "prices": {"USDT": {"BTC": null}}},
                          {"after_s": 60, "prices": {"USDT": {"BTC": "58000"}}}]}"#,
        )
        .unwrap();
        let shown = |second| bids(&script.quotes(at(10), at(second)));
        assert_eq!(shown(69), "BTC 65000, ETH 3199.9");
        assert_eq!(shown(70), "BTC 58000, ETH 3199.9");
        assert_eq!(shown(120), "ETH 3199.9");
    }

    #[test]
    fn a_price_may_be_said_to_be_old() {
        let text =
            r#"{"prices": {"USDT": {"BTC": {"bid": "1", "ask": "2", "as_of": "1970-01-01T00:00:05Z"}}}}"#;
        let quotes = Script::parse(text).unwrap().quotes(at(0), at(100));
        assert_eq!(quotes[&Currency::USDT].values().next().unwrap().as_of, at(5));
    }

    #[test]
    fn what_is_no_script_says_why() {
        for (text, why) in [
            ("{", "EOF"),
            (r#"{"prices": {"USDT": {"BTC": 65000.1}}}"#, "a price is a string"),
            (r#"{"prices": {"USDT": {"BTC": "-1"}}}"#, "a price is a string"),
            (r#"{"prices": {"USDT": {"NOPE": "1"}}}"#, "not a known currency"),
            (r#"{"prices": {"USDT": {"BTC": {"bid": "2", "ask": "1"}}}}"#, "the bid is above the ask"),
            (r#"{"steps": [{"prices": {}}]}"#, "either after_s or at"),
            (r#"{"step": []}"#, "unknown field"),
        ] {
            let error = Script::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[tokio::test]
    async fn a_file_is_read_again_and_a_broken_one_is_a_failure() {
        let path = std::env::temp_dir().join(format!("counterfoil-script-{}.json", uuid::Uuid::new_v4()));
        let feed = Scripted::file(&path);
        assert!(matches!(feed.quotes(at(1)).await, Err(FeedError::Unreadable { .. })));
        for price in ["1", "2"] {
            std::fs::write(&path, format!(r#"{{"prices": {{"USDT": {{"BTC": "{price}"}}}}}}"#)).unwrap();
            assert_eq!(bids(&feed.quotes(at(1)).await.unwrap()), format!("BTC {price}"));
        }
        std::fs::write(&path, r#"{"prices": {"USDT""#).unwrap();
        assert!(matches!(feed.quotes(at(1)).await, Err(FeedError::Malformed { .. })));
        std::fs::remove_file(&path).unwrap();
    }

    #[tokio::test]
    async fn a_script_in_memory_is_changed_by_its_clones() {
        let feed = Scripted::memory(Script::default(), at(0));
        let (hand, bitcoin) = (feed.clone(), Currency::parse("BTC").unwrap());
        hand.set(bitcoin, Currency::USDT, Price::parse("5").map(Priced::Middle));
        assert_eq!(bids(&feed.quotes(at(1)).await.unwrap()), "BTC 5");
        hand.fail(Some("gone"));
        assert_eq!(feed.quotes(at(1)).await.unwrap_err().to_string(), "gone");
        hand.fail(None);
        hand.set(bitcoin, Currency::USDT, None);
        assert_eq!(bids(&feed.quotes(at(1)).await.unwrap()), "");
    }
}
