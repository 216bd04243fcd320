//! What one's freqtrade is set to: read, changed, refused, exported, taken over, and gone back to.

use crate::client::Answered;
use crate::house::{House, Person, new_key};
use crate::logs;
use serde_json::{Value, json};

pub(crate) const PATH: &str = "/users/settings";

/// A telegram token that nothing may ever show.
const TOKEN: &str = "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac6canary";

pub(crate) async fn patch(house: &House, person: &Person, body: &Value) -> Answered {
    house.ask("PATCH", PATH).token(&person.token).json(body).send().await
}

pub(crate) async fn read(house: &House, person: &Person) -> Value {
    let path = format!("{PATH}?min_position={}", house.head().await);
    house.get(&path).token(&person.token).send().await.expect(200)
}

pub(crate) async fn exported(house: &House, person: &Person, query: &str) -> String {
    let path = format!("{PATH}/export?min_position={}{query}", house.head().await);
    let answered = house.get(&path).token(&person.token).send().await;
    answered.expect(200);
    answered.text().to_owned()
}

async fn post(house: &House, person: &Person, at: &str, body: &Value) -> Answered {
    house.post(&format!("{PATH}{at}")).token(&person.token).json(body).send().await
}

pub(crate) fn errors(problem: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
}

/// `{"a": {"b": value}}` for `/a/b`.
fn at(pointer: &str, value: &Value) -> Value {
    pointer
        .split('/')
        .skip(1)
        .collect::<Vec<_>>()
        .iter()
        .rev()
        .fold(value.clone(), |inner, name| json!({ *name: inner }))
}

#[tokio::test]
async fn who_never_set_anything_has_the_defaults() {
    logs::keep();
    let house = House::open().await;
    let ada = house.person().await;
    let answered = house.get(PATH).token(&ada.token).send().await;
    let settings = answered.expect(200);
    assert_eq!((&settings["max_open_trades"], &settings["stake_currency"]), (&json!(3), &json!("USDT")));
    assert_eq!((&settings["dry_run"], &settings["source"]), (&json!(true), &json!("default")));
    assert_eq!((&settings["version"], answered.header("etag")), (&json!(0), Some("\"0.0\"")));
    assert_eq!(settings["telegram"]["token"], json!({ "set": false, "hint": null }));
    house.get(PATH).send().await.problem(401, "missing_token");
    assert_eq!(logs::count(&ada.id, &["user_settings_read"]), 1);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_exactly_and_is_written_down() {
    logs::keep();
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let change =
        json!({ "max_open_trades": 5, "stake_amount": 0.1, "exchange": { "pair_whitelist": ["BTC/USDT"] } });
    let answered = patch(&house, &ada, &change).await;
    let settings = answered.expect(200);
    assert_eq!((&settings["version"], answered.header("etag")), (&json!(1), Some("\"1\"")));
    assert_eq!((&settings["source"], &settings["exchange"]["name"]), (&json!("settings"), &json!("binance")));
    assert!(answered.text().contains("\"stake_amount\":0.1,"), "{}", answered.text());
    assert_eq!(settings["exchange"]["pair_whitelist"], json!(["BTC/USDT"]));
    assert_eq!(read(&house, &ada).await, settings);
    assert_eq!(read(&house, &eve).await["version"], 0);
    let known = house.get(PATH).token(&ada.token).header("if-none-match", "\"1\"").send().await;
    assert_eq!(known.status, 304);
    // What is so already is no change, and null goes back.
    assert_eq!(patch(&house, &ada, &json!({ "max_open_trades": 5 })).await.expect(200)["version"], 1);
    let back = patch(&house, &ada, &json!({ "max_open_trades": null })).await.expect(200);
    assert_eq!((&back["max_open_trades"], &back["version"]), (&json!(3), &json!(2)));
    assert_eq!(logs::count(&ada.id, &["user_settings_updated"]), 3);
    let path = format!("{PATH}/history?min_position={}", house.head().await);
    let history = house.get(&path).token(&ada.token).send().await.expect(200);
    let items = history["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!((&items[0]["version"], &items[0]["fields"]), (&json!(2), &json!(["max_open_trades"])));
    assert_eq!(items[1]["fields"], json!(["exchange.pair_whitelist", "max_open_trades", "stake_amount"]));
    assert_eq!((&items[1]["cause"], &items[1]["actor"]["id"]), (&json!({ "by": "patch" }), &json!(ada.id)));
}

#[tokio::test]
async fn a_repeat_answers_as_then_and_changes_nothing() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    let ask = |trades: u32| {
        let ask = house.ask("PATCH", PATH).token(&ada.token).key(&key);
        ask.json(&json!({ "max_open_trades": trades })).send()
    };
    let first = ask(5).await;
    patch(&house, &ada, &json!({ "max_open_trades": 6 })).await.expect(200);
    ask(5).await.repeats(&first);
    ask(7).await.problem(422, "idempotency_key_reused");
    assert_eq!(read(&house, &ada).await["max_open_trades"], 6);
}

#[tokio::test]
async fn of_two_patches_from_one_version_one_is_stale() {
    let house = House::open().await;
    let ada = house.person().await;
    let ask = |trades: u32| {
        let ask = house.ask("PATCH", PATH).token(&ada.token).header("if-match", "\"0\"");
        ask.json(&json!({ "max_open_trades": trades })).send()
    };
    let (one, other) = tokio::join!(ask(7), ask(8));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let stale = if one.status == 412 { one } else { other };
    let problem = stale.problem(412, "version_mismatch");
    assert_eq!((&problem["expected"], &problem["actual"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn what_is_forbidden_is_refused_with_all_its_pointers_and_nothing_is_applied() {
    logs::keep();
    let house = House::open().await;
    let ada = house.person().await;
    for pointer in [
        "/exchange/ccxt_config",
        "/exchange/ccxt_async_config",
        "/exchange/ccxt_sync_config",
        "/exchange/key",
        "/exchange/api_key",
        "/exchange/secret",
        "/exchange/password",
        "/exchange/uid",
        "/exchange/account_id",
        "/exchange/wallet_address",
        "/exchange/private_key",
        "/exchange/log_responses",
        "/add_config_files",
        "/log_config",
        "/db_url",
        "/user_data_dir",
        "/datadir",
        "/strategy_path",
        "/recursive_strategy_search",
        "/freqaimodel_path",
        "/hyperopt_path",
        "/export",
        "/exportfilename",
        "/api_server",
        "/webhook/url",
        "/discord/webhook_url",
        "/external_message_consumer",
        "/coingecko",
        "/freqai",
        "/freqaimodel",
        "/internals",
        "/initial_state",
        "/force_entry_enable",
        "/disable_dataframe_checks",
        "/experimental",
        "/orderflow",
        "/dry_run",
        "/bot_name",
        "/strategy",
        "/version",
        "/updated_at",
        "/source",
    ] {
        let body = at(pointer, &json!("canary"));
        let problem = patch(&house, &ada, &body).await.problem(403, "setting_forbidden");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    for method in ["RemotePairList", "ProducerPairList"] {
        let body = json!({ "pairlists": [{ "method": method }] });
        let problem = patch(&house, &ada, &body).await.problem(403, "setting_forbidden");
        assert_eq!(problem["errors"][0]["pointer"], "/pairlists/0/method");
    }
    // With something that is good, and something that is wrong.
    let body = json!({ "max_open_trades": 9, "stoploss": 5, "db_url": "sqlite:///x", "dry_run": false });
    let problem = patch(&house, &ada, &body).await.problem(403, "setting_forbidden");
    let expected = [("/db_url", "setting_forbidden"), ("/dry_run", "read_only")]
        .map(|(p, c)| (p.to_owned(), c.to_owned()));
    assert_eq!(errors(&problem), expected);
    assert_eq!(read(&house, &ada).await["version"], 0);
    assert!(logs::count(&ada.id, &["user_settings_update_failed"]) > 40);
}

#[tokio::test]
async fn what_is_no_setting_and_what_stands_twice_is_refused() {
    let house = House::open().await;
    let ada = house.person().await;
    let unknown = json!({ "protections": [], "exchange": { "nam": "x" } });
    let problem = patch(&house, &ada, &unknown).await.problem(422, "unknown_setting");
    assert_eq!(errors(&problem)[0], ("/exchange/nam".to_owned(), "unknown_setting".to_owned()));
    let twice = house.ask("PATCH", PATH).token(&ada.token).text(r#"{"stoploss":-0.1,"stoploss":-0.2}"#);
    twice.send().await.problem(422, "validation_failed");
    assert_eq!(read(&house, &ada).await["version"], 0);
}

#[tokio::test]
async fn secrets_are_set_and_never_shown() {
    logs::keep();
    let house = House::open().await;
    let ada = house.person().await;
    let needs = json!({ "telegram": { "enabled": true, "token": TOKEN } });
    let problem = patch(&house, &ada, &needs).await.problem(422, "validation_failed");
    assert_eq!(errors(&problem), [("/telegram/chat_id".to_owned(), "required".to_owned())]);
    let all = json!({ "telegram": { "enabled": true, "token": TOKEN, "chat_id": "123456789", "authorized_users": ["42424242"] } });
    let answered = patch(&house, &ada, &all).await;
    let settings = answered.expect(200);
    assert_eq!(settings["telegram"]["token"], json!({ "set": true, "hint": "…nary" }));
    assert_eq!(settings["telegram"]["chat_id"]["hint"], "…89");
    assert_eq!(read(&house, &ada).await, settings);
    let rows: i64 = sqlx::query_scalar("select count(*) from secrets where kind = 'telegram'")
        .fetch_one(house.journal.pool())
        .await
        .unwrap();
    assert_eq!(rows, 3);
    assert!(!exported(&house, &ada, "").await.contains("telegram"));
    let with_places = exported(&house, &ada, "&secrets=env").await;
    assert!(with_places.contains("FREQTRADE__TELEGRAM__TOKEN") && !with_places.contains("canary"));
    assert!(
        with_places.contains("\"FREQTRADE__TELEGRAM__AUTHORIZED_USERS\"") && !with_places.contains("4242")
    );
    let file: Value = serde_json::from_str(&with_places).unwrap();
    let again = post(&house, &ada, "/import", &file).await.expect(200);
    assert_eq!((&again["changed"], &again["refused"]), (&json!([]), &json!([])));
    let events = house.get("/events?type=SettingsChanged").token(&ada.token).send().await;
    assert!(!events.text().contains("canary") && !events.text().contains("123456789"));
    // Left out stays; null clears.
    let kept = patch(&house, &ada, &json!({ "telegram": { "reload": false } })).await.expect(200);
    assert_eq!(kept["telegram"]["token"]["set"], true);
    let cleared = json!({ "telegram": { "enabled": false, "token": null } });
    let cleared = patch(&house, &ada, &cleared).await.expect(200);
    assert_eq!(cleared["telegram"]["token"], json!({ "set": false, "hint": null }));
    assert_eq!(logs::count("canary", &["user_settings_updated", "user_settings_update_failed"]), 0);
}

#[tokio::test]
async fn an_exported_file_is_taken_over_as_nothing_new() {
    let house = House::open().await;
    let ada = house.person().await;
    let change =
        json!({ "max_open_trades": -1, "stake_amount": 12.5, "minimal_roi": { "0": null, "30": 0.015 } });
    patch(&house, &ada, &change).await.expect(200);
    let file = exported(&house, &ada, "").await;
    let config: Value = serde_json::from_str(&file).unwrap();
    for key in [
        "/exchange/name",
        "/exchange/pair_whitelist",
        "/timeframe",
        "/max_open_trades",
        "/stake_currency",
        "/stake_amount",
        "/dry_run",
        "/entry_pricing/price_side",
        "/exit_pricing/price_side",
        "/stoploss",
        "/minimal_roi",
        "/pairlists",
    ] {
        assert!(config.pointer(key).is_some(), "{key}");
    }
    let taken = house.post(&format!("{PATH}/import")).token(&ada.token).text(&file).send().await.expect(200);
    assert_eq!((&taken["changed"], &taken["settings"]["version"]), (&json!([]), &json!(1)));
    assert_eq!(taken["refused"], json!([]));
    assert_eq!(exported(&house, &ada, "").await, file);
    let strange =
        json!({ "max_open_trades": 4, "api_server": { "enabled": true }, "dry_run": false, "x": 1 });
    let taken = post(&house, &ada, "/import", &strange).await.expect(200);
    assert_eq!(taken["taken"], json!(["/max_open_trades"]));
    assert_eq!(taken["refused"], json!([{ "pointer": "/api_server", "code": "setting_forbidden" }]));
    let ignored = json!([{ "pointer": "/dry_run", "code": "read_only" }, { "pointer": "/x", "code": "unknown_setting" }]);
    assert_eq!(taken["ignored"], ignored);
    assert_eq!(taken["settings"]["max_open_trades"], 4);
    post(&house, &ada, "/import", &json!({ "stoploss": 3 })).await.problem(422, "validation_failed");
    let wrong = house.get(&format!("{PATH}/export?secrets=all")).token(&ada.token).send().await;
    wrong.problem(422, "validation_failed");
}

#[tokio::test]
async fn going_back_gives_the_file_of_then_to_the_byte() {
    let house = House::open().await;
    let ada = house.person().await;
    patch(&house, &ada, &json!({ "max_open_trades": 5, "stake_amount": 0.25 })).await.expect(200);
    let then = exported(&house, &ada, "").await;
    patch(&house, &ada, &json!({ "max_open_trades": 6, "minimal_roi": { "60": 0.01 } })).await.expect(200);
    assert_ne!(exported(&house, &ada, "").await, then);
    let back = post(&house, &ada, "/revert", &json!({ "version": 1 })).await.expect(200);
    assert_eq!((&back["version"], &back["max_open_trades"]), (&json!(3), &json!(5)));
    assert_eq!(exported(&house, &ada, "").await, then);
    let first = post(&house, &ada, "/revert", &json!({ "version": 0 })).await.expect(200);
    assert_eq!((&first["version"], &first["max_open_trades"]), (&json!(4), &json!(3)));
    let never = post(&house, &ada, "/revert", &json!({ "version": 9 })).await;
    never.problem(404, "settings_version_not_found");
    post(&house, &ada, "/revert", &json!({})).await.problem(422, "validation_failed");
}

#[tokio::test]
async fn admins_say_what_everybody_begins_with() {
    let house = House::open().await;
    let (ada, eve, root) = (house.person().await, house.person().await, house.admin().await);
    patch(&house, &eve, &json!({ "stake_currency": "EUR" })).await.expect(200);
    let at = "/admin/settings/defaults";
    house.get(at).token(&ada.token).send().await.problem(403, "admin_required");
    let before = house.get(at).token(&root.token).send().await.expect(200);
    assert_eq!((&before["version"], &before["settings"]["max_open_trades"]), (&json!(0), &json!(3)));
    let put = |body: Value| house.ask("PUT", at).token(&root.token).json(&body).send();
    let after = put(json!({ "max_open_trades": 7 })).await.expect(200);
    assert_eq!((&after["version"], &after["settings"]["max_open_trades"]), (&json!(1), &json!(7)));
    // What is shown, put back, changes nothing.
    let minimal_roi = json!({ "60": 0.01 });
    let after = put(json!({ "max_open_trades": 7, "minimal_roi": minimal_roi })).await.expect(200);
    assert_eq!((&after["version"], &after["settings"]["minimal_roi"]), (&json!(2), &minimal_roi));
    let again = put(after["settings"].clone()).await.expect(200);
    assert_eq!((&again["version"], &again["settings"]), (&json!(2), &after["settings"]));
    put(json!({ "db_url": "x" })).await.problem(403, "setting_forbidden");
    put(json!({ "stoploss": 1 })).await.problem(422, "validation_failed");
    assert_eq!(read(&house, &ada).await["max_open_trades"], 7);
    assert_eq!(read(&house, &eve).await["max_open_trades"], 3);
    // The first change takes them over.
    let changed = patch(&house, &ada, &json!({ "stake_currency": "BTC" })).await.expect(200);
    assert_eq!(changed["max_open_trades"], 7);
}
