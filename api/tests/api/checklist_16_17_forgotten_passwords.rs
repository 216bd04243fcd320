use crate::api_keys::{Key, SOON, balance, change, key_with, keys_of};
use crate::client::{Answered, Ask};
use crate::house::{Choices, House, PASSWORD, Person};
use futures::future::join_all;
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::eventually_within;
use time::OffsetDateTime;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const NEW_PASSWORD: &str = "a staple of quite another horse";

async fn forgot(house: &House, email: &str) -> Answered {
    let body = json!({ "email": email });
    house.post("/auth/password/forgot").header("x-request-id", "same").json(&body).send().await
}

async fn reset(house: &House, token: &str, password: &str) -> Answered {
    let body = json!({ "token": token, "new_password": password });
    house.post("/auth/password/reset").json(&body).send().await
}

fn address(person: &Person) -> String {
    person.name.replacen("ada", "Ada", 1) + "@example.com"
}

async fn reset_token(house: &House, person: &Person) -> String {
    forgot(house, &address(person)).await.expect(202);
    house.mail("reset_password", &address(person)).await.token()
}

#[tokio::test]
async fn c16_nobody_learns_who_has_an_address() {
    let house = House::open().await;
    let ada = house.person().await;
    let known = forgot(&house, &address(&ada)).await;
    let unknown = forgot(&house, "nobody@example.com").await;
    assert_eq!(known.expect(202), json!({ "accepted": true }));
    assert_eq!((unknown.status, &unknown.body), (known.status, &known.body));
    house.mail("reset_password", &address(&ada)).await;
    house.no_mail_is_under_way().await;
    assert!(house.mails().iter().all(|mail| mail.to == address(&ada)), "{:?}", house.mails());
    // What is no address is refused before anybody is looked up.
    forgot(&house, "nobody").await.problem(422, "validation_failed");
}

#[tokio::test]
async fn c16_the_answer_takes_as_long_for_a_known_address_as_for_an_unknown_one() {
    let house = House::open().await;
    let ada = house.person().await;
    let timed = async |email: &str| {
        let asked = Instant::now();
        forgot(&house, email).await.expect(202);
        asked.elapsed()
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for n in 0..60 {
        known.push(timed(&address(&ada)).await);
        unknown.push(timed(&format!("nobody{n}@example.com")).await);
    }
    let median = |mut all: Vec<Duration>| {
        all.sort_unstable();
        all[all.len() / 2].as_secs_f64()
    };
    let (known, unknown) = (median(known), median(unknown));
    let apart = (known - unknown).abs();
    assert!(apart < 0.005 || apart < 0.25 * known.max(unknown), "known {known} s, unknown {unknown} s");
}

#[tokio::test]
async fn c16_the_mail_goes_to_the_address_as_it_was_registered() {
    let house = House::open().await;
    let ada = house.person().await;
    forgot(&house, &address(&ada).to_uppercase()).await.expect(202);
    house.mail("reset_password", &address(&ada)).await;
}

#[tokio::test]
async fn c16_a_request_cannot_say_where_the_link_leads() {
    let house = House::open().await;
    let ada = house.person().await;
    let body = json!({ "email": address(&ada) }).to_string();
    let request = format!(
        "POST /auth/password/forgot HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\n\
         forwarded: host=evil.example\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    Answered::read(&mut stream).await.expect(202);
    let mail = house.mail("reset_password", &address(&ada)).await;
    let (place, action, token) = mail.link();
    assert_eq!((place.as_str(), action.as_str()), ("https://money.example/", "reset"));
    assert!(token.starts_with("cfm_"));
    assert!(!mail.text.contains("evil"));
}

#[tokio::test]
async fn c16_few_mails_go_to_one_address_however_often_they_are_asked_for() {
    let house = House::open().await;
    let ada = house.person().await;
    for _ in 0..9 {
        let answered = forgot(&house, &address(&ada)).await;
        assert_eq!(answered.expect(202), json!({ "accepted": true }));
    }
    house.no_mail_is_under_way().await;
    let sent = house.mails().into_iter().filter(|mail| mail.kind == "reset_password").count();
    assert_eq!(sent, 5);
    // The newest that was sent is still good.
    let newest = house.mail_number(5, "reset_password", &address(&ada)).await;
    reset(&house, &newest.token(), NEW_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn c17_a_reset_changes_the_password_ends_every_session_and_opens_none() {
    let house = House::open().await;
    let ada = house.person().await;
    let token = reset_token(&house, &ada).await;
    let answered = reset(&house, &token, NEW_PASSWORD).await;
    let body = answered.expect(200);
    assert_eq!(body["user"]["id"], json!(ada.id));
    assert_eq!(answered.header("counterfoil-position"), Some(body["position"].to_string().as_str()));
    assert!(!answered.text().contains("token"), "{}", answered.text());
    house.get("/auth/me").token(&ada.token).send().await.problem(401, "session_ended");
    let refresh = json!({ "refresh_token": ada.refresh_token });
    house.post("/auth/refresh").json(&refresh).send().await.problem(401, "invalid_refresh_token");
    house.login(&ada.name).await.problem(401, "invalid_credentials");
    let login = json!({ "username": ada.name, "password": NEW_PASSWORD });
    house.post("/auth/login").json(&login).send().await.expect(200);
    let notice = house.mail("password_changed", &address(&ada)).await;
    assert!(!notice.text.contains("cfm_"));
}

#[tokio::test]
async fn c17_a_reset_switches_off_every_key_until_its_owner_has_looked_at_it() {
    let house = House::open().await;
    let ada = house.person().await;
    let [one, two] = [key_with(&house, &ada, &json!({})).await, key_with(&house, &ada, &json!({})).await];
    let off = key_with(&house, &ada, &json!({})).await;
    change(&house, &ada, &off, &json!({ "is_active": false })).send().await.expect(200);
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let there = async |key: &Key| {
        Ask::new(elsewhere, "GET", "/users/me/balance").token(&key.text).send().await.status
    };
    for key in [&one, &two] {
        balance(&house, key).await.expect(200);
        assert_eq!(there(key).await, 200);
    }
    let token = reset_token(&house, &ada).await;
    let head = house.head().await;
    let body = reset(&house, &token, NEW_PASSWORD).await.expect(200);

    for key in [&one, &two] {
        let refused = balance(&house, key).await.problem(401, "invalid_api_key");
        assert_eq!(refused["detail"], "the key is switched off");
    }
    eventually_within(SOON, "the other door refuses both", async || {
        there(&one).await == 401 && there(&two).await == 401
    })
    .await;
    // All of it at once, or none: nobody can come between.
    let happened: Vec<(String, OffsetDateTime)> =
        sqlx::query_as("select event_type, recorded_at from events where position > $1 order by position")
            .bind(head)
            .fetch_all(house.journal.pool())
            .await
            .unwrap();
    let types: Vec<&str> = happened.iter().map(|(event_type, _)| event_type.as_str()).collect();
    assert_eq!(types, ["PasswordChanged", "ApiKeyChanged", "ApiKeyChanged", "LoginSessionEnded"]);
    assert!(happened.iter().all(|(_, at)| *at == happened[0].1));
    assert_eq!(body["position"], json!(head + 4));

    let notice = house.mail("password_changed", &address(&ada)).await;
    assert!(notice.text.contains("your API keys are off"), "{}", notice.text);
    let login = json!({ "username": ada.name, "password": NEW_PASSWORD });
    let signed_in = house.post("/auth/login").json(&login).send().await.expect(200);
    let ada = Person { token: signed_in["access_token"].as_str().unwrap().to_owned(), ..ada };
    let list = format!("{}?min_position={}", keys_of(&ada), body["position"]);
    let listed = house.get(&list).token(&ada.token).send().await.expect(200);
    let listed = listed["items"].as_array().unwrap();
    assert_eq!(listed.len(), 3, "they are all there to be looked at");
    assert!(listed.iter().all(|key| key["is_active"] == json!(false)), "{listed:?}");
    change(&house, &ada, &one, &json!({ "is_active": true })).send().await.expect(200);
    balance(&house, &one).await.expect(200);
    balance(&house, &two).await.problem(401, "invalid_api_key");
}

#[tokio::test]
async fn c17_of_twenty_who_use_a_token_at_once_one_succeeds() {
    let house = House::open().await;
    let ada = house.person().await;
    let token = reset_token(&house, &ada).await;
    let passwords: Vec<String> = (0..20).map(|n| format!("{NEW_PASSWORD} number {n}")).collect();
    let answers = join_all(passwords.iter().map(|password| reset(&house, &token, password))).await;
    let won: Vec<usize> = (0..20).filter(|n| answers[*n].status == 200).collect();
    assert_eq!(won.len(), 1, "{won:?}");
    for answered in answers.iter().filter(|answered| answered.status != 200) {
        answered.problem(422, "invalid_mail_token");
    }
    let login = json!({ "username": ada.name, "password": passwords[won[0]] });
    house.post("/auth/login").json(&login).send().await.expect(200);
    reset(&house, &token, NEW_PASSWORD).await.problem(422, "invalid_mail_token");
}

#[tokio::test]
async fn c17_a_token_that_is_old_replaced_or_for_something_else_is_not_good() {
    let house = House::open().await;
    let ada = house.person().await;
    let first = reset_token(&house, &ada).await;
    forgot(&house, &address(&ada)).await.expect(202);
    let second = house.mail_number(2, "reset_password", &address(&ada)).await.token();
    let head = house.head().await;
    reset(&house, &first, NEW_PASSWORD).await.problem(422, "invalid_mail_token");
    let verify = house.mail("verify_email", &address(&ada)).await.token();
    for wrong in [verify.as_str(), "cfm_", "nonsense", &second[..40], &format!("{second}A")] {
        reset(&house, wrong, NEW_PASSWORD).await.problem(422, "invalid_mail_token");
    }
    let body = json!({ "token": second });
    house.post("/auth/email/verify").json(&body).send().await.problem(422, "invalid_mail_token");
    house.expire_tokens("reset_token").await;
    reset(&house, &second, NEW_PASSWORD).await.problem(422, "invalid_mail_token");
    assert_eq!(house.head().await, head);
    house.login(&ada.name).await.expect(200);
}

#[tokio::test]
async fn c17_a_password_that_is_refused_leaves_the_token_good() {
    let house = House::open().await;
    let ada = house.person().await;
    let token = reset_token(&house, &ada).await;
    for (password, code) in [
        ("short", "too_short"),
        ("password123", "too_common"),
        (format!("{}-and-more", ada.name).as_str(), "context_word"),
    ] {
        let problem = reset(&house, &token, password).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/new_password");
        assert_eq!(problem["errors"][0]["code"], code, "{password}");
    }
    reset(&house, &token, NEW_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn c17_a_reset_lets_in_whom_guesses_had_locked_out() {
    let house = House::open().await;
    let ada = house.person().await;
    let guess = json!({ "username": ada.name, "password": "a guess" });
    for _ in 0..8 {
        house.post("/auth/login").json(&guess).send().await;
    }
    assert_eq!(house.login(&ada.name).await.status, 429);
    let token = reset_token(&house, &ada).await;
    reset(&house, &token, PASSWORD).await.expect(200);
    house.login(&ada.name).await.expect(200);
}

#[tokio::test]
async fn c17_a_look_at_a_link_uses_nothing_up() {
    let house = House::open().await;
    let ada = house.person().await;
    let token = reset_token(&house, &ada).await;
    for path in ["/auth/password/reset", "/auth/password/forgot"] {
        for method in ["GET", "HEAD"] {
            let answered = house.ask(method, &format!("{path}?token={token}")).send().await;
            assert_eq!(answered.status, 405, "{method} {path}");
            assert!(answered.header("allow").is_some_and(|allow| allow.contains("POST")));
        }
    }
    reset(&house, &token, NEW_PASSWORD).await.expect(200);
}
