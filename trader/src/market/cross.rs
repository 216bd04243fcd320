//! Prices in currencies that a feed does not quote in itself.
//!
//! USDT, USDC and USD are taken at par: what is quoted in one of them costs the same in the others. What a euro costs in
//! dollars gives prices in euros, rounded against whoever trades, so that nothing is gained by going round.

use super::Quotes;
use super::assets::{DOLLARS, EURO, rules};
use crate::tick;
use domain::Currency;
use domain::trading::exact::{self, DECIMALS};
use domain::trading::market::Quote;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What was quoted, and what follows from it. A price of the feed's own stands.
pub(super) fn completed(mut quotes: Quotes) -> Quotes {
    let mut dollars: BTreeMap<Currency, Quote> = BTreeMap::new();
    let known: Vec<Currency> = DOLLARS.iter().filter_map(|code| Currency::parse(code).ok()).collect();
    for quoted in known.iter().filter_map(|currency| quotes.get(currency)) {
        for (asset, quote) in quoted {
            dollars.entry(*asset).or_insert_with(|| quote.clone());
        }
    }
    if dollars.is_empty() {
        return quotes;
    }
    for currency in known {
        add(&mut quotes, currency, dollars.iter().map(|(asset, quote)| (*asset, quote.clone())));
    }
    if let Ok(euro) = Currency::parse(EURO)
        && let Some(rate) = dollars.get(&euro)
    {
        let priced = |(asset, quote): (&Currency, &Quote)| Some((*asset, crossed(*asset, quote, rate)?));
        add(&mut quotes, euro, dollars.iter().filter_map(priced));
    }
    quotes
}

fn add(quotes: &mut Quotes, currency: Currency, follow: impl Iterator<Item = (Currency, Quote)>) {
    let own = quotes.entry(currency).or_default();
    for (asset, quote) in follow.filter(|(asset, _)| *asset != currency) {
        own.entry(asset).or_insert(quote);
    }
}

/// A price in dollars, in what costs `rate` dollars itself; as old as the older of the two.
fn crossed(asset: Currency, quote: &Quote, rate: &Quote) -> Option<Quote> {
    let tick = rules(asset).tick;
    let bid = exact::div_floor(quote.bid, rate.ask, DECIMALS).ok()?;
    // One more of the last decimal: the quotient may have been cut.
    let ask = exact::div_floor(quote.ask, rate.bid, DECIMALS).ok()?;
    let ask = exact::add(ask, Decimal::new(1, DECIMALS)).ok()?;
    Some(Quote {
        bid: tick::down(bid, tick).ok()?,
        ask: tick::up(ask, tick).ok()?,
        as_of: quote.as_of.min(rate.as_of),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    fn of(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn quote(bid: &str, ask: &str, second: i64) -> Quote {
        let d = |text| Decimal::from_str_exact(text).unwrap();
        Quote { bid: d(bid), ask: d(ask), as_of: Timestamp::from_micros(second * 1_000_000) }
    }

    #[test]
    fn dollars_are_dollars_and_euros_are_reckoned_against_the_trader() {
        let dollars = [
            (of("BTC"), quote("64999", "65001", 9)),
            (of("EUR"), quote("1.0799", "1.0801", 7)),
            (of("USDC"), quote("0.9999", "1.0001", 9)),
        ];
        let quotes = completed([(of("USDT"), BTreeMap::from(dollars.clone()))].into());
        assert_eq!(quotes[&of("USD")], BTreeMap::from(dollars));
        assert_eq!(quotes[&of("USDC")].keys().copied().collect::<Vec<_>>(), [of("BTC"), of("EUR")]);
        assert_eq!(quotes[&of("EUR")][&of("BTC")], quote("60178.68", "60191.69", 7));
        assert!(!quotes[&of("EUR")].contains_key(&of("EUR")));
    }

    #[test]
    fn a_price_of_the_feeds_own_stands() {
        let quotes = completed(
            [
                (of("USD"), [(of("ETH"), quote("3200", "3201", 1))].into()),
                (of("USDT"), [(of("ETH"), quote("3199", "3200", 1))].into()),
            ]
            .into(),
        );
        assert_eq!(quotes[&of("USD")][&of("ETH")], quote("3200", "3201", 1));
        assert_eq!(quotes[&of("USDC")][&of("ETH")], quote("3199", "3200", 1), "USDT comes first");
        assert!(!quotes.contains_key(&of("EUR")), "nobody knows what a euro costs");
    }

    #[test]
    fn without_dollars_nothing_follows() {
        let quotes: Quotes = [(of("UAH"), [(of("BTC"), quote("1", "2", 1))].into())].into();
        assert_eq!(completed(quotes.clone()), quotes);
    }
}
