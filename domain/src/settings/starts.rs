//! What else freqtrade refuses when it starts, once it knows its exchange: numbers of pair lists that do not go together, and
//! what Binance's futures do not have.

use super::consistent::Conflict;
use super::flaw::below;
use super::{Flaw, FlawCode, Settings, Value};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Candles that Binance gives at once; freqtrade asks for no more of a pair.
const CANDLES_SPOT: i64 = 1000;
const CANDLES_FUTURES: i64 = 499;
/// What freqtrade takes where nothing is said: how old a pair has to be, and for how long a list of pairs holds.
const AGE: i64 = 10;
const REFRESH_S: i64 = 1800;
const DAY: &str = "1d";

const LISTS: &[&str] = &["/pairlists", "/trading_mode"];

pub(super) fn pairlists(settings: &Settings) -> Vec<Conflict> {
    let Some(Value::List(lists)) = settings.get("/pairlists") else { return Vec::new() };
    let most = if is_futures(settings) { CANDLES_FUTURES } else { CANDLES_SPOT };
    let of_one = |(index, list): (usize, &Value)| {
        let one = Parameters { at: format!("/pairlists/{index}"), members: list.as_map()? };
        match one.text("method")? {
            "AgeFilter" => one.age(most),
            method @ ("VolumePairList"
            | "PercentChangePairList"
            | "RangeStabilityFilter"
            | "VolatilityFilter") => {
                one.look_back(most, matches!(method, "VolumePairList" | "PercentChangePairList"))
            }
            _ => None,
        }
    };
    let found = lists.iter().enumerate().filter_map(of_one);
    found.map(|flaw| Conflict { flaw, rests_on: LISTS }).collect()
}

/// They have no prices but those of the order book, and stops by two of three prices.
pub(super) fn futures(settings: &Settings) -> Vec<Conflict> {
    if !is_futures(settings) {
        return Vec::new();
    }
    let is_off = |pointer: &str| settings.get(pointer) == Some(&Value::Switch(false));
    let by_index = settings.is_on("/order_types/stoploss_on_exchange")
        && settings.text("/order_types/stoploss_price_type") == Some("index");
    [
        (
            is_off("/entry_pricing/use_order_book"),
            ["/entry_pricing/use_order_book", "/trading_mode"].as_slice(),
        ),
        (is_off("/exit_pricing/use_order_book"), &["/exit_pricing/use_order_book", "/trading_mode"]),
        (
            by_index,
            &["/order_types/stoploss_price_type", "/order_types/stoploss_on_exchange", "/trading_mode"],
        ),
    ]
    .into_iter()
    .filter(|(is_wrong, _)| *is_wrong)
    .filter_map(|(_, rests_on)| {
        let flaw = Flaw::new(*rests_on.first()?, FlawCode::Inconsistent, "trading_mode = futures");
        Some(Conflict { flaw, rests_on })
    })
    .collect()
}

fn is_futures(settings: &Settings) -> bool {
    settings.text("/trading_mode") == Some("futures")
}

/// Of one pair list.
struct Parameters<'a> {
    at: String,
    members: &'a BTreeMap<String, Value>,
}

impl Parameters<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_text)
    }

    fn number(&self, name: &str) -> Option<Decimal> {
        self.members.get(name).and_then(Value::as_number)
    }

    fn conflict(&self, name: &str, expected: &'static str) -> Flaw {
        Flaw::new(below(&self.at, name), FlawCode::Inconsistent, expected)
    }

    fn beyond(&self, name: &str, most: i64) -> Option<Flaw> {
        let is_beyond = self.number(name).is_some_and(|number| number > Decimal::from(most));
        is_beyond.then(|| Flaw::new(below(&self.at, name), FlawCode::OutOfRange, format!("… {most}")))
    }

    fn age(&self, most: i64) -> Option<Flaw> {
        let least = self.number("min_days_listed").unwrap_or(Decimal::from(AGE));
        if self.number("max_days_listed").is_some_and(|days| days <= least) {
            return Some(self.conflict("max_days_listed", "min_days_listed"));
        }
        self.beyond("min_days_listed", most).or_else(|| self.beyond("max_days_listed", most))
    }

    /// Days, or so many candles of a time frame; a list that looks back holds for a candle at least.
    fn look_back(&self, most: i64, is_list: bool) -> Option<Flaw> {
        let is_set = |name: &str| self.number(name).is_some_and(|number| number > Decimal::ZERO);
        let timeframe = self.text("lookback_timeframe").unwrap_or(DAY);
        if is_set("lookback_days") && is_set("lookback_period") {
            return Some(self.conflict("lookback_period", "lookback_days"));
        }
        if is_set("lookback_days") && timeframe != DAY {
            return Some(self.conflict("lookback_timeframe", "lookback_days"));
        }
        if let Some(flaw) =
            self.beyond("lookback_days", most).or_else(|| self.beyond("lookback_period", most))
        {
            return Some(flaw);
        }
        let looks_back = is_set("lookback_days") || is_set("lookback_period");
        let refresh = self.number("refresh_period").unwrap_or(Decimal::from(REFRESH_S));
        if is_list && looks_back && refresh < Decimal::from(seconds(timeframe)) {
            return Some(self.conflict("refresh_period", "lookback_timeframe"));
        }
        None
    }
}

/// Of a time frame: a number and its unit. A month has thirty days.
fn seconds(timeframe: &str) -> i64 {
    let unit = match timeframe.chars().last() {
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        Some('w') => 604_800,
        _ => 2_592_000,
    };
    let many = timeframe.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    many.parse::<i64>().unwrap_or(1) * unit
}
