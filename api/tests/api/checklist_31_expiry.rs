//! Checklist, 31: a session that is not used ends, and so does one that is used for too long.

use crate::house::{Choices, House, Person};
use commands::users::expiry::{FindOver, SessionExpiry};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::eventually;

async fn refresh(house: &House, token: &str) -> crate::client::Answered {
    house.post("/auth/refresh").json(&json!({ "refresh_token": token })).send().await
}

/// As in any process that writes: found in the read model.
fn expiry(house: &House) -> SessionExpiry {
    let read_models = house.read_models.clone();
    let find: FindOver = Box::new(move |at, limit, min| {
        let read_models = read_models.clone();
        Box::pin(async move {
            let found = read_models.users_with_sessions_over(at, limit, min).await;
            found.map_err(|error| error.to_string())
        })
    });
    SessionExpiry::new(house.commands.clone(), find)
}

async fn sessions(house: &House, person: &Person) -> usize {
    let path = format!("/auth/sessions?min_position={}", house.head().await);
    let page = house.get(&path).token(&person.token).send().await.expect(200);
    page["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn c31_an_idle_session_is_over() {
    let choices = Choices { session_idle: Duration::from_secs(2), ..Choices::default() };
    let house = House::open_with(choices).await;
    let ada = house.person().await;
    let signed_in = house.login(&ada.name).await.expect(200);
    assert!(signed_in["expires_in"].as_u64().unwrap() <= 2);
    let over = Instant::now() + Duration::from_secs(2);
    eventually("two seconds are over", async || Instant::now() > over).await;
    refresh(&house, &ada.refresh_token).await.problem(401, "invalid_refresh_token");
    eventually("the access token has expired too", async || {
        house.get("/auth/me").token(&ada.token).send().await.status == 401
    })
    .await;
}

#[tokio::test]
async fn c31_a_session_that_is_used_all_the_time_ends_too() {
    let choices = Choices {
        session_idle: Duration::from_mins(1),
        session_absolute: Duration::from_secs(3),
        ..Choices::default()
    };
    let house = House::open_with(choices).await;
    let ada = house.person().await;
    let began = Instant::now();
    let (mut token, mut times) = (ada.refresh_token.clone(), 0);
    let mut last = None;
    eventually("a refresh is refused", async || {
        let answered = refresh(&house, &token).await;
        if answered.status == 200 {
            let body = answered.json();
            assert!(body["expires_in"].as_u64().unwrap() <= 3, "no access token outlives it");
            token = body["refresh_token"].as_str().unwrap().to_owned();
            times += 1;
        }
        let refused = answered.status != 200;
        last = Some(answered);
        refused
    })
    .await;
    last.unwrap().problem(401, "invalid_refresh_token");
    assert!(times > 2 && began.elapsed() < Duration::from_secs(10), "{times} in {:?}", began.elapsed());
}

#[tokio::test]
async fn c31_sessions_that_are_over_are_ended_and_listed_no_more() {
    let choices = Choices { session_idle: Duration::from_secs(3), ..Choices::default() };
    let house = House::open_with(choices).await;
    let (ada, eve) = (house.person().await, house.person().await);
    let mut expiry = expiry(&house);
    assert_eq!(expiry.run_once().await.unwrap().ended, 0);
    let mut ended = 0;
    eventually("both are ended", async || {
        ended += expiry.run_once().await.unwrap().ended;
        ended == 2
    })
    .await;
    let head = house.head().await;
    assert_eq!(expiry.run_once().await.unwrap().ended, 0);
    assert_eq!(house.head().await, head);
    for person in [&ada, &eve] {
        let signed_in = house.login(&person.name).await.expect(200);
        let token = signed_in["access_token"].as_str().unwrap().to_owned();
        let person = Person { token, ..person.clone() };
        assert_eq!(sessions(&house, &person).await, 1);
        let path = format!("/users/me/activity?type=LoginSessionEnded&min_position={}", house.head().await);
        let page = house.get(&path).token(&person.token).send().await.expect(200);
        let [ended] = page["items"].as_array().unwrap().as_slice() else { panic!("{page}") };
        assert_eq!((&ended["reason"], &ended["ip"]), (&json!("expired"), &json!("127.0.0.1")));
        assert_eq!((&ended["actor"]["kind"], &ended["actor"]["id"]), (&json!("system"), &Value::Null));
    }
}
