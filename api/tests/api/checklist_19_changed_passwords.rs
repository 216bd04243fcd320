use crate::api_keys::{balance, key_with};
use crate::client::Answered;
use crate::house::{House, PASSWORD, Person};
use serde_json::{Value, json};

const NEW_PASSWORD: &str = "a staple of quite another horse";

async fn change(house: &House, token: &str, current: &str, new: &str) -> Answered {
    let body = json!({ "current_password": current, "new_password": new });
    house.post("/auth/password").token(token).json(&body).send().await
}

async fn sign_in(house: &House, person: &Person, password: &str) -> Answered {
    house.post("/auth/login").json(&json!({ "username": person.name, "password": password })).send().await
}

#[tokio::test]
async fn c19_it_takes_the_present_password() {
    let house = House::open().await;
    let ada = house.person().await;
    let head = house.head().await;
    change(&house, &ada.token, "not the password", NEW_PASSWORD).await.problem(401, "invalid_credentials");
    change(&house, &ada.token, "", NEW_PASSWORD).await.problem(401, "invalid_credentials");
    let nothing =
        house.post("/auth/password").token(&ada.token).json(&json!({ "new_password": NEW_PASSWORD }));
    nothing.send().await.problem(422, "validation_failed");
    change(&house, "no token", PASSWORD, NEW_PASSWORD).await.problem(401, "invalid_token");
    assert_eq!(house.head().await, head);
    sign_in(&house, &ada, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn c19_other_sessions_end_and_this_one_goes_on() {
    let house = House::open().await;
    let ada = house.person().await;
    let other = sign_in(&house, &ada, PASSWORD).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let key = key_with(&house, &ada, &json!({})).await;
    let (other_token, other_refresh) = (text(&other["access_token"]), text(&other["refresh_token"]));
    let answered = change(&house, &ada.token, PASSWORD, NEW_PASSWORD).await;
    let body = answered.expect(200);
    assert_eq!(body["user"]["id"], json!(ada.id));
    assert_eq!(answered.header("etag"), Some(format!("\"{}\"", body["user"]["version"]).as_str()));
    house.get("/auth/me").token(&other_token).send().await.problem(401, "session_ended");
    let refresh = json!({ "refresh_token": other_refresh });
    house.post("/auth/refresh").json(&refresh).send().await.problem(401, "invalid_refresh_token");
    house.get("/auth/me").token(&ada.token).send().await.expect(200);
    let refresh = json!({ "refresh_token": ada.refresh_token });
    house.post("/auth/refresh").json(&refresh).send().await.expect(200);
    sign_in(&house, &ada, PASSWORD).await.problem(401, "invalid_credentials");
    sign_in(&house, &ada, NEW_PASSWORD).await.expect(200);
    // Who knew the password before has not lost the account.
    balance(&house, &key).await.expect(200);
    let address = ada.name.replacen("ada", "Ada", 1) + "@example.com";
    house.mail("password_changed", &address).await;
}

#[tokio::test]
async fn c19_a_new_password_obeys_the_policy_and_says_so_by_name() {
    let house = House::open().await;
    let ada = house.person().await;
    for (password, code) in [
        ("7 chars", "too_short"),
        (&"x".repeat(129), "too_long"),
        (&"x".repeat(2_000), "too_long"),
        ("qwertyuiop", "too_common"),
        (&format!("it is {} again", ada.name), "context_word"),
    ] {
        let problem = change(&house, &ada.token, PASSWORD, password).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/new_password");
        assert_eq!(problem["errors"][0]["code"], code, "{password}");
    }
    sign_in(&house, &ada, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn c19_guesses_at_the_present_password_are_counted() {
    let house = House::open().await;
    let ada = house.person().await;
    let mut statuses = Vec::new();
    for n in 0..8 {
        statuses.push(change(&house, &ada.token, &format!("guess {n}"), NEW_PASSWORD).await.status);
    }
    assert_eq!(statuses.first(), Some(&401));
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(sign_in(&house, &ada, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn c19_a_stale_version_changes_nothing() {
    let house = House::open().await;
    let ada = house.person().await;
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let stale = house.post("/auth/password").token(&ada.token).header("if-match", "\"1\"").json(&body);
    stale.send().await.problem(412, "version_mismatch");
    sign_in(&house, &ada, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn c19_no_link_to_reset_the_password_before_is_good_any_more() {
    let house = House::open().await;
    let ada = house.person().await;
    let address = ada.name.replacen("ada", "Ada", 1) + "@example.com";
    house.post("/auth/password/forgot").json(&json!({ "email": address })).send().await.expect(202);
    let token = house.mail("reset_password", &address).await.token();
    change(&house, &ada.token, PASSWORD, NEW_PASSWORD).await.expect(200);
    let body = json!({ "token": token, "new_password": PASSWORD });
    house.post("/auth/password/reset").json(&body).send().await.problem(422, "invalid_mail_token");
}
