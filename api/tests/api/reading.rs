use crate::house::House;
use serde_json::{Value, json};

#[tokio::test]
async fn a_read_waits_for_what_its_reader_has_seen() {
    let house = House::open().await;
    let ada = house.person().await;
    for n in 1..=20 {
        let done = house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
        let path = format!("/wallets/{}?min_position={}", ada.wallet, done["position"]);
        let wallet = house.get(&path).token(&ada.token).send().await;
        assert_eq!(wallet.expect(200)["posted"], json!(format!("{n}.00")));
        let seen: i64 = wallet.header("counterfoil-position").unwrap().parse().unwrap();
        assert!(seen >= done["position"].as_i64().unwrap());
    }
    let by_header = house.get(&format!("/wallets/{}", ada.wallet)).token(&ada.token);
    let head = house.head().await.to_string();
    by_header.header("counterfoil-min-position", &head).send().await.expect(200);
}

#[tokio::test]
async fn a_position_that_does_not_exist_is_refused_at_once() {
    let house = House::open().await;
    let ada = house.person().await;
    for path in ["/auth/me", "/users/me", "/users/me/balance", "/users/me/wallets", "/events"] {
        let answered = house.get(&format!("{path}?min_position=1000000")).token(&ada.token).send().await;
        answered.problem(422, "position_beyond_head");
    }
    let bad = house.get("/users/me?min_position=soon").token(&ada.token).send().await;
    assert_eq!(bad.problem(422, "validation_failed")["errors"][0]["pointer"], "?min_position");
}

#[tokio::test]
async fn somebody_new_is_found_at_once_without_asking_for_a_position() {
    let house = House::open().await;
    for _ in 0..10 {
        let ada = house.person().await;
        house.get(&format!("/wallets/{}", ada.wallet)).token(&ada.token).send().await.expect(200);
        let me = house.get("/auth/me").token(&ada.token).send().await.expect(200);
        assert_eq!(me["user"]["username"], json!(ada.name));
        assert_eq!(me["wallet"]["id"], json!(ada.wallet));
        assert_eq!(me["wallets"].as_array().unwrap().len(), 1);
        assert!(me["setup"].is_object());
    }
}

#[tokio::test]
async fn an_unchanged_wallet_is_not_sent_again() {
    let house = House::open().await;
    let ada = house.person().await;
    // What the login changed is to be read by the first request already.
    let head = house.head().await;
    for path in [format!("/wallets/{}", ada.wallet), "/users/me".to_owned(), "/users/me/balance".to_owned()] {
        let path = format!("{path}?min_position={head}");
        let first = house.get(&path).token(&ada.token).send().await;
        let tag = first.header("etag").unwrap().to_owned();
        let known = house.get(&path).token(&ada.token).header("if-none-match", &tag).send().await;
        assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
        assert_eq!(known.header("etag"), Some(tag.as_str()));
        house.get(&path).token(&ada.token).header("if-none-match", "\"99\"").send().await.expect(200);
    }
}

#[tokio::test]
async fn transactions_come_newest_first_page_by_page() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let mut position = Value::Null;
    for amount in 1..=7 {
        position =
            house.deposit(&ada, &json!({ "amount": amount })).send().await.expect(201)["position"].clone();
    }
    let page = async |query: String| {
        let path = format!("/users/me/balance/transactions?min_position={position}&limit=3{query}");
        house.get(&path).token(&ada.token).send().await.expect(200)
    };
    let amounts = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["amount"].as_str().unwrap().to_owned()).collect()
    };
    let first = page(String::new()).await;
    assert_eq!(amounts(&first), ["7.00", "6.00", "5.00"]);
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let second = page(format!("&cursor={cursor}")).await;
    assert_eq!(amounts(&second), ["4.00", "3.00", "2.00"]);
    let last = page(format!("&cursor={}", second["next_cursor"].as_str().unwrap())).await;
    assert_eq!(amounts(&last), ["1.00"]);
    assert_eq!(last["next_cursor"], Value::Null);
    let same = format!("/wallets/{}/transactions?limit=3", ada.wallet);
    assert_eq!(house.get(&same).token(&ada.token).send().await.expect(200)["items"], first["items"]);

    let foreign = format!("/users/me/balance/transactions?cursor={cursor}");
    house.get(&foreign).token(&eve.token).send().await.problem(400, "invalid_cursor");
    house
        .get("/users/me/balance/transactions?cursor=x")
        .token(&ada.token)
        .send()
        .await
        .problem(400, "invalid_cursor");
    let none = house.get("/users/me/balance/transactions?limit=0").token(&ada.token).send().await;
    none.problem(422, "validation_failed");
}
