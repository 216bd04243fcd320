//! What is exported, and what of a file is taken.

use super::*;

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
