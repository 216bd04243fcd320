mod any;
mod files;
mod secrets;

use super::catalogue::{ENTRIES, Entry, FORBIDDEN, Kind, READ_ONLY};
use super::*;

fn value(json: &str) -> Value {
    Value::parse(json).unwrap()
}

fn patched(before: &Settings, json: &str) -> Result<Settings, Declined> {
    with(before, Settings::built_in(), &value(json), How::Merge, Known::default())
}

fn after(json: &str) -> Settings {
    patched(Settings::built_in(), json).unwrap()
}

/// The pointers that are wrong, with why.
fn wrong(json: &str) -> Vec<(String, FlawCode)> {
    match patched(Settings::built_in(), json) {
        Err(Declined::Invalid(flaws)) => flaws.into_iter().map(|flaw| (flaw.pointer, flaw.code)).collect(),
        other => panic!("{json}: {other:?}"),
    }
}

/// `{"exchange": {"name": <json>}}` for `/exchange/name`.
fn at(pointer: &str, json: &str) -> String {
    pointer
        .split('/')
        .skip(1)
        .collect::<Vec<_>>()
        .iter()
        .rev()
        .fold(json.to_owned(), |inner, name| format!("{{\"{name}\":{inner}}}"))
}

#[test]
fn what_is_built_in_is_sound() {
    assert_eq!(after("{}"), *Settings::built_in());
    let defaults = ENTRIES.iter().filter(|entry| entry.default.is_some());
    assert_eq!(Settings::built_in().0.len(), defaults.count());
    for entry in ENTRIES.iter().filter(|entry| entry.default.is_some()) {
        let again = after(&at(entry.pointer, entry.default.unwrap()));
        assert_eq!(again, *Settings::built_in(), "{}", entry.pointer);
    }
}

#[test]
fn what_freqtrade_lets_through_is_refused() {
    for (json, pointer, code) in [
        (r#"{"stake_amount":"unlimitedX"}"#, "/stake_amount", FlawCode::Unknown),
        (r#"{"max_open_trades":2.5}"#, "/max_open_trades", FlawCode::NotAnInteger),
        (r#"{"max_open_trades":"3"}"#, "/max_open_trades", FlawCode::WrongType),
        (r#"{"dry_run_wallet":-5}"#, "/dry_run_wallet", FlawCode::OutOfRange),
        (r#"{"dry_run_wallet":{"BTC":-1}}"#, "/dry_run_wallet/BTC", FlawCode::OutOfRange),
        (r#"{"stoploss":-1.5}"#, "/stoploss", FlawCode::OutOfRange),
        (r#"{"stoploss":0}"#, "/stoploss", FlawCode::OutOfRange),
        (r#"{"stoploss":1e999}"#, "/stoploss", FlawCode::OutOfRange),
        (r#"{"stoploss":-0.12345678901234567}"#, "/stoploss", FlawCode::TooManyDigits),
        (r#"{"stake_currency":""}"#, "/stake_currency", FlawCode::Empty),
        (r#"{"stake_currency":"usdt"}"#, "/stake_currency", FlawCode::NotAPattern),
        (r#"{"stake_amount":0.00009}"#, "/stake_amount", FlawCode::OutOfRange),
        (r#"{"trading_mode":"margin"}"#, "/trading_mode", FlawCode::Unknown),
        (r#"{"timeframe":"7m"}"#, "/timeframe", FlawCode::Unknown),
        (r#"{"minimal_roi":{"1.5":0.1}}"#, "/minimal_roi/1.5", FlawCode::NotAPattern),
        (r#"{"minimal_roi":{"0":null}}"#, "/minimal_roi", FlawCode::Empty),
        (
            r#"{"exchange":{"pair_whitelist":["BTCUSDT"]}}"#,
            "/exchange/pair_whitelist/0",
            FlawCode::NotAPattern,
        ),
        (
            r#"{"exchange":{"pair_blacklist":["A/B","A/B"]}}"#,
            "/exchange/pair_blacklist/1",
            FlawCode::Repeated,
        ),
        (r#"{"pairlists":[]}"#, "/pairlists", FlawCode::Empty),
        (r#"{"pairlists":[{"method":"AgeFilter"}]}"#, "/pairlists/0/method", FlawCode::Unknown),
        (r#"{"pairlists":[{"method":"VolumePairList"}]}"#, "/pairlists/0/number_assets", FlawCode::Required),
        (r#"{"exchange":[]}"#, "/exchange", FlawCode::WrongType),
        (r#"{"a~b":1}"#, "/a~0b", FlawCode::UnknownSetting),
        (r#"{"protections":[]}"#, "/protections", FlawCode::UnknownSetting),
        (r#"{"exchange":{"nam":1}}"#, "/exchange/nam", FlawCode::UnknownSetting),
    ] {
        assert_eq!(wrong(json), [(pointer.to_owned(), code)], "{json}");
    }
}

#[test]
fn everything_that_is_wrong_is_found_at_once() {
    let found = wrong(r#"{"stoploss":2,"nothing":1,"exchange":{"name":7},"timeframe":"x"}"#);
    let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/exchange/name", "/nothing", "/stoploss", "/timeframe"]);
}

#[test]
fn of_a_great_deal_that_is_wrong_a_hundred_are_told_and_names_not_in_full() {
    let keys = |count: usize| (0..count).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(",");
    assert_eq!(wrong(&format!("{{{}}}", keys(8_000))).len(), 100);
    let pairs = vec!["1"; 150].join(",");
    let exchange = format!(r#"{{"exchange":{{"pair_whitelist":[{pairs}]}},{}}}"#, keys(50));
    assert_eq!(wrong(&exchange).len(), 100);
    // What is forbidden is found however much is wrong.
    let declined =
        patched(Settings::built_in(), &format!(r#"{{{},"webhook":{{{}}}}}"#, keys(200), keys(200)));
    let Err(Declined::Forbidden(barred)) = declined else { panic!("{declined:?}") };
    assert_eq!((barred.len(), barred[0].pointer.as_str()), (100, "/webhook/k0"));
    let name = "é".repeat(64);
    assert_eq!(wrong(&format!(r#"{{"{name}":1}}"#))[0].0, format!("/{name}"));
    assert_eq!(wrong(&format!(r#"{{"{name}/":1}}"#))[0].0, format!("/{name}…"));
    let long = format!(r#"{{"minimal_roi":{{"{}":1}}}}"#, "~".repeat(30_000));
    assert_eq!(wrong(&long)[0].0, format!("/minimal_roi/{}…", "~0".repeat(64)));
}

#[test]
fn what_cannot_be_together_is_refused() {
    for (json, pointer) in [
        (r#"{"max_open_trades":-1,"stake_amount":"unlimited"}"#, "/stake_amount"),
        (r#"{"order_types":{"entry":"market"}}"#, "/entry_pricing/price_side"),
        (
            r#"{"order_types":{"exit":"market"},"exit_pricing":{"price_side":"ask"}}"#,
            "/exit_pricing/price_side",
        ),
        (r#"{"trailing_stop":true,"trailing_stop_positive":0}"#, "/trailing_stop_positive"),
        (r#"{"trailing_stop":true,"trailing_only_offset_is_reached":true}"#, "/trailing_stop_positive"),
        (
            r#"{"trailing_stop":true,"trailing_stop_positive":0.02,"trailing_stop_positive_offset":0.02}"#,
            "/trailing_stop_positive_offset",
        ),
        (r#"{"exchange":{"pair_whitelist":[]}}"#, "/exchange/pair_whitelist"),
        (r#"{"trading_mode":"futures"}"#, "/margin_mode"),
        (r#"{"margin_mode":"cross"}"#, "/margin_mode"),
    ] {
        assert_eq!(wrong(json), [(pointer.to_owned(), FlawCode::Inconsistent)], "{json}");
    }
    // What rests on a value that is wrong itself is not said twice.
    assert_eq!(wrong(r#"{"max_open_trades":-2,"stake_amount":"unlimited"}"#).len(), 1);
    after(r#"{"order_types":{"entry":"market"},"entry_pricing":{"price_side":"other"}}"#);
    after(r#"{"trading_mode":"futures","margin_mode":"isolated"}"#);
}

/// What freqtrade's own schema lets through and its start does not.
#[test]
fn what_a_start_would_refuse_is_refused() {
    let first = r#"{"pairlists":[{"method":"VolumePairList","number_assets":5"#;
    let later = r#"{"pairlists":[{"method":"StaticPairList"},{"method":"#;
    let futures = r#"{"trading_mode":"futures","margin_mode":"cross""#;
    for (json, pointer) in [
        (format!(r#"{first},"lookback_days":2,"lookback_period":3}}]}}"#), "/pairlists/0/lookback_period"),
        (
            format!(r#"{first},"lookback_days":2,"lookback_timeframe":"1h"}}]}}"#),
            "/pairlists/0/lookback_timeframe",
        ),
        (format!(r#"{first},"lookback_days":2}}]}}"#), "/pairlists/0/refresh_period"),
        (
            format!(r#"{first},"lookback_period":9,"lookback_timeframe":"4h","refresh_period":14399}}]}}"#),
            "/pairlists/0/refresh_period",
        ),
        (
            format!(r#"{first},"lookback_days":1001,"refresh_period":86400}}]}}"#),
            "/pairlists/0/lookback_days",
        ),
        (format!(r#"{later}"AgeFilter","max_days_listed":10}}]}}"#), "/pairlists/1/max_days_listed"),
        (format!(r#"{later}"AgeFilter","min_days_listed":1001}}]}}"#), "/pairlists/1/min_days_listed"),
        (format!(r#"{later}"VolatilityFilter","lookback_days":1001}}]}}"#), "/pairlists/1/lookback_days"),
        (
            format!(
                r#"{futures},"pairlists":[{{"method":"StaticPairList"}},{{"method":"RangeStabilityFilter","lookback_days":500}}]}}"#
            ),
            "/pairlists/1/lookback_days",
        ),
        (
            format!(r#"{futures},"entry_pricing":{{"use_order_book":false}}}}"#),
            "/entry_pricing/use_order_book",
        ),
        (format!(r#"{futures},"exit_pricing":{{"use_order_book":false}}}}"#), "/exit_pricing/use_order_book"),
        (
            format!(
                r#"{futures},"order_types":{{"stoploss_on_exchange":true,"stoploss_price_type":"index"}}}}"#
            ),
            "/order_types/stoploss_price_type",
        ),
    ] {
        let found = wrong(&json);
        assert_eq!(found.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), [pointer], "{json}");
    }
    after(&format!(r#"{first},"lookback_period":9,"lookback_timeframe":"4h","refresh_period":14400}}]}}"#));
    after(&format!(r#"{first},"lookback_days":0,"lookback_timeframe":"1h"}}]}}"#));
    after(&format!(r#"{later}"AgeFilter","min_days_listed":9,"max_days_listed":10}}]}}"#));
    after(&format!(r#"{later}"RangeStabilityFilter","lookback_days":1000}}]}}"#));
    after(r#"{"entry_pricing":{"use_order_book":false}}"#);
}

#[test]
fn what_is_forbidden_weighs_more_than_what_is_wrong() {
    for pointer in FORBIDDEN.iter().chain(READ_ONLY) {
        for json in ["null", "{}", "\"x\"", "[1]"] {
            let patch = at(pointer, json);
            let declined = patched(Settings::built_in(), &patch);
            let Err(Declined::Forbidden(barred)) = declined else { panic!("{patch}: {declined:?}") };
            assert_eq!(barred[0].pointer, *pointer);
            assert_eq!(barred[0].read_only, READ_ONLY.contains(pointer));
        }
    }
    // Also in a list that is too long to be looked at any closer.
    let filters = r#"{"method":"ShuffleFilter"},"#.repeat(20);
    let long = format!(r#"{{"pairlists":[{filters}{{"method":"RemotePairList"}}]}}"#);
    let Err(Declined::Forbidden(barred)) = patched(Settings::built_in(), &long) else { panic!() };
    assert_eq!(barred[0].pointer, "/pairlists/20/method");
    let both = r#"{"stoploss":7,"db_url":"x","webhook":{"url":"http://a"},"pairlists":[{"method":"RemotePairList"}]}"#;
    let Err(Declined::Forbidden(barred)) = patched(Settings::built_in(), both) else { panic!() };
    let pointers: Vec<&str> = barred.iter().map(|barred| barred.pointer.as_str()).collect();
    assert_eq!(pointers, ["/db_url", "/pairlists/0/method", "/webhook/url"]);
}

#[test]
fn null_goes_back_to_the_default_and_members_are_merged() {
    let changed = after(
        r#"{"stoploss":-0.2,"available_capital":500,"minimal_roi":{"30":0.02},"exchange":{"enable_ws":false}}"#,
    );
    assert_eq!(changed.get("/minimal_roi").unwrap().to_string(), r#"{"0":0.04,"30":0.02}"#);
    let back = r#"{"stoploss":null,"available_capital":null,"minimal_roi":{"30":null},"exchange":null}"#;
    assert_eq!(patched(&changed, back).unwrap(), *Settings::built_in());
}

#[test]
fn numbers_are_exact_and_written_one_way() {
    for (sent, kept) in [
        ("0.1", "0.1"),
        ("0.10", "0.1"),
        ("1e-4", "0.0001"),
        ("\"0.30\"", "0.3"),
        ("123456789.012345", "123456789.012345"),
        ("1E3", "1000"),
    ] {
        let settings = after(&format!("{{\"stake_amount\":{sent}}}"));
        assert_eq!(settings.get("/stake_amount").unwrap().to_string(), kept);
        let written = serde_json::to_string(&settings).unwrap();
        assert!(written.contains(&format!("\"stake_amount\":{kept},")), "{written}");
        assert_eq!(serde_json::from_str::<Settings>(&written).unwrap(), settings);
        // Through a tree of floats, too: fifteen digits survive it.
        let tree: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::from_value::<Settings>(tree).unwrap(), settings);
    }
}

#[test]
fn no_number_is_rounded_to_one_that_fits() {
    const LONG: &str = "0.0000000000000000000000000000000000000001";
    for (sent, code) in [
        ("2.99999999999999999999999999999999e0", FlawCode::TooManyDigits),
        ("2.99999999999999999999999999999999", FlawCode::TooManyDigits),
        ("\"2.99999999999999999999999999999999\"", FlawCode::TooManyDigits),
        ("299999999999999999999999999999999e-32", FlawCode::TooManyDigits),
        (LONG, FlawCode::TooManyDigits),
        ("1e-40", FlawCode::TooManyDigits),
        ("1e-99999999999999999999999", FlawCode::TooManyDigits),
        ("0.1234567890123456", FlawCode::TooManyDigits),
        ("10000000000000000000000000000000", FlawCode::OutOfRange),
        ("\"10000000000000000000000000000000\"", FlawCode::OutOfRange),
        ("1e28", FlawCode::OutOfRange),
        ("-1e99999999999999999999999", FlawCode::OutOfRange),
    ] {
        let found = wrong(&at("/dry_run_wallet", sent));
        assert_eq!(found, [("/dry_run_wallet".to_owned(), code)], "{sent}");
        let again = Value::parse(&value(sent).to_string()).unwrap();
        assert_eq!(again, value(sent), "{sent}");
    }
    assert_eq!(
        wrong(&at("/max_open_trades", "2.99999999999999999999999999999999e0"))[0].1,
        FlawCode::NotAnInteger
    );
    for (sent, kept) in [
        ("300000000000000000000000000000000000000000e-41", "3"),
        ("0.000000000000000000000000000000000000003e39", "3"),
        ("0e99999999999999999999999", "0"),
        ("-0.0", "0"),
        ("0.00012E+4", "1.2"),
        ("\"1.50000000000000000000000000000000000000\"", "1.5"),
    ] {
        let settings = after(&at("/dry_run_wallet", sent));
        assert_eq!(settings.get("/dry_run_wallet").unwrap().to_string(), kept, "{sent}");
    }
}

#[test]
fn a_key_that_stands_twice_is_not_read() {
    let error = Value::parse(r#"{"a":{"b":1,"b":2}}"#).unwrap_err();
    assert!(error.to_string().starts_with("duplicate field `b`"), "{error}");
}

#[test]
fn methods_of_pair_lists_that_may_stand_there_are_all_named() {
    let expected = |json: &str| match patched(Settings::built_in(), json) {
        Err(Declined::Invalid(flaws)) => flaws[0].expected.clone().into_owned(),
        other => panic!("{other:?}"),
    };
    let first = "StaticPairList, VolumePairList, PercentChangePairList";
    assert_eq!(expected(r#"{"pairlists":[{"method":"ShuffleFilter"}]}"#), first);
    assert_eq!(expected(r#"{"pairlists":[{"method":"Nothing"}]}"#), first);
    let second = expected(r#"{"pairlists":[{"method":"StaticPairList"},{"method":"Nothing"}]}"#);
    assert!(second.starts_with(first) && second.ends_with("VolatilityFilter"), "{second}");
    assert!(!second.contains("Remote") && !second.contains('…'), "{second}");
}
