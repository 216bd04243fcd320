use super::catalogue::{ENTRIES, Entry, FORBIDDEN, Kind, READ_ONLY};
use super::*;
use proptest::prelude::*;
use rust_decimal::Decimal;

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
fn secrets_leave_a_change_before_anybody_sees_them() {
    let mut patch = value(
        r#"{"telegram":{"token":"123456:ABCDEF-canary","chat_id":null,"authorized_users":["11","22"],"enabled":true}}"#,
    );
    let taken = take_secrets(&mut patch);
    assert_eq!(patch.to_string(), r#"{"telegram":{"enabled":true}}"#);
    assert!(!format!("{taken:?}").contains("canary") && taken.flaws.is_empty());
    let hints: Vec<Option<String>> = taken.changes.iter().map(|(_, change)| change.hint()).collect();
    assert_eq!(hints, [Some("…nary".to_owned()), None, Some("…2".to_owned())]);
    let mut bad = value(r#"{"telegram":{"token":7,"chat_id":"a b","authorized_users":["1","1",1]}}"#);
    let pointers: Vec<String> = take_secrets(&mut bad).flaws.into_iter().map(|flaw| flaw.pointer).collect();
    assert_eq!(
        pointers,
        [
            "/telegram/token",
            "/telegram/chat_id",
            "/telegram/authorized_users/1",
            "/telegram/authorized_users/2"
        ]
    );
    let mut forbidden =
        value(r#"{"exchange":{"secret":"canary","name":"binance"},"webhook":{"url":"canary"}}"#);
    without_forbidden(&mut forbidden);
    let left = r#"{"exchange":{"name":"binance","secret":null},"webhook":{"url":null}}"#;
    assert_eq!(forbidden.to_string(), left);
}

#[test]
fn each_secret_has_a_form_of_its_own_and_an_example_of_it() {
    let flaws =
        |name: &str, json: &str| take_secrets(&mut value(&at(&format!("/telegram/{name}"), json))).flaws;
    let long = format!("\"1:{}\"", "x".repeat(255));
    for (name, good, bad, example) in [
        (
            "token",
            &["\"4839574812:AAFD39kk-dpWt3_canary\"", "\"1:a\""][..],
            &["\"\"", "\"short\"", "\":a\"", "\"1:\"", "\"x:abc\"", "\"1:a b\"", "\"1:a:b\"", &long][..],
            "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qc",
        ),
        (
            "chat_id",
            &["\"7\"", "\"-1001234567890\""],
            &[
                "\"abc\"",
                "\"@channel\"",
                "\"-\"",
                "\"--1\"",
                "\"1.5\"",
                "\"007\"",
                "\"12345678901234567890\"",
            ],
            "-1001234567890",
        ),
        ("authorized_users", &["[\"42424242\"]", "[]"], &["[\"ada\"]", "[\"-7\"]", "[\"\"]"], "1234567"),
    ] {
        for json in good {
            assert_eq!(flaws(name, json), [], "{name} {json}");
        }
        for json in bad {
            let flaws = flaws(name, json);
            let told: Vec<_> = flaws.iter().map(|flaw| (flaw.code, &*flaw.expected)).collect();
            assert_eq!(told, [(FlawCode::NotAPattern, example)], "{name} {json}");
        }
        let example =
            if name == "authorized_users" { format!("[\"{example}\"]") } else { format!("\"{example}\"") };
        assert_eq!(flaws(name, &example), [], "{name}");
    }
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

#[test]
fn an_exported_file_imports_as_nothing_new() {
    let settings =
        after(r#"{"max_open_trades":7,"minimal_roi":{"0":null,"10":0.5},"telegram":{"reload":false}}"#);
    let env = |authorized_users| Placeholders::Env { authorized_users };
    for placeholders in [Placeholders::None, env(false), env(true)] {
        let exported = settings.export(placeholders);
        assert_eq!(exported.contains("telegram"), placeholders != Placeholders::None);
        let imported = import(&value(&exported));
        assert!(imported.refused.is_empty());
        assert!(imported.ignored.iter().all(|(_, why)| *why != Ignored::Unknown), "{:?}", imported.ignored);
        let again =
            with(&settings, Settings::built_in(), &imported.patch, How::Replace, Known::default()).unwrap();
        assert_eq!(again, settings);
    }
}

#[test]
fn who_may_command_the_bot_is_asked_of_a_variable_and_is_nobody_without_it() {
    let telegram = |authorized_users| {
        let exported = value(&Settings::built_in().export(Placeholders::Env { authorized_users }));
        exported.as_map().unwrap()["telegram"].as_map().unwrap().clone()
    };
    assert_eq!(telegram(false).get("authorized_users"), None);
    let users = telegram(true)["authorized_users"].clone();
    assert_eq!(users.to_string(), r#"["FREQTRADE__TELEGRAM__AUTHORIZED_USERS"]"#);
    let file = Value::Map([("telegram".to_owned(), Value::Map(telegram(true)))].into());
    let imported = import(&file);
    let passed_over = ("/telegram/authorized_users".to_owned(), Ignored::Placeholder);
    assert!(imported.ignored.contains(&passed_over), "{:?}", imported.ignored);
    let mut patch = file.clone();
    assert_eq!(take_secrets(&mut patch), SecretChanges::default());
    assert!(!patch.to_string().contains("AUTHORIZED_USERS"));
}

#[test]
fn of_a_strangers_file_only_what_may_be_set_is_taken() {
    let file = r#"{"max_open_trades":9,"api_server":{"enabled":true},"exchange":{"name":"binance","key":"k"},
        "dry_run":false,"fiat_display_currency":null,"unheard_of":1,"minimal_roi":{"5":0.1},
        "pairlists":[{"method":"StaticPairList"},{"method":"RemotePairList"}]}"#;
    let imported = import(&value(file));
    assert_eq!(imported.taken, ["/exchange/name", "/max_open_trades", "/minimal_roi"]);
    assert_eq!(imported.refused, ["/api_server", "/exchange/key", "/pairlists/1/method"]);
    let ignored: Vec<(&str, Ignored)> =
        imported.ignored.iter().map(|(pointer, why)| (pointer.as_str(), *why)).collect();
    let expected = [
        ("/dry_run", Ignored::ReadOnly),
        ("/fiat_display_currency", Ignored::Nothing),
        ("/unheard_of", Ignored::Unknown),
    ];
    assert_eq!(ignored, expected);
    let after =
        with(Settings::built_in(), Settings::built_in(), &imported.patch, How::Replace, Known::default())
            .unwrap();
    assert_eq!(after.get("/minimal_roi").unwrap().to_string(), r#"{"5":0.1}"#);
}

#[test]
fn an_empty_whitelist_is_passed_over_where_the_lists_that_would_fill_it_are_refused() {
    let file = r#"{"exchange":{"name":"binance","pair_whitelist":[]},"stoploss":-0.2,"pairlists":[
        {"method":"RemotePairList","pairlist_url":"http://127.0.0.1:9/"}]}"#;
    let imported = import(&value(file));
    assert_eq!(imported.refused, ["/pairlists/0/method"]);
    assert_eq!(imported.ignored, [("/exchange/pair_whitelist".to_owned(), Ignored::Empty)]);
    assert_eq!(imported.taken, ["/exchange/name", "/stoploss"]);
    let built_in = Settings::built_in();
    let after = with(built_in, built_in, &imported.patch, How::Replace, Known::default()).unwrap();
    assert_eq!(after.get("/exchange/pair_whitelist"), built_in.get("/exchange/pair_whitelist"));
    // Beside lists that are taken it is what it says.
    let own =
        import(&value(r#"{"exchange":{"pair_whitelist":[]},"pairlists":[{"method":"StaticPairList"}]}"#));
    assert!(with(built_in, built_in, &own.patch, How::Replace, Known::default()).is_err());
}

#[test]
fn times_in_force_are_imported_in_either_case() {
    let imported = import(&value(r#"{"order_time_in_force":{"entry":"ioc","exit":"gtc"}}"#));
    assert_eq!(imported.patch.to_string(), r#"{"order_time_in_force":{"entry":"IOC","exit":"GTC"}}"#);
}

/// JSON that fits a key.
fn fitting(kind: Kind) -> BoxedStrategy<String> {
    let number = |from: f64, to: f64| (from..to).prop_map(|n| format!("{n:.4}")).boxed();
    match kind {
        Kind::Switch => any::<bool>().prop_map(|on| on.to_string()).boxed(),
        Kind::Integer(from, _) => (from..from + 50).prop_map(|n| n.to_string()).boxed(),
        Kind::Number(_, "1") => number(0.0, 1.0),
        Kind::Number(_, "0.5") => number(0.0, 0.5),
        Kind::Number(..) => number(0.0, 99_999.0),
        Kind::Between(..) => number(-0.99, -0.001),
        Kind::Choice(words) => prop::sample::select(words).prop_map(|word| format!("\"{word}\"")).boxed(),
        Kind::Asset => "\"[A-Z0-9]{2,10}\"".boxed(),
        Kind::Digits => "\"[0-9]{1,20}\"".boxed(),
        Kind::Stake => prop_oneof![number(0.001, 1e6), Just("\"unlimited\"".to_owned())].boxed(),
        Kind::Wallet => prop_oneof![number(0.0, 1e6), Just(r#"{"BTC":0.1,"EUR":7}"#.to_owned())].boxed(),
        Kind::Returns => (0..1_000, -0.5..0.5_f64).prop_map(|(m, r)| format!("{{\"{m}\":{r:.3}}}")).boxed(),
        Kind::Notice => {
            prop_oneof![Just("\"off\"".to_owned()), Just(r#"{"roi":"silent"}"#.to_owned())].boxed()
        }
        Kind::Pairs => "\\[\"[A-Z]{2,5}/USDT\"\\]".boxed(),
        Kind::Pairlists => Just(r#"[{"method":"StaticPairList"},{"method":"AgeFilter"}]"#.to_owned()).boxed(),
        Kind::Sealed(_) => Just("null".to_owned()).boxed(),
    }
}

fn a_patch() -> impl Strategy<Value = String> {
    (0..ENTRIES.len()).prop_flat_map(|index| {
        let entry = &ENTRIES[index];
        prop_oneof![3 => fitting(entry.kind), 1 => Just("null".to_owned())]
            .prop_map(move |json| at(entry.pointer, &json))
    })
}

proptest! {
    /// What is refused changes nothing; what is accepted is sound, exported and read back to the last digit.
    #[test]
    fn settings_stay_sound(patches in prop::collection::vec(a_patch(), 1..40)) {
        let mut settings = Settings::built_in().clone();
        for patch in patches {
            if let Ok(after) = patched(&settings, &patch) {
                settings = after;
            }
            prop_assert_eq!(patched(&settings, "{}"), Ok(settings.clone()));
            let stored = serde_json::to_string(&settings).unwrap();
            prop_assert_eq!(&Settings::parse(&stored).unwrap(), &settings);
            let imported = import(&value(&settings.export(Placeholders::Env { authorized_users: true })));
            let again = with(&settings, Settings::built_in(), &imported.patch, How::Replace, Known::default());
            prop_assert_eq!(again, Ok(settings.clone()));
        }
    }

    /// Any JSON at all is answered, and what is taken is what was sent.
    #[test]
    fn any_value_anywhere_is_answered(index in 0..ENTRIES.len(), json in "(\\[[1-9][0-9]{0,2}\\]|\"[a-z/:0-9.-]{0,8}\"|-?[1-9][0-9]{0,30}(\\.[0-9]{1,30})?|-?[0-9]\\.[0-9]{1,16}|[1-9]\\.[0-9]{1,30}e-?[0-9]{1,2}|\\{\"x\":1\\})") {
        let Entry { pointer, kind, .. } = &ENTRIES[index];
        let after = match patched(Settings::built_in(), &at(pointer, &json)) {
            Ok(after) => after,
            Err(Declined::Invalid(flaws)) => {
                prop_assert!(!flaws.is_empty());
                return Ok(());
            }
            Err(Declined::Forbidden(barred)) => panic!("{barred:?}"),
        };
        prop_assert_eq!(&Settings::parse(&serde_json::to_string(&after).unwrap()).unwrap(), &after);
        let kept = after.get(pointer);
        if matches!(kind, Kind::Sealed(_)) {
            prop_assert_eq!(kept, None);
        } else if let Some(Value::Number(number)) = kept {
            // Read by another reader, which refuses what it would have to round.
            let (base, exponent) = json.trim_matches('"').split_once('e').unwrap_or((json.trim_matches('"'), "0"));
            let (base, exponent) = (Decimal::from_str_exact(base).unwrap(), exponent.parse::<i32>().unwrap());
            let tens = (0..exponent.abs()).fold(Decimal::ONE, |tens, _| tens * Decimal::TEN);
            let (left, right) = if exponent < 0 { (base, *number * tens) } else { (base * tens, *number) };
            prop_assert_eq!(left, right, "{}", json);
        } else {
            prop_assert_eq!(kept, Some(&value(&json)));
        }
    }
}
