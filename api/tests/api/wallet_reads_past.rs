//! Wallets as they were, and why they are as they are.

use crate::house::House;
use serde_json::json;

#[tokio::test]
async fn a_wallet_is_shown_as_it_was_at_a_position_and_at_a_moment() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let mut past = Vec::new();
    for (amount, balance) in [("1", "1.00"), ("2", "3.00"), ("4", "7.00")] {
        let done = house.deposit(&ada, &json!({ "amount": amount })).send().await.expect(201);
        let recorded_at = done["transaction"]["recorded_at"].as_str().unwrap().to_owned();
        past.push((done["position"].as_i64().unwrap(), recorded_at, balance));
        // What happens elsewhere is no change of it.
        house.deposit(&eve, &json!({ "amount": "1" })).send().await.expect(201);
    }
    let ask = |path: String| house.get(&path).token(&ada.token).send();
    for (version, (position, recorded_at, balance)) in (2..).zip(&past) {
        for as_of in [position.to_string(), (position + 1).to_string(), recorded_at.clone()] {
            let answered = ask(format!("/wallets/{}?as_of={as_of}", ada.wallet)).await;
            let wallet = answered.expect(200);
            assert_eq!(
                (&wallet["posted"], &wallet["version"]),
                (&json!(balance), &json!(version)),
                "{as_of}"
            );
            assert_eq!(answered.header("etag"), Some(format!("\"{version}\"").as_str()));
            let of_user = ask(format!("/users/me/balance?as_of={as_of}")).await.expect(200);
            assert_eq!(of_user["balance"], json!(balance));
        }
    }
    let opened = past[0].0 - 1;
    let empty = ask(format!("/wallets/{}?as_of={opened}", ada.wallet)).await.expect(200);
    assert_eq!((&empty["posted"], &empty["version"]), (&json!("0.00"), &json!(1)));
    for before in ["0", "1", "2020-01-01T00:00:00Z"] {
        ask(format!("/wallets/{}?as_of={before}", ada.wallet)).await.problem(404, "wallet_not_found");
    }
    let future = ask(format!("/wallets/{}?as_of=2999-01-01T00:00:00Z", ada.wallet)).await.expect(200);
    assert_eq!(future["posted"], "7.00");
    ask(format!("/wallets/{}?as_of=99999", ada.wallet)).await.problem(422, "position_beyond_head");
    ask(format!("/wallets/{}?as_of=yesterday", ada.wallet)).await.problem(422, "validation_failed");
    let others = house.get(&format!("/wallets/{}?as_of=1", ada.wallet)).token(&eve.token).send().await;
    others.problem(404, "wallet_not_found");
}

#[tokio::test]
async fn a_wallet_is_explained_as_of_one_position() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "100", "reference": "salary" })).send().await.expect(201);
    let mut holds = Vec::new();
    for (amount, reference) in [("30", "order 1"), ("20", "order 2"), ("10", "order 3")] {
        let body = json!({ "amount": amount, "ttl_seconds": 600, "reference": reference });
        let path = format!("/wallets/{}/holds", ada.wallet);
        let placed = house.command(&ada.token, &path, &body).send().await.expect(201);
        holds.push((placed["hold"]["id"].clone(), placed["position"].clone()));
    }
    let id = |n: usize| holds[n].0.as_str().unwrap();
    let part = json!({ "capture_id": "1", "amount": "12.50" });
    house.command(&ada.token, &format!("/holds/{}/capture", id(0)), &part).send().await.expect(200);
    house.command(&ada.token, &format!("/holds/{}/release", id(1)), &json!({})).send().await.expect(200);
    let head = house.head().await;
    let path = format!("/wallets/{}/explain?min_position={head}", ada.wallet);
    let explained = house.get(&path).token(&ada.token).send().await.expect(200);
    assert_eq!(explained["position"], json!(head));
    let balances = ["posted", "held", "available"].map(|name| explained[name].as_str().unwrap());
    assert_eq!(balances, ["87.50", "27.50", "60.00"]);
    let kept: Vec<_> = explained["holds"].as_array().unwrap().iter().collect();
    assert_eq!(kept.len(), 2, "what has ended keeps nothing back");
    for (hold, n, remaining, reference) in
        [(kept[0], 0, "17.50", "order 1"), (kept[1], 2, "10.00", "order 3")]
    {
        assert_eq!((&hold["id"], &hold["placed_position"]), (&holds[n].0, &holds[n].1));
        assert_eq!((&hold["remaining"], &hold["reference"]), (&json!(remaining), &json!(reference)));
        assert!(hold["expires_at"].as_str().unwrap() > hold["placed_at"].as_str().unwrap());
    }
    let events: Vec<_> = explained["events"].as_array().unwrap().iter().collect();
    let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "HoldReleased",
            "HoldCaptured",
            "HoldPlaced",
            "HoldPlaced",
            "HoldPlaced",
            "WalletDeposited",
            "WalletOpened"
        ]
    );
    let left = ["posted", "held", "available"].map(|name| events[0][name].as_str().unwrap());
    assert_eq!(left, balances, "the newest event left the balances as they are");
    assert_eq!((&events[1]["amount"], &events[1]["hold_id"]), (&json!("12.50"), &holds[0].0));
    assert_eq!((&events[5]["amount"], &events[5]["reference"]), (&json!("100.00"), &json!("salary")));
    // Bounded, however much has happened.
    for _ in 0..20 {
        house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    }
    let path = format!("/wallets/{}/explain?min_position={}", ada.wallet, house.head().await);
    let explained = house.get(&path).token(&ada.token).send().await.expect(200);
    assert_eq!(explained["events"].as_array().unwrap().len(), 20);
    assert_eq!(explained["events"][0]["posted"], explained["posted"]);
}

#[tokio::test]
async fn an_explanation_that_is_known_is_not_sent_again() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "10" })).send().await.expect(201);
    let ask = async |tag: &str| {
        let path = format!("/wallets/{}/explain?min_position={}", ada.wallet, house.head().await);
        house.get(&path).token(&ada.token).header("if-none-match", tag).send().await
    };
    let first = ask("\"1\"").await;
    assert_eq!((first.expect(200)["posted"].clone(), first.header("etag")), (json!("10.00"), Some("\"2\"")));
    let known = ask("\"2\"").await;
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some("\"2\"")));
    let hold = json!({ "amount": "1", "ttl_seconds": 600 });
    let path = format!("/wallets/{}/holds", ada.wallet);
    house.command(&ada.token, &path, &hold).send().await.expect(201);
    assert_eq!(ask("\"2\"").await.expect(200)["holds"][0]["remaining"], "1.00");
}
