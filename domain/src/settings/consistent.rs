//! What settings have to be together: the rules that freqtrade applies when it starts, and some that its exchange does.

use super::{Flaw, FlawCode, Settings, Value, starts};
use rust_decimal::Decimal;

/// A rule that is broken, and the keys it rests on.
pub(super) struct Conflict {
    pub(super) flaw: Flaw,
    pub(super) rests_on: &'static [&'static str],
}

pub(super) fn conflicts(settings: &Settings) -> Vec<Conflict> {
    let rules = [unlimited, markets, trailing, pairs, margin, starts::pairlists, starts::futures]
        .map(|rule| rule(settings));
    rules.into_iter().flatten().collect()
}

fn conflict(pointer: &str, rests_on: &'static [&'static str], expected: &'static str) -> Conflict {
    Conflict { flaw: Flaw::new(pointer, FlawCode::Inconsistent, expected), rests_on }
}

fn unlimited(settings: &Settings) -> Vec<Conflict> {
    let is_endless = settings.get("/max_open_trades") == Some(&Value::Number(Decimal::NEGATIVE_ONE));
    let both = is_endless && settings.text("/stake_amount") == Some("unlimited");
    let with = "max_open_trades = -1";
    let found = both.then(|| conflict("/stake_amount", &["/stake_amount", "/max_open_trades"], with));
    found.into_iter().collect()
}

fn markets(settings: &Settings) -> Vec<Conflict> {
    let sided = |order: &str, side: &str, fits: [&str; 2]| {
        settings.text(order) == Some("market")
            && !settings.text(side).is_some_and(|side| fits.contains(&side))
    };
    let entry = sided("/order_types/entry", "/entry_pricing/price_side", ["ask", "other"]).then(|| {
        conflict(
            "/entry_pricing/price_side",
            &["/order_types/entry", "/entry_pricing/price_side"],
            "order_types.entry = market",
        )
    });
    let exit = sided("/order_types/exit", "/exit_pricing/price_side", ["bid", "other"]).then(|| {
        conflict(
            "/exit_pricing/price_side",
            &["/order_types/exit", "/exit_pricing/price_side"],
            "order_types.exit = market",
        )
    });
    entry.into_iter().chain(exit).collect()
}

fn trailing(settings: &Settings) -> Vec<Conflict> {
    const POSITIVE: &str = "/trailing_stop_positive";
    const OFFSET: &str = "/trailing_stop_positive_offset";
    const RESTS_ON: &[&str] = &["/trailing_stop", POSITIVE, OFFSET, "/trailing_only_offset_is_reached"];
    if !settings.is_on("/trailing_stop") {
        return Vec::new();
    }
    let number = |pointer: &str| settings.get(pointer).and_then(Value::as_number).unwrap_or_default();
    let (positive, offset) = (number(POSITIVE), number(OFFSET));
    let mut found = Vec::new();
    if positive.is_zero() && settings.get(POSITIVE).is_some() {
        found.push(conflict(POSITIVE, RESTS_ON, "trailing_stop = true"));
    } else if positive.is_zero() && settings.is_on("/trailing_only_offset_is_reached") {
        found.push(conflict(POSITIVE, RESTS_ON, "trailing_only_offset_is_reached = true"));
    }
    if positive > Decimal::ZERO && offset > Decimal::ZERO && offset <= positive {
        found.push(conflict(OFFSET, RESTS_ON, "trailing_stop_positive"));
    }
    found
}

fn pairs(settings: &Settings) -> Vec<Conflict> {
    let Some(Value::List(lists)) = settings.get("/pairlists") else { return Vec::new() };
    let is_static = |list: &Value| {
        list.as_map().and_then(|list| list.get("method")).and_then(Value::as_text) == Some("StaticPairList")
    };
    let has_none =
        matches!(settings.get("/exchange/pair_whitelist"), Some(Value::List(pairs)) if pairs.is_empty());
    let found = (has_none && lists.iter().any(is_static)).then(|| {
        conflict(
            "/exchange/pair_whitelist",
            &["/exchange/pair_whitelist", "/pairlists"],
            "pairlists: StaticPairList",
        )
    });
    found.into_iter().collect()
}

/// What Binance can do: spot without margin, futures with.
fn margin(settings: &Settings) -> Vec<Conflict> {
    const RESTS_ON: &[&str] = &["/trading_mode", "/margin_mode"];
    let found = match (settings.text("/trading_mode"), settings.text("/margin_mode")) {
        (Some("spot"), Some("isolated" | "cross")) => Some("trading_mode = spot"),
        (Some("futures"), Some("") | None) => Some("trading_mode = futures"),
        _ => None,
    };
    found.map(|with| conflict("/margin_mode", RESTS_ON, with)).into_iter().collect()
}
