//! Users as a resource: read, changed, replaced; whoever asks.

use crate::client::{Answered, Ask};
use crate::house::{Choices, House, PASSWORD, Person, new_key};
use serde_json::{Value, json};

fn patch(house: &House, who: &Person, whom: &str, body: &Value) -> Ask {
    house.ask("PATCH", &format!("/users/{whom}")).token(&who.token).json(body)
}

async fn fresh(house: &House, who: &Person, changed: &Answered) -> Answered {
    let position = changed.header("counterfoil-position").unwrap();
    house.get(&format!("/users/{}?min_position={position}", who.id)).token(&who.token).send().await
}

#[tokio::test]
async fn what_is_sent_of_a_user_is_changed_and_the_rest_stays() {
    let house = House::open().await;
    let ada = house.person().await;
    let changed = patch(&house, &ada, "me", &json!({ "name": "Ada L." })).send().await;
    let body = changed.expect(200);
    assert_eq!(body["user"]["name"], "Ada L.");
    assert_eq!(body["user"]["username"], json!(ada.name));
    assert_eq!(body["position"].to_string(), changed.header("counterfoil-position").unwrap());
    assert_eq!(changed.header("etag"), Some(format!("\"{}\"", body["user"]["version"]).as_str()));
    let read = fresh(&house, &ada, &changed).await;
    assert_eq!(read.expect(200), body["user"], "what is read is what was answered");

    let renamed = patch(&house, &ada, "me", &json!({ "username": "Countess" })).send().await;
    assert_eq!(renamed.expect(200)["user"]["name"], "Ada L.");
    house.login("countess").await.expect(200);
    house.login(&ada.name).await.problem(401, "invalid_credentials");

    let nameless = patch(&house, &ada, "me", &json!({ "name": null })).send().await;
    assert_eq!(nameless.expect(200)["user"]["name"], Value::Null);
    assert_eq!(fresh(&house, &ada, &nameless).await.expect(200)["name"], Value::Null);
}

#[tokio::test]
async fn a_replacement_says_everything_and_leaves_nothing_over() {
    let house = House::open().await;
    let ada = house.person().await;
    patch(&house, &ada, "me", &json!({ "name": "Ada L." })).send().await.expect(200);
    let email = format!("A{}@example.com", &ada.name[1..]);
    let put = |path: &str, body: Value| house.ask("PUT", path).token(&ada.token).json(&body);
    let head = house.head().await;
    for partial in [json!({}), json!({ "username": "new" }), json!({ "email": email, "name": "A" })] {
        put("/users/me", partial).send().await.problem(422, "validation_failed");
    }
    assert_eq!(house.head().await, head);
    let replaced = put("/users/me", json!({ "username": "lovelace", "email": email })).send().await;
    let user = replaced.expect(200)["user"].clone();
    assert_eq!((&user["username"], &user["name"]), (&json!("lovelace"), &Value::Null));
    assert_eq!(user["email"], json!(email));

    // The same under its old name, with a field that it does not take.
    let old = format!("/auth/{}", ada.id);
    let body = json!({ "username": "byron", "email": email, "status": "erased" });
    let replaced = put(&old, body).send().await.expect(200);
    assert_eq!(
        (&replaced["user"]["username"], &replaced["user"]["status"]),
        (&json!("byron"), &json!("active"))
    );
    let document = house.get("/openapi.json").send().await.expect(200);
    assert_eq!(document["paths"]["/auth/{id}"]["put"]["deprecated"], true);
    for nothing in ["/auth/test", &old] {
        house.get(nothing).token(&ada.token).send().await.problem(404, "route_not_found");
    }
}

#[tokio::test]
async fn a_profile_is_the_user_by_another_name() {
    let house = House::open().await;
    let ada = house.person().await;
    let path = format!("/users/{}/profile", ada.id);
    let put = house.ask("PUT", &path).token(&ada.token).json(&json!({ "name": "Ada L." })).send().await;
    let user = put.expect(200)["user"].clone();
    assert_eq!((&user["name"], &user["username"]), (&json!("Ada L."), &json!(ada.name)));
    let position = put.header("counterfoil-position").unwrap();
    let read = house.get(&format!("{path}?min_position={position}")).token(&ada.token).send().await;
    assert_eq!(read.expect(200), user);
    let etag = read.header("etag").unwrap();
    let again = house.get(&path).token(&ada.token).header("if-none-match", etag).send().await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn a_change_is_for_the_version_it_was_made_for() {
    let house = House::open().await;
    let ada = house.person().await;
    let path = format!("/users/me?min_position={}", house.head().await);
    let read = house.get(&path).token(&ada.token).send().await;
    let etag = read.header("etag").unwrap();
    let change =
        |name: &str, etag: &str| patch(&house, &ada, "me", &json!({ "name": name })).header("if-match", etag);
    let changed = change("Ada L.", etag).send().await;
    changed.expect(200);
    assert_ne!(changed.header("etag"), Some(etag));
    let head = house.head().await;
    change("Ada B.", etag).send().await.problem(412, "version_mismatch");
    assert_eq!(house.head().await, head);
    change("Ada B.", changed.header("etag").unwrap()).send().await.expect(200);
}

#[tokio::test]
async fn what_is_so_already_leaves_no_event() {
    let house = House::open().await;
    let ada = house.person().await;
    patch(&house, &ada, "me", &json!({ "name": "Ada L." })).send().await.expect(200);
    let head = house.head().await;
    let same = json!({ "username": ada.name, "name": "Ada L." });
    let answered = patch(&house, &ada, "me", &same).send().await;
    assert_eq!(answered.expect(200)["user"]["name"], "Ada L.");
    assert_eq!(house.head().await, head);
    // The letters of a name may be written otherwise: it is still one's own.
    let louder = json!({ "username": ada.name.to_uppercase() });
    let answered = patch(&house, &ada, "me", &louder).send().await;
    assert_eq!(answered.expect(200)["user"]["username"], json!(ada.name.to_uppercase()));
    house.login(&ada.name).await.expect(200);
}

#[tokio::test]
async fn a_repeat_is_answered_with_the_same_bytes() {
    let house = House::open().await;
    let ada = house.person().await;
    let key = new_key();
    let change = |name: &str| patch(&house, &ada, "me", &json!({ "name": name })).key(&key);
    let first = change("Ada L.").send().await;
    first.expect(200);
    patch(&house, &ada, "me", &json!({ "name": "Ada B." })).send().await.expect(200);
    let again = change("Ada L.").send().await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    change("Somebody Else").send().await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn of_twenty_who_want_one_name_one_gets_it() {
    let house = House::open().await;
    let mut people = Vec::new();
    for _ in 0..20 {
        people.push(house.person().await);
    }
    let renames = people.iter().enumerate().map(|(n, person)| {
        // In letters that differ, and mean the same name.
        let name: String = "countess"
            .chars()
            .enumerate()
            .map(|(i, c)| if (n >> (i % 4)) & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        tokio::spawn(patch(&house, person, "me", &json!({ "username": name })).send())
    });
    let mut answers = Vec::new();
    for rename in renames.collect::<Vec<_>>() {
        answers.push(rename.await.unwrap());
    }
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 19));
    for answer in lost {
        answer.problem(409, "username_taken");
    }
    let signed_in = house.login("countess").await.expect(200);
    assert_eq!(signed_in["user"]["id"], won[0].json()["user"]["id"]);
}

#[tokio::test]
async fn a_name_that_was_given_up_is_free() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let taken = json!({ "username": ada.name.to_uppercase() });
    patch(&house, &eve, "me", &taken).send().await.problem(409, "username_taken");
    patch(&house, &ada, "me", &json!({ "username": "countess" })).send().await.expect(200);
    patch(&house, &eve, "me", &taken).send().await.expect(200);
    assert_eq!(house.login(&ada.name).await.expect(200)["user"]["id"], json!(eve.id));
}

#[tokio::test]
async fn an_owners_new_address_is_asked_first_and_an_admins_word_is_enough() {
    let house = House::open().await;
    let (ada, admin) = (house.person().await, house.admin().await);
    let wanted = json!({ "email": "countess@example.com", "name": "Ada L." });
    let asked = patch(&house, &ada, "me", &wanted).send().await.expect(202);
    assert_eq!(asked["pending_email"], "countess@example.com");
    assert_eq!(asked["user"]["name"], "Ada L.", "the rest is changed at once");
    assert_ne!(asked["user"]["email"], "countess@example.com");

    let changed = patch(&house, &admin, &ada.id, &wanted).send().await.expect(200);
    assert_eq!(changed["user"]["email"], "countess@example.com");
    assert_eq!(changed["user"]["email_verified"], false);
    assert!(changed.get("pending_email").is_none());
    let body = json!({ "email": "COUNTESS@example.com", "password": PASSWORD });
    house.post("/auth/login").json(&body).send().await.expect(200);

    let head = house.head().await;
    let taken = json!({ "email": "countess@example.com", "name": "Eve" });
    let eve = house.person().await;
    for (who, whom) in [(&eve, "me"), (&admin, eve.id.as_str())] {
        let before = house.head().await;
        patch(&house, who, whom, &taken).send().await.problem(409, "email_taken");
        assert_eq!(house.head().await, before, "nothing of it was done");
    }
    assert!(house.head().await > head);
}

#[tokio::test]
async fn an_admin_registers_somebody_with_their_roles() {
    let house = House::open().await;
    let (ada, admin) = (house.person().await, house.admin().await);
    let mut body = house.registration();
    body["roles"] = json!(["service"]);
    let create = |who: &Person, body: &Value| house.post("/users").token(&who.token).json(body);
    create(&ada, &body).send().await.problem(403, "admin_required");
    let created = create(&admin, &body).send().await;
    let registered = created.expect(201);
    assert_eq!(registered["user"]["roles"], json!(["service"]));
    assert_eq!(registered["wallet"]["user_id"], registered["user"]["id"]);
    let location = format!("/api/v1/users/{}", registered["user"]["id"].as_str().unwrap());
    assert_eq!(created.header("location"), Some(location.as_str()));
    house.login(body["username"].as_str().unwrap()).await.expect(200);

    create(&admin, &body).send().await.problem(409, "email_taken");
    assert_eq!(
        create(&admin, &house.registration()).send().await.expect(201)["user"]["roles"],
        json!(["user"])
    );
    for roles in [json!([]), json!(["root"]), json!("admin"), json!([7])] {
        let mut body = house.registration();
        body["roles"] = roles;
        let problem = create(&admin, &body).send().await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/roles");
    }
    let (key, body) = (new_key(), house.registration());
    let first = create(&admin, &body).key(&key).send().await;
    assert_eq!(create(&admin, &body).key(&key).send().await.body, first.body);
}

#[tokio::test]
async fn a_user_in_figures() {
    let house = House::open().await;
    let ada = house.person().await;
    house.login(&ada.name).await.expect(200);
    for _ in 0..3 {
        house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    }
    let head = house.head().await;
    let path = format!("/users/me/statistics?min_position={head}");
    let figures = house.get(&path).token(&ada.token).send().await.expect(200);
    assert_eq!(figures["user_id"], json!(ada.id));
    assert_eq!((&figures["login_count"], &figures["active_sessions"]), (&json!(2), &json!(2)));
    assert_eq!((&figures["wallets"], &figures["transactions"]), (&json!(1), &json!(3)));
    assert!(figures["last_login_at"].is_string());
    assert!(figures["position"].as_i64().unwrap() >= head);
    house.post("/auth/logout").token(&ada.token).send().await.expect(200);
    let admin = house.admin().await;
    let head = house.head().await;
    let path = format!("/users/{}/statistics?min_position={head}", ada.id);
    let figures = house.get(&path).token(&admin.token).send().await.expect(200);
    assert_eq!(figures["active_sessions"], 1);
}

#[tokio::test]
async fn failed_logins_are_told_until_the_next_one_that_is_right() {
    let house = House::open().await;
    let (ada, boss) = (house.person().await, house.admin().await);
    let figures = async || {
        let asked = house.get(&format!("/users/{}/statistics", ada.id)).token(&boss.token).send().await;
        let figures = asked.expect(200);
        (figures["failed_logins"].as_i64().unwrap(), figures["last_failed_login_at"].clone())
    };
    let guess = async || {
        let wrong = json!({ "username": ada.name, "password": "a wrong one" });
        house.post("/auth/login").json(&wrong).send().await.problem(401, "invalid_credentials");
    };
    assert_eq!(figures().await, (0, json!(null)));
    let head = house.head().await;
    guess().await;
    guess().await;
    let (count, second) = figures().await;
    assert_eq!(count, 2);
    house.login(&ada.name).await.expect(200);
    assert_eq!(figures().await, (0, json!(null)));
    for _ in 0..5 {
        guess().await;
    }
    let (count, last) = figures().await;
    assert_eq!(count, 5);
    assert!(last.as_str().unwrap() > second.as_str().unwrap(), "{last} after {second}");
    assert_eq!(figures().await, (5, last.clone()), "it does not move by itself");
    assert_eq!(house.head().await, head + 1, "a wrong password is no event");
    // What is written down every node tells.
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    let there = Ask::new(elsewhere, "GET", &format!("/users/{}/statistics", ada.id)).token(&boss.token);
    let there = there.send().await.expect(200);
    assert_eq!((&there["failed_logins"], &there["last_failed_login_at"]), (&json!(5), &last));
    house.post(&format!("/users/{}/unlock", ada.id)).token(&boss.token).send().await.expect(200);
    assert_eq!(figures().await, (0, json!(null)));
}
