use crate::house::House;
use serde_json::{Value, json};

fn types(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn ones_own_events_come_oldest_first_and_nobody_elses() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    house.deposit(&ada, &json!({ "amount": "5" })).send().await.expect(201);
    house.deposit(&eve, &json!({ "amount": "6" })).send().await.expect(201);
    let page = house.get("/events").token(&ada.token).send().await.expect(200);
    assert_eq!(types(&page), ["UserRegistered", "WalletOpened", "LoginSessionOpened", "WalletDeposited"]);
    assert_eq!(page["next_cursor"], Value::Null);
    assert_eq!(page["position"], json!(house.head().await));
    let deposited = &page["items"][3];
    for member in [
        "position",
        "event_id",
        "type",
        "version",
        "aggregate",
        "aggregate_id",
        "sequence",
        "recorded_at",
        "actor",
        "correlation_id",
        "causation_id",
        "data",
    ] {
        assert!(deposited.get(member).is_some(), "{member}");
    }
    assert_eq!(deposited["data"]["amount"], "5.00");
    let session = &page["items"][2]["data"]["session_id"];
    assert_eq!(deposited["actor"], json!({ "kind": "user", "id": ada.id, "session_id": session }));
}

#[tokio::test]
async fn an_owner_reads_their_own_data_in_plain_words() {
    let house = House::open().await;
    let ada = house.person().await;
    let page = house.get("/events?type=UserRegistered").token(&ada.token).send().await.expect(200);
    assert_eq!(page["items"][0]["data"]["username"], json!(ada.name));
    let stored = house.journal.read_after(0, 1).await.unwrap();
    assert!(!stored[0].payload.contains(&ada.name), "the journal knows no names");
}

#[tokio::test]
async fn a_list_of_events_goes_on_with_its_filters() {
    let house = House::open().await;
    let ada = house.person().await;
    for amount in 1..=5 {
        house.deposit(&ada, &json!({ "amount": amount })).send().await.expect(201);
    }
    let first = house.get("/events?type=WalletDeposited&limit=2").token(&ada.token).send().await.expect(200);
    assert_eq!(first["items"][0]["data"]["amount"], "1.00");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second =
        house.get(&format!("/events?cursor={cursor}&limit=4")).token(&ada.token).send().await.expect(200);
    assert_eq!(types(&second), ["WalletDeposited"; 3]);
    assert_eq!(second["items"][0]["data"]["amount"], "3.00");
    assert_eq!(second["next_cursor"], Value::Null);

    let after = second["items"][0]["position"].as_i64().unwrap();
    let rest = house.get(&format!("/events?after={after}")).token(&ada.token).send().await.expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
    let users = house.get("/events?aggregate=user").token(&ada.token).send().await.expect(200);
    assert_eq!(types(&users), ["UserRegistered", "LoginSessionOpened"]);
    house.get("/events?aggregate=order").token(&ada.token).send().await.problem(422, "validation_failed");
}

#[tokio::test]
async fn a_position_that_is_not_there_yet_is_named_with_the_head() {
    let house = House::open().await;
    let ada = house.person().await;
    let head = house.head().await;
    let problem = house.get("/events?min_position=1000").token(&ada.token).send().await;
    let problem = problem.problem(422, "position_beyond_head");
    assert_eq!((&problem["asked"], &problem["head"]), (&json!(1_000), &json!(head)));
    let refused =
        house.get("/events").token(&ada.token).header("counterfoil-min-position", "soon").send().await;
    let refused = refused.problem(422, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "Counterfoil-Min-Position");
}

#[tokio::test]
async fn a_requests_own_id_goes_through_to_its_events() {
    let house = House::open().await;
    let ada = house.person().await;
    let id = "0198c5a0-7c1e-7000-8000-00000000002a";
    let answered = house.deposit(&ada, &json!({ "amount": "1" })).header("x-request-id", id).send().await;
    answered.expect(201);
    assert_eq!(answered.header("x-request-id"), Some(id));
    let page = house.get("/events?type=WalletDeposited").token(&ada.token).send().await.expect(200);
    assert_eq!(page["items"][0]["correlation_id"], id);
}

#[tokio::test]
async fn what_nobody_can_open_any_more_reads_as_erased_and_never_as_an_error() {
    let house = House::open().await;
    let ada = house.person().await;
    sqlx::query("delete from secrets where kind = 'data_key'").execute(house.journal.pool()).await.unwrap();
    house.vault.forget_user(ada.id.parse().unwrap());
    let page = house.get("/events?aggregate=user").token(&ada.token).send().await.expect(200);
    let [registered, signed_in] = page["items"].as_array().unwrap().as_slice() else { panic!("{page}") };
    assert_eq!(
        (&registered["data"]["username"], &registered["data"]["email"]),
        (&json!("erased"), &json!("erased"))
    );
    assert_eq!(
        (&registered["data"]["roles"], &signed_in["data"]["ip"]),
        (&json!(["user"]), &json!("erased"))
    );
}
