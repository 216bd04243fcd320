//! What is written down of settings: everything that was tried, in our own words.

use crate::house::{House, new_key};
use crate::logs;
use crate::settings::PATH;
use serde_json::{Value, json};

const UPDATED: &[&str] = &["user_settings_updated"];
const FAILED: &[&str] = &["user_settings_update_failed"];
const READ: &[&str] = &["user_settings_read"];

#[tokio::test]
async fn every_read_and_every_change_of_a_preset_is_written_down() {
    logs::keep();
    let house = House::open().await;
    let ada = house.person().await;
    let ask = |method: &str, at: &str, body: Value| {
        house.ask(method, &format!("{PATH}{at}")).token(&ada.token).json(&body).send()
    };
    for (at, read) in
        [("/presets", "presets"), ("/history", "history"), ("/export", "export"), ("", "settings")]
    {
        house.get(&format!("{PATH}{at}")).token(&ada.token).send().await.expect(200);
        assert!(logs::tells(&ada.id, &format!("read=\"{read}\"")), "{at}");
    }
    assert_eq!(logs::count(&ada.id, READ), 4);
    for (method, at, body) in [
        ("POST", "/presets", json!({ "name": "one" })),
        ("PATCH", "/presets/one", json!({ "name": "two" })),
        ("DELETE", "/presets/two", json!({})),
    ] {
        let before = logs::count("updated_fields=\"presets\"", UPDATED);
        assert!(ask(method, at, body).await.status < 300);
        assert!(logs::count("updated_fields=\"presets\"", UPDATED) > before, "{method} {at}");
    }
    assert_eq!(logs::count(&ada.id, UPDATED), 3);
}

#[tokio::test]
async fn what_failed_is_written_down_once_and_in_no_words_of_a_client() {
    logs::keep();
    let house = House::open().await;
    let ada = house.person().await;
    let ask = |body: &str| house.ask("PATCH", PATH).token(&ada.token).text(body).send();
    // A secret where a name should be, and twice at that.
    let pasted = r#"{"4839574812:AAFDcanary":1,"stoploss":4,"exchange":{"AAFDcanary":1}}"#;
    ask(pasted).await.problem(422, "validation_failed");
    assert!(logs::tells(&ada.id, "updated_fields=\"stoploss\" other_fields=2"));
    ask(r#"{"AAFDcanary":1,"AAFDcanary":2}"#).await.problem(422, "validation_failed");
    ask("{").await.problem(400, "malformed_json");
    house
        .ask("PATCH", PATH)
        .token(&ada.token)
        .bytes(b"{}")
        .send()
        .await
        .problem(415, "unsupported_media_type");
    let preset = json!({ "name": "a", "AAFDcanary": 1, "settings": { "stoploss": 4 } });
    let preset = house.post(&format!("{PATH}/presets")).token(&ada.token).json(&preset).send().await;
    preset.problem(422, "unknown_setting");
    assert_eq!(logs::count(&ada.id, FAILED), 5);
    assert!(!logs::tells(&ada.id, "canary"));
    // A repeat is no news.
    let key = new_key();
    for _ in 0..2 {
        let again =
            house.ask("PATCH", PATH).token(&ada.token).key(&key).text(r#"{"stoploss":4}"#).send().await;
        again.problem(422, "validation_failed");
    }
    assert_eq!(logs::count(&ada.id, FAILED), 6);
}

#[tokio::test]
async fn what_is_tried_on_the_defaults_of_everybody_is_written_down() {
    logs::keep();
    let house = House::open().await;
    let admin = house.admin().await;
    let put = |value: &str| {
        let body = format!(r#"{{"stoploss":{value}}}"#);
        house.ask("PUT", "/admin/settings/defaults").token(&admin.token).text(&body).send()
    };
    put("4").await.problem(422, "validation_failed");
    assert_eq!(logs::count(&admin.id, &["settings_defaults_update_failed"]), 1);
    put("-0.2").await.expect(200);
    assert_eq!(logs::count(&admin.id, &["settings_defaults_updated"]), 1);
    assert!(logs::tells(&admin.id, "updated_fields=\"stoploss\""));
}
