//! What somebody prefers: defaults, changes whole or in part, and everything that is refused.

use crate::client::Answered;
use crate::house::{House, Person, new_key};
use serde_json::{Value, json};

const PATH: &str = "/users/me/preferences";

async fn change(house: &House, person: &Person, method: &str, body: &Value) -> Answered {
    house.ask(method, PATH).token(&person.token).json(body).send().await
}

async fn read(house: &House, person: &Person) -> Value {
    let path = format!("{PATH}?min_position={}", house.head().await);
    house.get(&path).token(&person.token).send().await.expect(200)
}

fn defaults() -> Value {
    json!({
        "default_mode": "paper", "default_capital": "100000", "default_currency": "USDT", "risk_per_trade": "0.02",
        "max_drawdown": "0.10", "default_interval_s": 3600, "auto_rebalance": false, "notifications": true,
        "theme": "light", "timezone": "UTC", "locale": "en",
    })
}

/// All of them, without where they stand.
fn values(body: &Value) -> Value {
    let mut values = body.as_object().unwrap().clone();
    values.remove("version");
    values.remove("position");
    Value::Object(values)
}

fn with(base: &Value, changes: &Value) -> Value {
    let mut all = base.as_object().unwrap().clone();
    all.extend(changes.as_object().unwrap().clone());
    Value::Object(all)
}

/// What is wrong, by place.
fn flaws(problem: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
}

#[tokio::test]
async fn who_never_chose_has_the_defaults_at_once() {
    let house = House::open().await;
    let registration = house.registration();
    house.post("/auth/register").json(&registration).send().await.expect(201);
    let signed_in = house.login(registration["username"].as_str().unwrap()).await.expect(200);
    let token = signed_in["access_token"].as_str().unwrap();
    let answered = house.get(PATH).token(token).send().await;
    assert_eq!(values(&answered.expect(200)), defaults());
    let path = format!("{PATH}?min_position={}", signed_in["position"]);
    let answered = house.get(&path).token(token).send().await;
    assert_eq!(values(&answered.expect(200)), defaults());
    assert_eq!((&answered.json()["version"], answered.header("etag")), (&json!(0), Some("\"0\"")));
    let again = house.get(PATH).token(token).header("if-none-match", "\"0\"").send().await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn their_version_is_their_own_and_a_login_leaves_it_alone() {
    let house = House::open().await;
    let ada = house.person().await;
    let if_match = |tag: &str, theme: &str| {
        let ask = house.ask("PATCH", PATH).token(&ada.token).header("if-match", tag);
        ask.json(&json!({ "theme": theme })).send()
    };
    let first = change(&house, &ada, "PATCH", &json!({ "theme": "dark" })).await;
    assert_eq!((&first.expect(200)["version"], first.header("etag")), (&json!(1), Some("\"1\"")));
    house.login(&ada.name).await.expect(200);
    let name = json!({ "name": "Ada L." });
    house.ask("PATCH", "/users/me").token(&ada.token).json(&name).send().await.expect(200);
    let path = format!("{PATH}?min_position={}", house.head().await);
    let known = house.get(&path).token(&ada.token).header("if-none-match", "\"1\"").send().await;
    assert_eq!(known.status, 304);
    let second = if_match("\"1\"", "light").await;
    assert_eq!((&second.expect(200)["version"], second.header("etag")), (&json!(2), Some("\"2\"")));
    let stale = if_match("\"1\"", "dark").await.problem(412, "version_mismatch");
    assert_eq!((&stale["expected"], &stale["actual"]), (&json!(1), &json!(2)));
    // What is so already is no change, and no version.
    assert_eq!(if_match("\"2\"", "light").await.expect(200)["version"], 2);
    assert_eq!(read(&house, &ada).await["version"], 2);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_a_put_sets_all() {
    let house = House::open().await;
    let ada = house.person().await;
    let some =
        json!({ "theme": "dark", "locale": "uk", "timezone": "Europe/Kyiv", "default_capital": "2500.50" });
    let answered = change(&house, &ada, "PATCH", &some).await;
    let body = answered.expect(200);
    assert_eq!(values(&body), with(&defaults(), &some));
    assert_eq!(body["position"], json!(house.head().await));
    assert_eq!(answered.header("counterfoil-position"), Some(body["position"].to_string().as_str()));
    assert_eq!(answered.header("etag"), Some(format!("\"{}\"", body["version"]).as_str()));
    assert_eq!(values(&read(&house, &ada).await), with(&defaults(), &some));
    assert_eq!(read(&house, &ada).await["version"], body["version"]);

    let more = json!({ "notifications": false, "auto_rebalance": true, "default_mode": "live" });
    let body = change(&house, &ada, "PATCH", &more).await.expect(200);
    assert_eq!(values(&body), with(&with(&defaults(), &some), &more));

    let put = json!({ "default_interval_s": 60, "locale": null });
    let body = change(&house, &ada, "PUT", &put).await.expect(200);
    let expected = with(&defaults(), &json!({ "default_interval_s": 60 }));
    assert_eq!(values(&body), expected);
    assert_eq!(values(&read(&house, &ada).await), expected);
}

#[tokio::test]
async fn what_was_read_can_be_put_back_as_it_is() {
    let house = House::open().await;
    let ada = house.person().await;
    change(&house, &ada, "PATCH", &json!({ "theme": "dark" })).await.expect(200);
    let before = read(&house, &ada).await;
    let head = house.head().await;
    let put = change(&house, &ada, "PUT", &before).await.expect(200);
    assert_eq!((values(&put), &put["version"]), (values(&before), &before["version"]));
    assert_eq!(house.head().await, head, "nothing was different");
}

#[tokio::test]
async fn decimals_are_the_ones_that_were_written() {
    let house = House::open().await;
    let ada = house.person().await;
    // Equal numbers are no change, so the first spelling of one stays.
    for (sent, shown) in
        [("0.1", "0.1"), ("\"0.100\"", "0.1"), ("1", "1"), ("0.000001", "0.000001"), ("\"1.0\"", "1.0")]
    {
        let text = format!(r#"{{"risk_per_trade": {sent}}}"#);
        let body = house.ask("PUT", PATH).token(&ada.token).text(&text).send().await.expect(200);
        assert_eq!(body["risk_per_trade"], json!(shown), "{sent}");
    }
    for (sent, kept) in [("250000", "250000"), ("\"0.000001\"", "0.000001")] {
        let text = format!(r#"{{"default_capital": {sent}}}"#);
        let body = house.ask("PATCH", PATH).token(&ada.token).text(&text).send().await.expect(200);
        assert_eq!(body["default_capital"], json!(kept));
    }
    let most = "9".repeat(22);
    let body = change(&house, &ada, "PATCH", &json!({ "default_capital": most })).await.expect(200);
    assert_eq!(body["default_capital"], json!(most));
}

#[tokio::test]
async fn the_older_spelling_is_taken_but_not_both_at_once() {
    let house = House::open().await;
    let ada = house.person().await;
    let camel = json!({
        "defaultMode": "live", "defaultCapital": "5000", "riskPerTrade": 0.05, "maxDrawdown": "0.3",
        "defaultCurrency": "usd", "defaultIntervalS": 900, "autoRebalance": true,
    });
    let snake = json!({
        "default_mode": "live", "default_capital": "5000", "risk_per_trade": "0.05", "max_drawdown": "0.3",
        "default_currency": "USD", "default_interval_s": 900, "auto_rebalance": true,
    });
    let body = change(&house, &ada, "PUT", &camel).await.expect(200);
    assert_eq!(values(&body), with(&defaults(), &snake));
    let head = house.head().await;
    for (name, value) in camel.as_object().unwrap() {
        let other =
            snake.as_object().unwrap().keys().find(|snake| snake.replace('_', "") == name.to_lowercase());
        let both = json!({ name: value, other.unwrap(): value });
        let problem = change(&house, &ada, "PATCH", &both).await.problem(422, "validation_failed");
        assert_eq!(flaws(&problem), [(format!("/{name}"), "one_of".to_owned())]);
    }
    let problem = change(&house, &ada, "PATCH", &json!({ "riskPerTrade": 2 })).await;
    let problem = problem.problem(422, "validation_failed");
    assert_eq!(flaws(&problem), [("/riskPerTrade".to_owned(), "out_of_range".to_owned())]);
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn every_bad_value_is_named_and_nothing_is_changed() {
    let house = House::open().await;
    let ada = house.person().await;
    let before = read(&house, &ada).await;
    let forty = "1".repeat(40);
    let bad = [
        ("default_mode", json!("demo"), "unknown"),
        ("default_mode", json!(1), "wrong_type"),
        ("default_capital", json!("0"), "not_positive"),
        ("default_capital", json!("-5"), "not_a_decimal"),
        ("default_capital", json!(10.5), "not_an_integer"),
        ("default_capital", json!("1e5"), "not_a_decimal"),
        ("default_capital", json!("0.0000001"), "too_many_decimals"),
        ("default_capital", json!(forty), "too_many_digits"),
        ("default_capital", json!("9".repeat(28)), "too_large"),
        ("default_capital", json!(true), "wrong_type"),
        ("default_currency", json!("DOUBLOONS"), "unknown_currency"),
        ("risk_per_trade", json!(0), "out_of_range"),
        ("risk_per_trade", json!("1.01"), "out_of_range"),
        ("risk_per_trade", json!(-0.1), "not_a_decimal"),
        ("risk_per_trade", json!("0.0000001"), "too_many_decimals"),
        ("risk_per_trade", json!("two"), "not_a_decimal"),
        ("max_drawdown", json!(1.5), "out_of_range"),
        ("max_drawdown", json!([]), "wrong_type"),
        ("default_interval_s", json!(59), "out_of_range"),
        ("default_interval_s", json!(604_801), "out_of_range"),
        ("default_interval_s", json!(60.5), "not_an_integer"),
        ("default_interval_s", json!("3600"), "wrong_type"),
        ("auto_rebalance", json!("true"), "wrong_type"),
        ("notifications", json!(1), "wrong_type"),
        ("theme", json!("sepia"), "unknown"),
        ("timezone", json!("Europe/Atlantis"), "unknown"),
        ("timezone", json!("utc"), "unknown"),
        ("locale", json!("de"), "unknown"),
    ];
    let head = house.head().await;
    for (name, value, code) in bad {
        for method in ["PUT", "PATCH"] {
            let body =
                json!({ name: value, "theme": if name == "theme" { value.clone() } else { json!("dark") } });
            let problem = change(&house, &ada, method, &body).await.problem(422, "validation_failed");
            assert_eq!(flaws(&problem), [(format!("/{name}"), code.to_owned())], "{method} {value}");
        }
    }
    let several = json!({ "risk_per_trade": 0, "theme": "sepia", "default_interval_s": 1 });
    let problem = change(&house, &ada, "PATCH", &several).await.problem(422, "validation_failed");
    assert_eq!(flaws(&problem).len(), 3);
    assert_eq!(house.head().await, head);
    assert_eq!(read(&house, &ada).await, before);
}

#[tokio::test]
async fn capital_has_no_more_decimals_than_its_currency_whichever_of_them_changes() {
    let house = House::open().await;
    let ada = house.person().await;
    let fine = json!({ "default_capital": "10.123456" });
    change(&house, &ada, "PATCH", &fine).await.expect(200);
    let usd = json!({ "default_currency": "USD" });
    let problem = change(&house, &ada, "PATCH", &usd).await.problem(422, "validation_failed");
    assert_eq!(flaws(&problem), [("/default_capital".to_owned(), "too_many_decimals".to_owned())]);
    let both = json!({ "default_currency": "USD", "default_capital": "10.12" });
    change(&house, &ada, "PATCH", &both).await.expect(200);
    change(&house, &ada, "PATCH", &fine).await.problem(422, "validation_failed");
    change(&house, &ada, "PUT", &fine).await.expect(200);
}

#[tokio::test]
async fn a_change_happens_once_and_to_the_version_that_was_read() {
    let house = House::open().await;
    let ada = house.person().await;
    let version = read(&house, &ada).await["version"].to_string();
    let (key, dark) = (new_key(), json!({ "theme": "dark" }));
    let ask = || house.ask("PATCH", PATH).token(&ada.token).header("if-match", &format!("\"{version}\""));
    let first = ask().key(&key).json(&dark).send().await;
    first.expect(200);
    let again = ask().key(&key).json(&dark).send().await;
    assert_eq!((&again.body, again.header("idempotency-replayed")), (&first.body, Some("true")));
    ask().key(&key).json(&json!({ "theme": "light" })).send().await.problem(422, "idempotency_key_reused");
    ask().json(&json!({ "theme": "light" })).send().await.problem(412, "version_mismatch");
    let at_once = ["default_interval_s", "locale", "notifications", "timezone"].map(|name| {
        let values = json!({ "default_interval_s": 60, "locale": "uk", "notifications": false, "timezone": "Asia/Tokyo" });
        let body = json!({ name: values[name] });
        let ask = house.ask("PATCH", PATH).token(&ada.token).json(&body);
        tokio::spawn(async move { ask.send().await.expect(200) })
    });
    for one in at_once {
        one.await.unwrap();
    }
    let expected = json!({
        "theme": "dark", "default_interval_s": 60, "locale": "uk", "notifications": false, "timezone": "Asia/Tokyo",
    });
    assert_eq!(values(&read(&house, &ada).await), with(&defaults(), &expected), "no change was lost");
}

#[tokio::test]
async fn preferences_are_ones_own() {
    let house = House::open().await;
    let (ada, eve, boss) = (house.person().await, house.person().await, house.admin().await);
    let path = format!("/users/{}/preferences", ada.id);
    house.get(&path).token(&ada.token).send().await.expect(200);
    house.get(&path).token(&boss.token).send().await.expect(200);
    house.get(&path).token(&eve.token).send().await.problem(404, "user_not_found");
    let dark = json!({ "theme": "dark" });
    for stranger in [&eve, &boss] {
        let refused = house.ask("PATCH", &path).token(&stranger.token).json(&dark).send().await;
        refused.problem(404, "user_not_found");
    }
    house.ask("PUT", &path).json(&dark).send().await.problem(401, "missing_token");
    let more = json!({ "theme": "dark", "roles": ["admin"], "status": "active", "version": 1, "email_verified": true });
    change(&house, &ada, "PATCH", &more).await.expect(200);
    let user = house.get("/users/me").token(&ada.token).send().await.expect(200);
    assert_eq!((&user["roles"], &user["email_verified"]), (&json!(["user"]), &json!(false)));
}
