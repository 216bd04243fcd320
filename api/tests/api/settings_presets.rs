//! Settings under names: saved, renamed, changed, applied, deleted, and at once.

use crate::client::Answered;
use crate::house::{House, Person};
use crate::settings::{PATH, errors, exported, patch, read};
use serde_json::{Value, json};

async fn ask(house: &House, person: &Person, method: &str, at: &str, body: &Value) -> Answered {
    house.ask(method, &format!("{PATH}/presets{at}")).token(&person.token).json(body).send().await
}

async fn list(house: &House, person: &Person) -> Vec<Value> {
    let path = format!("{PATH}/presets?min_position={}", house.head().await);
    let body = house.get(&path).token(&person.token).send().await.expect(200);
    body["items"].as_array().unwrap().clone()
}

fn names(presets: &[Value]) -> Vec<&str> {
    presets.iter().map(|preset| preset["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_preset_is_saved_applied_and_marked_until_the_settings_are_others() {
    let house = House::open().await;
    let ada = house.person().await;
    let careful = json!({ "name": "careful", "settings": { "max_open_trades": 1, "stake_amount": 0.5 } });
    let made = ask(&house, &ada, "POST", "", &careful).await;
    let preset = made.expect(201);
    assert_eq!((&preset["version"], made.header("etag")), (&json!(1), Some("\"1\"")));
    assert_eq!((&preset["settings"]["max_open_trades"], &preset["active"]), (&json!(1), &json!(false)));
    assert!(preset["settings"].get("telegram").is_none());
    ask(&house, &ada, "POST", "", &careful).await.problem(409, "preset_exists");
    assert_eq!(read(&house, &ada).await["version"], 0);
    let settings = ask(&house, &ada, "POST", "/careful/apply", &json!({})).await.expect(200);
    assert_eq!((&settings["max_open_trades"], &settings["version"]), (&json!(1), &json!(1)));
    assert_eq!((&settings["source"], &settings["preset"]), (&json!("preset"), &json!("careful")));
    assert_eq!(list(&house, &ada).await[0]["active"], true);
    let renamed = ask(&house, &ada, "PATCH", "/careful", &json!({ "name": "calm" })).await.expect(200);
    assert_eq!(
        (&renamed["name"], &renamed["active"], &renamed["version"]),
        (&json!("calm"), &json!(true), &json!(2))
    );
    patch(&house, &ada, &json!({ "max_open_trades": 2 })).await.expect(200);
    assert_eq!(list(&house, &ada).await[0]["active"], false);
    let put = ask(&house, &ada, "PUT", "/calm", &json!({})).await.expect(200);
    assert_eq!(put["settings"]["max_open_trades"], 2);
    let put =
        ask(&house, &ada, "PUT", "/fresh", &json!({ "settings": { "stoploss": -0.3 } })).await.expect(200);
    assert_eq!(
        (&put["settings"]["max_open_trades"], &put["settings"]["stoploss"]),
        (&json!(3), &json!(-0.3))
    );
    let gone = ask(&house, &ada, "DELETE", "/calm", &json!({})).await.expect(200);
    assert_eq!((&gone["name"], &gone["deleted"]), (&json!("calm"), &json!(true)));
    assert_eq!(names(&list(&house, &ada).await), ["fresh"]);
    ask(&house, &ada, "DELETE", "/calm", &json!({})).await.problem(404, "preset_not_found");
    ask(&house, &ada, "POST", "/calm/apply", &json!({})).await.problem(404, "preset_not_found");
}

#[tokio::test]
async fn what_is_wrong_with_a_preset_is_said_where_it_stands() {
    let house = House::open().await;
    let ada = house.person().await;
    let bad = json!({ "name": "a", "settings": { "stoploss": 4 } });
    let problem = ask(&house, &ada, "POST", "", &bad).await.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/stoploss");
    let forbidden = json!({ "name": "a", "settings": { "exchange": { "key": "k" } } });
    let problem = ask(&house, &ada, "POST", "", &forbidden).await.problem(403, "setting_forbidden");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/exchange/key");
    let telegram = json!({ "name": "a", "settings": { "telegram": { "token": "123456:canary" } } });
    ask(&house, &ada, "POST", "", &telegram).await.problem(422, "unknown_setting");
    for name in [json!(""), json!("a b"), json!("-x"), json!("x".repeat(41)), json!(7), json!(null)] {
        let problem =
            ask(&house, &ada, "POST", "", &json!({ "name": name })).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/name");
    }
}

#[tokio::test]
async fn presets_saved_at_once_are_all_there_and_of_two_edits_one_is_stale() {
    let house = House::open().await;
    let ada = house.person().await;
    let saves = (0..20).map(|n| {
        let (house, ada) = (&house, &ada);
        async move {
            let body = json!({ "name": format!("p{n:02}"), "settings": { "max_open_trades": n } });
            ask(house, ada, "POST", "", &body).await.expect(201)
        }
    });
    futures::future::join_all(saves).await;
    assert_eq!(list(&house, &ada).await.len(), 20);
    let more = json!({ "name": "one-more" });
    let problem = ask(&house, &ada, "POST", "", &more).await.problem(409, "too_many_presets");
    assert_eq!(problem["max"], 20);
    let edit = |n: u32| {
        let edit =
            house.ask("PATCH", &format!("{PATH}/presets/p03")).token(&ada.token).header("if-match", "\"1\"");
        edit.json(&json!({ "settings": { "max_open_trades": n } })).send()
    };
    let (one, other) = tokio::join!(edit(40), edit(41));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    // Whoever asks for no version changes what they name, and nothing else.
    let changes =
        [json!({ "stake_amount": 21.5 }), json!({ "timeframe": "4h" }), json!({ "stoploss": -0.21 })];
    let edits = changes.map(|settings| {
        let (house, ada) = (&house, &ada);
        async move { ask(house, ada, "PATCH", "/p07", &json!({ "settings": settings })).await.expect(200) }
    });
    futures::future::join_all(edits).await;
    let presets = list(&house, &ada).await;
    let p07 = &presets.iter().find(|preset| preset["name"] == "p07").unwrap();
    let settings = &p07["settings"];
    assert_eq!(
        (&settings["stake_amount"], &settings["timeframe"], &settings["stoploss"], &p07["version"]),
        (&json!(21.5), &json!("4h"), &json!(-0.21), &json!(4))
    );
}

#[tokio::test]
async fn a_form_of_a_preset_has_its_members_and_no_other() {
    let house = House::open().await;
    let ada = house.person().await;
    let careful = json!({ "name": "careful", "settings": { "max_open_trades": 1 } });
    ask(&house, &ada, "POST", "", &careful).await.expect(201);
    let before = list(&house, &ada).await;
    let head = house.head().await;
    for (method, at) in [("PUT", "/careful"), ("PATCH", "/careful"), ("POST", "")] {
        for (mut body, pointer) in [
            (json!({ "setings": { "max_open_trades": 9 } }), "/setings"),
            (json!({ "max_open_trades": 9 }), "/max_open_trades"),
            (json!({ "settings": { "max_open_trades": 9 }, "a/b": 1 }), "/a~1b"),
        ] {
            if method == "POST" {
                body["name"] = json!("other");
            }
            let problem = ask(&house, &ada, method, at, &body).await.problem(422, "unknown_setting");
            assert_eq!(errors(&problem), [(pointer.to_owned(), "unknown_setting".to_owned())]);
        }
        for settings in [json!(null), json!(5), json!([])] {
            let mut body = json!({ "settings": settings });
            if method == "POST" {
                body["name"] = json!("other");
            }
            let problem = ask(&house, &ada, method, at, &body).await.problem(422, "validation_failed");
            assert_eq!(errors(&problem), [("/settings".to_owned(), "wrong_type".to_owned())]);
        }
    }
    let named = json!({ "name": "careful", "settings": {} });
    let problem = ask(&house, &ada, "PUT", "/careful", &named).await.problem(422, "unknown_setting");
    assert_eq!(errors(&problem)[0].0, "/name");
    let nobody = json!({ "name": null });
    ask(&house, &ada, "PATCH", "/careful", &nobody).await.problem(422, "validation_failed");
    assert_eq!(house.head().await, head, "refusals leave no event");
    assert_eq!(list(&house, &ada).await, before);
}

#[tokio::test]
async fn going_from_one_preset_to_another_and_back_is_the_same_file() {
    let house = House::open().await;
    let ada = house.person().await;
    for (name, trades) in [("one", 1), ("two", 2)] {
        let body = json!({ "name": name, "settings": { "max_open_trades": trades } });
        ask(&house, &ada, "POST", "", &body).await.expect(201);
    }
    ask(&house, &ada, "POST", "/one/apply", &json!({})).await.expect(200);
    let first = exported(&house, &ada, "").await;
    ask(&house, &ada, "POST", "/two/apply", &json!({})).await.expect(200);
    assert_ne!(exported(&house, &ada, "").await, first);
    ask(&house, &ada, "POST", "/one/apply", &json!({})).await.expect(200);
    assert_eq!(exported(&house, &ada, "").await, first);
}
