//! Where pairs come from: the methods that keep to the exchange and to this configuration, and what each of them takes.
//!
//! Others read a file, call an address, or listen to another bot.

use super::catalogue::timeframes;
use super::check::Checker;
use super::flaw::below;
use super::{FlawCode, Value};

const LISTS_MAX: usize = 20;
const COUNT: i64 = 1_000_000;
const MOST: &str = "1000000000000";
const LEAST: &str = "-1000000000000";

#[derive(Clone, Copy)]
enum Takes {
    Switch,
    Integer(i64),
    /// From there on.
    Number(&'static str),
    Share,
    Choice(&'static [&'static str]),
    Timeframe,
}

struct Method {
    name: &'static str,
    /// It makes pairs, and does not only pick some.
    begins: bool,
    required: &'static [&'static str],
    takes: &'static [(&'static str, Takes)],
}

const DIRECTIONS: Takes = Takes::Choice(&["asc", "desc"]);
const PERIOD: (&str, Takes) = ("refresh_period", Takes::Integer(1));
const LOOK_BACK: [(&str, Takes); 3] = [
    ("lookback_days", Takes::Integer(0)),
    ("lookback_timeframe", Takes::Timeframe),
    ("lookback_period", Takes::Integer(0)),
];

const fn filter(name: &'static str, takes: &'static [(&'static str, Takes)]) -> Method {
    Method { name, begins: false, required: &[], takes }
}

const METHODS: &[Method] = &[
    Method {
        name: "StaticPairList",
        begins: true,
        required: &[],
        takes: &[("allow_inactive", Takes::Switch)],
    },
    Method {
        name: "VolumePairList",
        begins: true,
        required: &["number_assets"],
        takes: &[
            ("number_assets", Takes::Integer(1)),
            ("sort_key", Takes::Choice(&["quoteVolume"])),
            ("min_value", Takes::Number("0")),
            ("max_value", Takes::Number("0")),
            PERIOD,
            LOOK_BACK[0],
            LOOK_BACK[1],
            LOOK_BACK[2],
        ],
    },
    Method {
        name: "PercentChangePairList",
        begins: true,
        required: &["number_assets"],
        takes: &[
            ("number_assets", Takes::Integer(1)),
            ("min_value", Takes::Number(LEAST)),
            ("max_value", Takes::Number(LEAST)),
            ("sort_direction", DIRECTIONS),
            PERIOD,
            LOOK_BACK[0],
            LOOK_BACK[1],
            LOOK_BACK[2],
        ],
    },
    filter("AgeFilter", &[("min_days_listed", Takes::Integer(1)), ("max_days_listed", Takes::Integer(1))]),
    filter("DelistFilter", &[("max_days_from_now", Takes::Integer(0))]),
    filter("FullTradesFilter", &[]),
    filter("OffsetFilter", &[("offset", Takes::Integer(0)), ("number_assets", Takes::Integer(0))]),
    filter("PerformanceFilter", &[("minutes", Takes::Integer(0)), ("min_profit", Takes::Number(LEAST))]),
    filter("PrecisionFilter", &[]),
    filter(
        "PriceFilter",
        &[
            ("low_price_ratio", Takes::Share),
            ("min_price", Takes::Number("0")),
            ("max_price", Takes::Number("0")),
            ("max_value", Takes::Number("0")),
        ],
    ),
    filter(
        "RangeStabilityFilter",
        &[
            ("lookback_days", Takes::Integer(1)),
            ("min_rate_of_change", Takes::Number("0")),
            ("max_rate_of_change", Takes::Number("0")),
            PERIOD,
            ("sort_direction", DIRECTIONS),
        ],
    ),
    filter(
        "ShuffleFilter",
        &[("seed", Takes::Integer(0)), ("shuffle_frequency", Takes::Choice(&["candle", "iteration"]))],
    ),
    filter("SpreadFilter", &[("max_spread_ratio", Takes::Share)]),
    filter(
        "VolatilityFilter",
        &[
            ("lookback_days", Takes::Integer(1)),
            ("min_volatility", Takes::Number("0")),
            ("max_volatility", Takes::Number("0")),
            PERIOD,
            ("sort_direction", DIRECTIONS),
        ],
    ),
];

/// What freqtrade has beside them: they fetch from elsewhere.
const FORBIDDEN: &[&str] = &[
    "RemotePairList",
    "ProducerPairList",
    "MarketCapPairList",
    "CrossMarketPairList",
    "PairInformationFilter",
];

pub(super) fn check(checker: &mut Checker<'_>, at: &str, value: &Value) -> Option<Value> {
    let Value::List(lists) = value else {
        return checker.no(at, FlawCode::WrongType, "array");
    };
    if lists.is_empty() {
        return checker.no(at, FlawCode::Empty, "");
    }
    if lists.len() > LISTS_MAX {
        for (index, list) in lists.iter().enumerate() {
            let method = list.as_map().and_then(|list| list.get("method")).and_then(Value::as_text);
            if method.is_some_and(|name| FORBIDDEN.contains(&name)) {
                checker.found.bar(format!("{at}/{index}/method"), false);
            }
        }
        return checker.no(at, FlawCode::TooLong, "20");
    }
    let sound: Vec<Option<Value>> = lists
        .iter()
        .enumerate()
        .map(|(index, list)| one(checker, &format!("{at}/{index}"), list, index == 0))
        .collect();
    sound.into_iter().collect::<Option<_>>().map(Value::List)
}

/// Those that may stand there: the first has to make pairs.
fn names(is_first: bool) -> String {
    let names = METHODS.iter().filter(|method| method.begins || !is_first).map(|method| method.name);
    names.collect::<Vec<_>>().join(", ")
}

fn one(checker: &mut Checker<'_>, at: &str, list: &Value, is_first: bool) -> Option<Value> {
    let Value::Map(members) = list else {
        return checker.no(at, FlawCode::WrongType, "object");
    };
    let method_at = below(at, "method");
    let name = match members.get("method") {
        None | Some(Value::Nothing) => return checker.no(&method_at, FlawCode::Required, ""),
        Some(name) => name.as_text(),
    };
    if name.is_some_and(|name| FORBIDDEN.contains(&name)) {
        checker.found.bar(method_at, false);
        return None;
    }
    let Some(method) = METHODS.iter().find(|method| Some(method.name) == name) else {
        checker.found.flaw(&method_at, FlawCode::Unknown, names(is_first));
        return None;
    };
    let known = checker.found.flaws.len();
    if is_first && !method.begins {
        checker.found.flaw(&method_at, FlawCode::Unknown, names(true));
    }
    for required in method.required.iter().filter(|name| !members.contains_key(**name)) {
        checker.found.flaw(&below(at, required), FlawCode::Required, "");
    }
    let mut sound = members.clone();
    for (name, value) in members.iter().filter(|(name, _)| *name != "method") {
        let place = below(at, name);
        match method.takes.iter().find(|(taken, _)| taken == name) {
            None => checker.found.flaw(&place, FlawCode::UnknownSetting, ""),
            Some((_, takes)) => {
                if let Some(value) = parameter(checker, &place, *takes, value) {
                    sound.insert(name.clone(), value);
                }
            }
        }
    }
    (checker.found.flaws.len() == known).then_some(Value::Map(sound))
}

fn parameter(checker: &mut Checker<'_>, at: &str, takes: Takes, value: &Value) -> Option<Value> {
    match takes {
        Takes::Switch => match value {
            Value::Switch(_) => Some(value.clone()),
            _ => checker.no(at, FlawCode::WrongType, "boolean"),
        },
        Takes::Integer(from) => checker.integer(at, value, from, COUNT),
        Takes::Number(from) => checker.number(at, value, (from, true), (MOST, true)),
        Takes::Share => checker.number(at, value, ("0", true), ("1", true)),
        Takes::Choice(words) => checker.choice(at, value, words),
        Takes::Timeframe => checker.choice(at, value, timeframes()),
    }
}
