//! Checklist, 28 and 29: how many devices may be signed in, which they are, and how they are signed out.

use crate::client::Ask;
use crate::house::{Choices, House, PASSWORD, Person, new_key};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::eventually;
use uuid::Uuid;

/// Another device of somebody's.
async fn device(house: &House, person: &Person) -> Person {
    let login = json!({ "username": person.name, "password": PASSWORD });
    let ask = house.post("/auth/login").header("user-agent", "a second browser").json(&login);
    let signed_in = ask.send().await.expect(200);
    let text = |name: &str| signed_in[name].as_str().unwrap().to_owned();
    Person { token: text("access_token"), refresh_token: text("refresh_token"), ..person.clone() }
}

/// What is listed, once everything that happened so far is.
async fn listed(house: &House, token: &str, more: &str) -> Vec<Value> {
    let path = format!("/auth/sessions?min_position={}{more}", house.head().await);
    let page = house.get(&path).token(token).send().await.expect(200);
    page["items"].as_array().unwrap().clone()
}

async fn current(house: &House, person: &Person) -> String {
    let sessions = listed(house, &person.token, "").await;
    let current = sessions.iter().find(|session| session["current"] == true).unwrap();
    current["id"].as_str().unwrap().to_owned()
}

async fn end(house: &House, token: &str, session: &str) -> crate::client::Answered {
    house.ask("DELETE", &format!("/auth/sessions/{session}")).token(token).send().await
}

async fn is_signed_in(house: &House, person: &Person) -> bool {
    house.get("/auth/me").token(&person.token).send().await.status == 200
}

#[tokio::test]
async fn c28_where_one_may_be_signed_in_the_next_login_ends_the_one_before() {
    let house = House::open_with(Choices { sessions_max: 1, ..Choices::default() }).await;
    let ada = house.person().await;
    let again = device(&house, &ada).await;
    // Before the login is answered: nobody is signed in twice for even a moment.
    house.get("/auth/me").token(&ada.token).send().await.problem(401, "session_ended");
    let refresh = json!({ "refresh_token": ada.refresh_token });
    house.post("/auth/refresh").json(&refresh).send().await.problem(401, "invalid_refresh_token");
    assert!(is_signed_in(&house, &again).await);
    assert_eq!(listed(&house, &again.token, "").await.len(), 1);
}

/// Passwords are checked a few at a time: whoever is told to come again does.
async fn let_in(ask: Ask) -> Value {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let answered = ask.clone().send().await;
        if answered.status == 200 {
            return answered.json();
        }
        assert!([429, 503].contains(&answered.status), "{}", answered.text());
        assert!(Instant::now() < deadline, "never let in: {}", answered.text());
    }
}

#[tokio::test]
async fn c28_of_twenty_logins_at_once_one_is_left() {
    let house = House::open_with(Choices { sessions_max: 1, ..Choices::default() }).await;
    let ada = house.person().await;
    let body = json!({ "username": ada.name, "password": PASSWORD });
    let logins = (0..20).map(|_| {
        let ask = house.post("/auth/login").json(&body);
        tokio::spawn(let_in(ask))
    });
    let mut devices = Vec::new();
    for login in logins.collect::<Vec<_>>() {
        let signed_in = login.await.unwrap();
        let text = |name: &str| signed_in[name].as_str().unwrap().to_owned();
        let (token, refresh_token) = (text("access_token"), text("refresh_token"));
        devices.push(Person { token, refresh_token, ..ada.clone() });
    }
    eventually("all but one are signed out", async || {
        let mut left = 0;
        for device in &devices {
            left += usize::from(is_signed_in(&house, device).await);
        }
        assert!(left > 0);
        left == 1
    })
    .await;
    let mut refreshed = Vec::new();
    for device in &devices {
        let refresh = json!({ "refresh_token": device.refresh_token });
        let answered = house.post("/auth/refresh").json(&refresh).send().await;
        refreshed.extend((answered.status == 200).then_some(device));
    }
    let [left] = refreshed.as_slice() else { panic!("{} are left", refreshed.len()) };
    assert_eq!(listed(&house, &left.token, "").await.len(), 1);
}

#[tokio::test]
async fn c29_one_sees_where_one_is_signed_in() {
    let house = House::open().await;
    let ada = house.person().await;
    let second = device(&house, &ada).await;
    let answered = house.get("/auth/sessions?limit=1").token(&second.token).send().await;
    assert_eq!(
        answered.header("counterfoil-position"),
        Some(answered.json()["position"].to_string().as_str())
    );
    let sessions = listed(&house, &second.token, "").await;
    let [newest, oldest] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!((&newest["current"], &oldest["current"]), (&json!(true), &json!(false)));
    assert_eq!((&newest["ip"], &newest["user_agent"]), (&json!("127.0.0.1"), &json!("a second browser")));
    assert_eq!(oldest["user_agent"], Value::Null);
    for session in &sessions {
        assert!(session["id"].as_str().unwrap().parse::<Uuid>().is_ok());
        assert_eq!(session["created_at"], session["last_seen_at"]);
        assert!(session["expires_at"].as_str() > session["created_at"].as_str());
    }
    let refresh = json!({ "refresh_token": ada.refresh_token });
    let refreshed = house.post("/auth/refresh").json(&refresh).send().await.expect(200);
    let sessions = listed(&house, refreshed["access_token"].as_str().unwrap(), "").await;
    assert_eq!(sessions[1]["current"], true);
    assert!(sessions[1]["last_seen_at"].as_str() > sessions[1]["created_at"].as_str());
    assert!(sessions[1]["expires_at"].as_str() > oldest["expires_at"].as_str());
}

#[tokio::test]
async fn c29_sessions_are_listed_page_by_page() {
    let house = House::open().await;
    let ada = house.person().await;
    device(&house, &ada).await;
    let all = listed(&house, &ada.token, "").await;
    let mut cursor = String::new();
    for expected in &all {
        let path = format!("/auth/sessions?limit=1{cursor}");
        let page = house.get(&path).token(&ada.token).send().await.expect(200);
        assert_eq!(page["items"], json!([expected]));
        cursor = page["next_cursor"].as_str().map_or(String::new(), |next| format!("&cursor={next}"));
    }
    assert_eq!(cursor, "");
    let bad = house.get("/auth/sessions?cursor=garbage").token(&ada.token).send().await;
    bad.problem(400, "invalid_cursor");
    for bad in ["?user_id=ada", "?limit=0", "?limit=201"] {
        let refused = house.get(&format!("/auth/sessions{bad}")).token(&ada.token).send().await;
        refused.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn c29_a_device_is_signed_out_from_another_at_once_here_and_soon_elsewhere() {
    let house = House::open().await;
    let ada = house.person().await;
    let second = device(&house, &ada).await;
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let there = async || Ask::new(elsewhere, "GET", "/users/me").token(&ada.token).send().await;
    there().await.expect(200);
    let session = current(&house, &ada).await;
    let ended = end(&house, &second.token, &session).await;
    let body = ended.expect(200);
    assert_eq!((&body["id"], &body["reason"]), (&json!(session), &json!("revoked")));
    assert_eq!(body["position"], json!(house.head().await));
    assert_eq!(ended.header("counterfoil-position"), Some(body["position"].to_string().as_str()));
    assert!(ended.header("etag").is_some());
    house.get("/auth/me").token(&ada.token).send().await.problem(401, "session_ended");
    let refresh = json!({ "refresh_token": ada.refresh_token });
    house.post("/auth/refresh").json(&refresh).send().await.problem(401, "invalid_refresh_token");
    eventually("the other door refuses the token", async || there().await.status == 401).await;
    assert!(is_signed_in(&house, &second).await);
    assert_eq!(listed(&house, &second.token, "").await.len(), 1);
    end(&house, &second.token, &session).await.problem(404, "session_not_found");
}

#[tokio::test]
async fn c29_a_repeat_is_answered_alike() {
    let house = House::open().await;
    let (ada, boss) = (house.person().await, house.admin().await);
    let second = device(&house, &ada).await;
    for token in [&second.token, &boss.token] {
        let session = current(&house, &device(&house, &ada).await).await;
        let key = new_key();
        let ask = async |session: &str| {
            let path = format!("/auth/sessions/{session}");
            house.ask("DELETE", &path).token(token).key(&key).send().await
        };
        let first = ask(&session).await;
        first.expect(200);
        let head = house.head().await;
        let again = ask(&session).await;
        assert_eq!((&again.body, again.header("idempotency-replayed")), (&first.body, Some("true")));
        ask(&Uuid::new_v4().to_string()).await.problem(422, "idempotency_key_reused");
        assert_eq!(house.head().await, head);
    }
}

#[tokio::test]
async fn c29_anothers_session_is_not_found_and_goes_on() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let session = current(&house, &ada).await;
    let head = house.head().await;
    let unknown = Uuid::new_v4().to_string();
    for id in [session.as_str(), &unknown, "current", "not-an-id"] {
        end(&house, &eve.token, id).await.problem(404, "session_not_found");
    }
    let hers = house.get(&format!("/auth/sessions?user_id={}", ada.id)).token(&eve.token).send().await;
    hers.problem(404, "user_not_found");
    assert!(is_signed_in(&house, &ada).await);
    assert_eq!(house.head().await, head);
    house.get("/auth/sessions").send().await.problem(401, "missing_token");
}

#[tokio::test]
async fn c29_an_admin_sees_and_ends_anybodys_sessions() {
    let house = House::open().await;
    let (ada, boss) = (house.person().await, house.admin().await);
    let of_ada = format!("&user_id={}", ada.id);
    let sessions = listed(&house, &boss.token, &of_ada).await;
    let [only] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!(only["current"], false);
    end(&house, &boss.token, only["id"].as_str().unwrap()).await.expect(200);
    house.get("/auth/me").token(&ada.token).send().await.problem(401, "session_ended");
    assert!(listed(&house, &boss.token, &of_ada).await.is_empty());
    let own = current(&house, &boss).await;
    let unknown = Uuid::new_v4();
    let nobody = house.get(&format!("/auth/sessions?user_id={unknown}")).token(&boss.token).send().await;
    nobody.problem(404, "user_not_found");
    end(&house, &boss.token, &unknown.to_string()).await.problem(404, "session_not_found");
    end(&house, &boss.token, &own).await.expect(200);
    assert!(!is_signed_in(&house, &boss).await);
}

#[tokio::test]
async fn c29_signing_out_everywhere_may_keep_the_device_that_asks() {
    let house = House::open().await;
    let ada = house.person().await;
    let (second, third) = (device(&house, &ada).await, device(&house, &ada).await);
    let ask = async |person: &Person, query: &str| {
        house.post(&format!("/auth/logout-all{query}")).token(&person.token).send().await
    };
    ask(&second, "?keep_current=maybe").await.problem(422, "validation_failed");
    let kept = ask(&second, "?keep_current=true").await.expect(200);
    assert_eq!(kept["ended"].as_array().unwrap().len(), 2);
    for gone in [&ada, &third] {
        house.get("/auth/me").token(&gone.token).send().await.problem(401, "session_ended");
    }
    assert!(is_signed_in(&house, &second).await);
    assert_eq!(ask(&second, "?keep_current=true").await.expect(200)["ended"], json!([]));
    let fourth = device(&house, &ada).await;
    let all = ask(&second, "").await.expect(200);
    assert_eq!(all["ended"].as_array().unwrap().len(), 2);
    assert_eq!(all["position"], json!(house.head().await));
    for gone in [&second, &fourth] {
        house.get("/auth/me").token(&gone.token).send().await.problem(401, "session_ended");
    }
}

#[tokio::test]
async fn c29_a_session_is_ended_only_at_the_version_that_was_meant() {
    let house = House::open().await;
    let ada = house.person().await;
    let session = current(&house, &device(&house, &ada).await).await;
    let path = format!("/auth/sessions/{session}");
    let ask = async |version: &str| {
        house.ask("DELETE", &path).token(&ada.token).header("if-match", version).send().await
    };
    ask("\"1\"").await.problem(412, "version_mismatch");
    ask("\"3\"").await.expect(200);
}
