//! Point 39: whoever is erased is nobody any more, here and elsewhere, and everything else goes on.

use crate::client::{Answered, Ask};
use crate::house::{Choices, House, PASSWORD, Person, new_key};
use commands::vault::{SealedAt, Vault};
use domain::user::UserEvent;
use domain::{AggregateKind, AggregateRef, Event, UserId};
use projections::RebuildOptions;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use testkit::{eventually, eventually_within};

/// A change on another node is known by then: each looks once a second, and this machine has other things to do.
const SOON: Duration = Duration::from_secs(3);

fn erase(house: &House, person: &Person, password: &str) -> Ask {
    let body = json!({ "current_password": password });
    house.ask("DELETE", "/users/me").token(&person.token).json(&body)
}

fn id(person: &Person) -> UserId {
    person.id.parse().unwrap()
}

async fn erased(house: &House, person: &Person) -> Answered {
    let answered = erase(house, person, PASSWORD).send().await;
    answered.expect(200);
    answered
}

/// Somebody with something of everything.
async fn lively(house: &House) -> (Person, String) {
    let ada = house.person().await;
    let binance = json!({ "key": "some-exchange-key", "secret": "some-exchange-secret" });
    let path = "/users/me/exchange-credentials/binance";
    house.ask("PUT", path).token(&ada.token).key(&new_key()).json(&binance).send().await.expect(200);
    let new = json!({ "name": "nightly", "scopes": ["wallet:read"] });
    let made = house.post("/users/me/api-keys").token(&ada.token).json(&new).send().await.expect(201);
    house.deposit(&ada, &json!({ "amount": "5" })).send().await.expect(201);
    house.withdraw(&ada, &json!({ "amount": "5" })).send().await.expect(201);
    (ada, made["key"].as_str().unwrap().to_owned())
}

/// Whether this process still reads what somebody was called.
async fn reads_the_name(vault: &Vault, house: &House, user_id: UserId) -> bool {
    let user = AggregateRef { kind: AggregateKind::User, id: user_id.0 };
    let first = house.journal.read_aggregate(user, 0, 1).await.unwrap();
    let Event::User(UserEvent::UserRegistered { username, .. }) = first[0].event().unwrap() else {
        panic!("{first:?}")
    };
    let sealed = SealedAt { user_id, event_type: "UserRegistered", field: "username", sealed: &username };
    vault.open_many(&[sealed]).await.unwrap()[0].is_some()
}

#[tokio::test]
async fn c39_nothing_of_an_erased_user_is_good_for_anything() {
    let house = House::open().await;
    let ((ada, key), admin) = (lively(&house).await, house.admin().await);
    house.get("/users/me/wallets").token(&key).send().await.expect(200);
    let answered = erased(&house, &ada).await;
    let body = answered.expect(200);
    assert_eq!((&body["user"]["id"], &body["user"]["status"]), (&json!(ada.id), &json!("erased")));
    for name in ["username", "email", "name"] {
        assert!(body["user"][name].is_null(), "{body}");
    }
    assert_eq!(answered.header("counterfoil-position"), Some(body["position"].to_string().as_str()));

    house.get("/users/me").token(&ada.token).send().await.problem(401, "session_ended");
    let refresh = json!({ "refresh_token": ada.refresh_token });
    house.post("/auth/refresh").json(&refresh).send().await.problem(401, "invalid_refresh_token");
    house.login(&ada.name).await.problem(401, "invalid_credentials");
    eventually("the key is refused", async || {
        house.get("/users/me/wallets").token(&key).send().await.status == 401
    })
    .await;

    let path = format!("/users/{}", ada.id);
    let gone = house.get(&format!("{path}?min_position={}", body["position"])).token(&admin.token);
    gone.send().await.problem(404, "user_not_found");
    let again = house.ask("DELETE", &path).token(&admin.token).send().await;
    again.problem(404, "user_not_found");
    let none = "select count(*) from secrets where owner = $1";
    let left: i64 = sqlx::query_scalar(none).bind(id(&ada).0).fetch_one(house.journal.pool()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn c39_a_password_that_is_sent_has_to_be_the_right_one() {
    let house = House::open().await;
    let ada = house.person().await;
    let head = house.head().await;
    erase(&house, &ada, "not the password").send().await.problem(401, "invalid_credentials");
    let eve = house.person().await;
    let others = house.ask("DELETE", &format!("/users/{}", ada.id)).token(&eve.token);
    others.json(&json!({ "current_password": PASSWORD })).send().await.problem(404, "user_not_found");
    let stale = erase(&house, &ada, PASSWORD).header("if-match", "\"1\"").send().await;
    stale.problem(412, "version_mismatch");
    // Only that Eve came.
    assert_eq!(house.head().await, head + 3);
    house.get("/users/me").token(&ada.token).send().await.expect(200);
}

#[tokio::test]
async fn c39_money_is_not_left_to_nobody() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "5" })).send().await.expect(201);
    let problem = erase(&house, &ada, PASSWORD).send().await;
    assert_eq!(problem.problem(409, "wallet_not_empty")["wallet_id"], json!(ada.wallet));
    problem.problem(409, "wallet_not_empty");
    house.withdraw(&ada, &json!({ "amount": "5" })).send().await.expect(201);
    erased(&house, &ada).await;
    // Nor can anybody send them some afterwards: their wallets were closed in the same append.
    let admin = house.admin().await;
    let shop = house.service_key(&admin, &["wallet:deposit"]).await;
    let late = house.post(&format!("/wallets/{}/deposit", ada.wallet)).token(&shop).key(&new_key());
    late.json(&json!({ "amount": "5" })).send().await.problem(409, "wallet_closed");
}

#[tokio::test]
async fn c39_an_admin_erases_others_without_their_password_and_by_the_old_name_too() {
    let house = House::open().await;
    let admin = house.admin().await;
    for path in ["/users", "/auth"] {
        let ada = house.person().await;
        let path = format!("{path}/{}", ada.id);
        let key = new_key();
        let ask = || house.ask("DELETE", &path).token(&admin.token).key(&key).send();
        let first = ask().await.expect(200);
        let again = ask().await;
        assert_eq!((again.expect(200), again.header("idempotency-replayed")), (first, Some("true")));
    }
    let eve = house.person().await;
    house.ask("DELETE", &format!("/auth/{}", eve.id)).token(&eve.token).send().await.expect(200);
    house.get("/auth/me").token(&eve.token).send().await.problem(401, "session_ended");
    house.get("/auth/test").token(&admin.token).send().await.problem(404, "route_not_found");
    let document = serde_json::to_value(api::openapi()).unwrap();
    assert_eq!(document.pointer("/paths/~1auth~1{id}/delete/deprecated"), Some(&json!(true)));
}

#[tokio::test]
async fn c39_name_and_address_are_free_again() {
    let house = House::open().await;
    let registration = house.registration();
    let first = house.post("/auth/register").json(&registration).send().await.expect(201);
    house.post("/auth/register").json(&registration).send().await.problem(409, "email_taken");
    let signed_in = house.login(registration["username"].as_str().unwrap()).await.expect(200);
    let token = signed_in["access_token"].as_str().unwrap();
    let erasure = json!({ "current_password": PASSWORD });
    house.ask("DELETE", "/users/me").token(token).json(&erasure).send().await.expect(200);
    let second = house.post("/auth/register").json(&registration).send().await.expect(201);
    assert_ne!(first["user"]["id"], second["user"]["id"]);
}

#[tokio::test]
async fn c39_another_node_forgets_them_within_a_second() {
    let house = House::open().await;
    let ada = house.person().await;
    let (elsewhere, vault) = house.node_elsewhere(Choices::default()).await;
    Ask::new(elsewhere, "GET", "/users/me").token(&ada.token).send().await.expect(200);
    assert!(reads_the_name(&vault, &house, id(&ada)).await, "its key is in that node's memory");
    erased(&house, &ada).await;
    assert!(!reads_the_name(&house.vault, &house, id(&ada)).await);
    eventually_within(SOON, "the other node has forgotten the key", async || {
        !reads_the_name(&vault, &house, id(&ada)).await
    })
    .await;
    let refused = Ask::new(elsewhere, "GET", "/users/me").token(&ada.token).send().await;
    refused.problem(401, "session_ended");
}

#[tokio::test]
async fn c39_read_models_built_anew_after_an_erasure_are_the_live_ones() {
    let house = House::open().await;
    let ((ada, _), (eve, _)) = (lively(&house).await, lively(&house).await);
    let position = erased(&house, &ada).await.expect(200)["position"].as_i64().unwrap();
    let models = projections::all(Arc::new(house.vault.clone()));
    let rebuilt = projections::rebuild(&house.journal, &models, "all", RebuildOptions { verify: true }).await;
    let rebuilt = rebuilt.unwrap();
    assert!(rebuilt.iter().all(|model| model.verified && model.position >= position), "{rebuilt:?}");
    let query = format!("/users/me?min_position={position}");
    assert_eq!(house.get(&query).token(&eve.token).send().await.expect(200)["username"], json!(eve.name));
    for rows in [
        "profiles where coalesce(username, email, name) is not null and",
        "api_keys where",
        "exchange_credentials where",
        "login_sessions where",
        "preferences where",
        "activity where ip is not null and",
    ] {
        let sql = format!("select count(*) from {rows} user_id = $1");
        let count = async |of: &Person| {
            let found: i64 =
                sqlx::query_scalar(&sql).bind(id(of).0).fetch_one(house.journal.pool()).await.unwrap();
            found
        };
        assert_eq!(count(&ada).await, 0, "{rows}");
        assert_ne!(count(&eve).await, 0, "{rows}");
    }
}

#[tokio::test]
async fn c39_what_an_erased_user_did_stays_under_an_id_that_means_nobody() {
    let house = House::open().await;
    let (ada, _) = lively(&house).await;
    erased(&house, &ada).await;
    let owner = journal::OwnerQuery { limit: 100, ..journal::OwnerQuery::default() };
    let events = house.journal.read_owner(id(&ada), &owner).await.unwrap();
    let types: Vec<&str> = events.iter().map(|recorded| &*recorded.event_type).collect();
    assert_eq!(types.first(), Some(&"UserRegistered"));
    assert_eq!(types.last_chunk(), Some(&["UserErased", "WalletClosed"]));
    assert!(types.contains(&"WalletDeposited"));
    let written: String = events.iter().map(|recorded| recorded.payload.to_lowercase()).collect();
    assert!(!written.contains(&ada.name) && !written.contains("example.com"), "{written}");
}
