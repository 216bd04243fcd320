//! The one who asks a feed, for everybody.
//!
//! What it answers replaces what was known, as a whole; what the exchange asks of orders is joined in. When it does not
//! answer, everything stays as it is and grows old, which whoever decides can see; that is said once, and once more when
//! it is over.

use super::prices::{Markets, Prices};
use super::{Feed, FeedError, Quotes};
use crate::exchange::Terms;
use commands::Clock;
use domain::trading::exact::DECIMALS;
use domain::trading::market::{ASSETS_MAX, Listed, Market, Quote};
use domain::{Currency, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Often enough for a rebalancer, and a thousandth of what exchanges allow.
pub const POLLED_EVERY: Duration = Duration::from_secs(1);
/// A feed that takes longer has nothing new to say.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Poller {
    feed: Box<dyn Feed>,
    terms: Arc<Terms>,
    clock: Clock,
    latest: watch::Sender<Markets>,
    is_failing: bool,
}

impl Poller {
    pub fn new(feed: Box<dyn Feed>, terms: Arc<Terms>, clock: Clock) -> (Self, Prices) {
        let (sender, receiver) = watch::channel(Markets::new());
        (Self { feed, terms, clock, latest: sender, is_failing: false }, Prices { latest: receiver })
    }

    /// Every so often, until told to stop.
    pub async fn run(mut self, every: Duration, cancel: CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                // What failed has been said.
                _ = self.run_once() => {}
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = sleep(every) => {}
            }
        }
    }

    /// Asks once. Says how many quotes there are now.
    pub async fn run_once(&mut self) -> Result<usize, FeedError> {
        let asked = timeout(ANSWERS_WITHIN, self.feed.quotes(self.clock.now())).await;
        let asked = asked.unwrap_or(Err(FeedError::TimedOut(ANSWERS_WITHIN.as_secs())));
        let told = asked.map(|quotes| {
            let markets = self.markets(quotes);
            let count = markets.values().map(|market| market.listed.len()).sum();
            self.latest.send_replace(markets);
            count
        });
        self.tell(told.as_ref().err());
        told
    }

    fn markets(&self, quotes: Quotes) -> Markets {
        let market = |(currency, quotes)| (currency, Arc::new(self.market(currency, quotes)));
        quotes.into_iter().map(market).collect()
    }

    fn market(&self, currency: Currency, quotes: BTreeMap<Currency, Quote>) -> Market {
        let listed = quotes.into_iter().filter(|(asset, quote)| *asset != currency && is_usable(quote));
        let listed = listed.take(ASSETS_MAX).map(|(asset, quote)| {
            let rules = self.terms.rules(asset, currency);
            (asset, Listed { quote, rules })
        });
        Market {
            source: self.feed.name().to_owned(),
            currency,
            fee_rate: self.terms.fee_rate,
            slippage: self.terms.slippage,
            listed: listed.collect(),
        }
    }

    /// The first failure after a success, and the first success after a failure.
    fn tell(&mut self, failure: Option<&FeedError>) {
        let source = self.feed.name().to_owned();
        let outcome = if failure.is_some() { "failed" } else { "answered" };
        metrics::counter!("counterfoil_market_polls_total", "source" => source.clone(), "outcome" => outcome)
            .increment(1);
        match (failure, self.is_failing) {
            (Some(error), false) => {
                tracing::warn!(component = "trader", event = "market_data_failed", source, error_message = %error);
            }
            (None, true) => {
                tracing::info!(component = "trader", event = "market_data_back", source);
            }
            _ => {}
        }
        self.is_failing = failure.is_some();
    }
}

/// A quote that makes no sense is as good as none.
fn is_usable(quote: &Quote) -> bool {
    let fits = |price: rust_decimal::Decimal| price.normalize().scale() <= DECIMALS;
    quote.is_sound() && fits(quote.bid) && fits(quote.ask) && quote.as_of > Timestamp::default()
}

#[cfg(test)]
mod tests {
    use super::super::{Price, Priced, Script, Scripted};
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    fn of(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn middle(price: &str) -> Option<Priced> {
        Price::parse(price).map(Priced::Middle)
    }

    struct House {
        now: Arc<AtomicI64>,
        script: Scripted,
        poller: Poller,
        prices: Prices,
    }

    fn house() -> House {
        let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let script = Scripted::memory(Script::default(), Timestamp::default());
        let clock = Clock::Manual(Arc::clone(&now));
        let (poller, prices) = Poller::new(Box::new(script.clone()), Arc::new(Terms::paper()), clock);
        House { now, script, poller, prices }
    }

    #[tokio::test]
    async fn a_market_has_quotes_and_what_the_exchange_asks() {
        let mut house = house();
        assert!(house.prices.market(Currency::USDT).is_none(), "nothing was polled");
        house.script.set(of("BTC"), Currency::USDT, middle("65000"));
        assert_eq!(house.poller.run_once().await.unwrap(), 1);
        let market = house.prices.market(Currency::USDT).unwrap();
        assert_eq!((market.source.as_str(), market.fee_rate), ("script", Terms::paper().fee_rate));
        assert_eq!(market.listed[&of("BTC")].rules, Terms::paper().rules(of("BTC"), Currency::USDT));
        assert_eq!(house.prices.currencies(), [Currency::USDT]);
    }

    #[tokio::test]
    async fn when_a_feed_fails_its_last_quotes_stay_and_grow_old() {
        let mut house = house();
        house.script.set(of("BTC"), Currency::USDT, middle("65000"));
        house.poller.run_once().await.unwrap();
        let before = house.prices.market(Currency::USDT).unwrap();
        house.script.fail(Some("out of order"));
        let later = house.now.fetch_add(90_000_000, Ordering::AcqRel) + 90_000_000;
        assert!(house.poller.run_once().await.is_err());
        let after = house.prices.market(Currency::USDT).unwrap();
        assert_eq!(after, before);
        let age = after.quote(of("BTC")).unwrap().age(Timestamp::from_micros(later));
        assert_eq!(age, Duration::from_secs(90));
        house.script.fail(None);
        house.poller.run_once().await.unwrap();
        assert_ne!(house.prices.market(Currency::USDT).unwrap(), before);
    }

    #[tokio::test]
    async fn what_a_feed_does_not_name_any_more_has_no_price_any_more() {
        let mut house = house();
        house.script.set(of("BTC"), Currency::USDT, middle("65000"));
        house.script.set(of("ETH"), Currency::USDT, middle("3200"));
        assert_eq!(house.poller.run_once().await.unwrap(), 2);
        house.script.set(of("BTC"), Currency::USDT, None);
        assert_eq!(house.poller.run_once().await.unwrap(), 1);
        assert!(house.prices.market(Currency::USDT).unwrap().quote(of("BTC")).is_none());
    }

    #[tokio::test]
    async fn whoever_waits_sees_each_poll_and_one_poll_wakes_everybody() {
        let mut house = house();
        let mut others = [house.prices.clone(), house.prices.clone()];
        house.script.set(of("BTC"), Currency::USDT, middle("1"));
        house.poller.run_once().await.unwrap();
        for prices in &mut others {
            prices.next().await;
            assert!(prices.market(Currency::USDT).is_some());
            assert!(timeout(Duration::ZERO, prices.next()).await.is_err(), "the same poll is seen once");
        }
    }

    #[tokio::test]
    async fn it_stops_when_told_to() {
        let cancel = CancellationToken::new();
        let house = house();
        let running = tokio::spawn(house.poller.run(Duration::from_hours(1), cancel.clone()));
        let mut prices = house.prices;
        prices.next().await;
        cancel.cancel();
        running.await.unwrap();
    }
}
