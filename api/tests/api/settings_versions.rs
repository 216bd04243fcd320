//! Which settings somebody has seen, and whether they still are: tags, conditions, repeats, and how they came to be.

use crate::client::Answered;
use crate::house::{House, Person, new_key};
use crate::settings::{PATH, patch};
use serde_json::{Value, json};

const DEFAULTS: &str = "/admin/settings/defaults";

async fn get(house: &House, person: &Person) -> Answered {
    let path = format!("{PATH}?min_position={}", house.head().await);
    house.get(&path).token(&person.token).send().await
}

fn tag(answered: &Answered) -> String {
    answered.header("etag").unwrap().to_owned()
}

async fn status_with(house: &House, person: &Person, tag: &str) -> u16 {
    let path = format!("{PATH}?min_position={}", house.head().await);
    house.get(&path).token(&person.token).header("if-none-match", tag).send().await.status
}

async fn patch_if(house: &House, person: &Person, tag: &str, body: &Value) -> Answered {
    house.ask("PATCH", PATH).token(&person.token).header("if-match", tag).json(body).send().await
}

async fn preset(house: &House, person: &Person, method: &str, at: &str, body: &Value) -> Value {
    let answered =
        house.ask(method, &format!("{PATH}/presets{at}")).token(&person.token).json(body).send().await;
    assert!(answered.status < 300, "{method} {at}: {}", answered.text());
    answered.expect(answered.status)
}

#[tokio::test]
async fn whatever_changes_the_answer_changes_its_tag_and_not_the_version() {
    let house = House::open().await;
    let ada = house.person().await;
    let changed = patch(&house, &ada, &json!({ "max_open_trades": 5 })).await;
    changed.expect(200);
    let plain = tag(&get(&house, &ada).await);
    assert_eq!((plain.as_str(), tag(&changed)), ("\"1\"", plain.clone()));
    preset(&house, &ada, "POST", "", &json!({ "name": "one" })).await;
    let steps = [
        ("POST", "/one/apply", json!({})),
        ("PATCH", "/one", json!({ "name": "two" })),
        ("PUT", "/two", json!({ "settings": { "max_open_trades": 7 } })),
        ("PUT", "/two", json!({})),
        ("POST", "/two/apply", json!({})),
        ("DELETE", "/two", json!({})),
    ];
    let mut known = plain.clone();
    let mut preset_shown = Value::Null;
    for (method, at, body) in steps {
        preset(&house, &ada, method, at, &body).await;
        let now = get(&house, &ada).await;
        let shown = now.expect(200)["preset"].clone();
        assert_eq!(now.expect(200)["version"], 1, "{method} {at}");
        let is_other = shown != preset_shown;
        let expected = if is_other { 200 } else { 304 };
        assert_eq!(status_with(&house, &ada, &known).await, expected, "{method} {at}: {known}");
        assert_eq!(status_with(&house, &ada, &tag(&now)).await, 304, "{method} {at}");
        (known, preset_shown) = (tag(&now), shown);
    }
    assert_eq!(known, plain);
    // Applying answers with the tag that reading has, and either is good for a change.
    preset(&house, &ada, "POST", "", &json!({ "name": "three" })).await;
    let applied =
        house.post(&format!("{PATH}/presets/three/apply")).token(&ada.token).json(&json!({})).send();
    let applied = tag(&applied.await);
    assert_eq!(applied, tag(&get(&house, &ada).await));
    assert_ne!(applied, plain);
    let changed = patch_if(&house, &ada, &applied, &json!({ "max_open_trades": 6 })).await;
    assert_eq!(changed.expect(200)["version"], 2);
    let changed = patch_if(&house, &ada, &tag(&changed), &json!({ "max_open_trades": 8 })).await;
    assert_eq!(changed.expect(200)["version"], 3);
    patch_if(&house, &ada, &applied, &json!({ "max_open_trades": 9 })).await.problem(412, "version_mismatch");
}

#[tokio::test]
async fn whoever_set_nothing_is_told_when_the_defaults_are_others_by_now() {
    let house = House::open().await;
    let (ada, eve, root) = (house.person().await, house.person().await, house.admin().await);
    let seen = tag(&get(&house, &ada).await);
    assert_eq!(status_with(&house, &ada, &seen).await, 304);
    let first = patch_if(&house, &eve, &seen, &json!({ "stake_currency": "BTC" })).await;
    assert_eq!(first.expect(200)["version"], 1);
    let put = |trades: u32| {
        let put = house.ask("PUT", DEFAULTS).token(&root.token);
        put.json(&json!({ "max_open_trades": trades })).send()
    };
    put(7).await.expect(200);
    assert_eq!(status_with(&house, &ada, &seen).await, 200);
    let key = new_key();
    let ask = || {
        let ask = house.ask("PATCH", PATH).token(&ada.token).key(&key).header("if-match", &seen);
        ask.json(&json!({ "stake_currency": "BTC" })).send()
    };
    let stale = ask().await;
    let problem = stale.problem(412, "version_mismatch");
    assert_eq!((&problem["expected"], &problem["actual"]), (&json!(0), &json!(1)));
    assert_eq!(ask().await.status, 412);
    let now = get(&house, &ada).await;
    assert_eq!((&now.expect(200)["version"], &now.expect(200)["max_open_trades"]), (&json!(0), &json!(7)));
    // Of two from what is so now, one is first.
    let ask = |trades: u32| {
        let ask = house.ask("PATCH", PATH).token(&ada.token).header("if-match", &tag(&now));
        ask.json(&json!({ "max_open_trades": trades })).send()
    };
    let (one, other) = tokio::join!(ask(8), ask(9));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    // What one has set is one's own: others' defaults are nothing to it.
    put(3).await.expect(200);
    assert_eq!(status_with(&house, &eve, &tag(&first)).await, 304);
}

#[tokio::test]
async fn a_repeat_about_the_defaults_answers_as_then() {
    let house = House::open().await;
    let (ada, root) = (house.person().await, house.admin().await);
    let put = |key: &str, trades: u32| {
        let put = house.ask("PUT", DEFAULTS).token(&root.token).key(key);
        put.json(&json!({ "max_open_trades": trades })).send()
    };
    let (one, same, mine) = (new_key(), new_key(), new_key());
    let first = put(&one, 7).await;
    assert_eq!(first.expect(200)["version"], 1);
    let nothing_new = put(&same, 7).await;
    assert_eq!(nothing_new.expect(200)["version"], 1);
    // Whoever changes nothing sees everybody's, also as they were.
    let idle = || house.ask("PATCH", PATH).token(&ada.token).key(&mine).json(&json!({})).send();
    let idled = idle().await;
    assert_eq!(idled.expect(200)["max_open_trades"], 7);
    assert_eq!(put(&new_key(), 8).await.expect(200)["version"], 2);
    put(&one, 7).await.repeats(&first);
    put(&same, 7).await.repeats(&nothing_new);
    idle().await.repeats(&idled);
}

#[tokio::test]
async fn the_same_key_with_another_file_is_another_request() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    let import = |file: Value| {
        let import = house.post(&format!("{PATH}/import")).token(&ada.token).key(&key);
        import.json(&file).send()
    };
    let file = json!({ "max_open_trades": 4, "strange": 1 });
    let first = import(file.clone()).await;
    first.expect(200);
    import(file).await.repeats(&first);
    let other = json!({ "max_open_trades": 4, "api_server": { "enabled": true } });
    import(other).await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn of_every_version_is_told_what_changed_and_never_a_secret() {
    let house = House::open().await;
    let (ada, eve, root) = (house.person().await, house.person().await, house.admin().await);
    let defaults = house.ask("PUT", DEFAULTS).token(&root.token).json(&json!({ "max_open_trades": 7 }));
    defaults.send().await.expect(200);
    patch(&house, &ada, &json!({ "max_open_trades": 5, "available_capital": 10.5 })).await.expect(200);
    let secret = "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhaccanary";
    let body = json!({ "stake_currency": "BTC", "telegram": { "token": secret } });
    patch(&house, &ada, &body).await.expect(200);
    let version = |person: &Person, version: &str| {
        house.get(&format!("{PATH}/history/{version}")).token(&person.token).send()
    };
    let first = version(&ada, "1").await.expect(200);
    let changes = json!([
        { "field": "available_capital", "from": null, "to": 10.5 },
        { "field": "max_open_trades", "from": 7, "to": 5 },
    ]);
    assert_eq!((&first["version"], &first["changes"]), (&json!(1), &changes));
    assert_eq!((&first["cause"], &first["actor"]["id"]), (&json!({ "by": "patch" }), &json!(ada.id)));
    assert_eq!(
        (&first["settings"]["max_open_trades"], &first["settings"]["stake_currency"]),
        (&json!(5), &json!("USDT"))
    );
    let second = version(&ada, "2").await;
    let changes =
        json!([{ "field": "stake_currency", "from": "USDT", "to": "BTC" }, { "field": "telegram.token" }]);
    assert_eq!(second.expect(200)["changes"], changes);
    assert!(!second.text().contains("canary") && !second.text().contains("…"));
    for no_version in ["0", "3", "-1", "x", "99999999999999999999"] {
        version(&ada, no_version).await.problem(404, "settings_version_not_found");
    }
    version(&eve, "1").await.problem(404, "settings_version_not_found");
}

#[tokio::test]
async fn a_file_and_defaults_that_are_known_are_not_sent_again() {
    let house = House::open().await;
    let (ada, root) = (house.person().await, house.admin().await);
    let ask = async |person: &Person, path: &str, known: &str| {
        let path = format!("{path}min_position={}", house.head().await);
        house.get(&path).token(&person.token).header("if-none-match", known).send().await
    };
    let (export, defaults) = (format!("{PATH}/export?secrets=env&"), format!("{DEFAULTS}?"));
    // Whoever set nothing has the defaults in their file.
    for (person, path, at, trades) in
        [(&ada, &export, "/max_open_trades", 7), (&root, &defaults, "/settings/max_open_trades", 8)]
    {
        let first = ask(person, path, "\"99\"").await;
        first.expect(200);
        let known = ask(person, path, &tag(&first)).await;
        assert_eq!((known.status, known.body.len(), tag(&known)), (304, 0, tag(&first)), "{path}");
        let put = house.ask("PUT", DEFAULTS).token(&root.token);
        put.json(&json!({ "max_open_trades": trades })).send().await.expect(200);
        let changed = ask(person, path, &tag(&first)).await.expect(200);
        assert_eq!(changed.pointer(at), Some(&json!(trades)), "{path}");
    }
    let plain = patch(&house, &ada, &json!({ "max_open_trades": 5 })).await;
    assert_eq!(ask(&ada, &export, &tag(&plain)).await.status, 304);
    let telegram = json!({ "telegram": { "token": "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac6canary" } });
    patch(&house, &ada, &telegram).await.expect(200);
    ask(&ada, &export, &tag(&plain)).await.expect(200);
}
