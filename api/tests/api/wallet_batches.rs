//! Batches: all or nothing, in order, and the first that cannot be is named.

use crate::client::{Answered, Ask};
use crate::house::{House, Person, new_key};
use serde_json::{Value, json};

fn batch(house: &House, person: &Person, commands: &[Value]) -> Ask {
    house.command(&person.token, "/batches", &json!({ "commands": commands }))
}

async fn funded(house: &House, amount: &str) -> Person {
    let person = house.person().await;
    house.deposit(&person, &json!({ "amount": amount })).send().await.expect(201);
    person
}

/// The problem of one command, named by where it stands.
#[track_caller]
fn first_offender(answered: &Answered, status: u16, code: &str, index: usize) -> Value {
    let problem = answered.problem(status, code);
    assert_eq!(
        (&problem["index"], &problem["pointer"]),
        (&json!(index), &json!(format!("/commands/{index}")))
    );
    problem
}

#[tokio::test]
async fn a_batch_does_everything_that_its_commands_do_alone() {
    let house = House::open().await;
    let (ada, eve) = (funded(&house, "10").await, house.person().await);
    let (wallet, head) = (&ada.wallet, house.head().await);
    let hold = format!("{wallet}.6");
    let commands = [
        json!({ "type": "deposit", "wallet_id": wallet, "amount": "5", "reference": "in" }),
        json!({ "type": "withdraw", "wallet_id": wallet, "amount": "1", "min_available_after": "14" }),
        json!({ "type": "transfer", "wallet_id": wallet, "amount": "2", "to": eve.name }),
        json!({ "type": "hold", "wallet_id": wallet, "amount": "6", "ttl_seconds": 60, "expected_version": 5 }),
        json!({ "type": "amend", "hold_id": hold, "amount": "7" }),
        json!({ "type": "extend", "hold_id": hold, "ttl_seconds": 90 }),
        json!({ "type": "capture", "hold_id": hold, "capture_id": "fill", "amount": "4", "final": true }),
        json!({ "type": "reverse", "transaction_id": format!("{wallet}.2"), "reference": "oops" }),
    ];
    let (key, body) = (new_key(), json!({ "commands": commands }));
    let ask = || house.post("/batches").token(&ada.token).key(&key).json(&body).send();
    // It was deposited ten and spent some of it since: so much cannot be undone any more.
    first_offender(&ask().await, 422, "insufficient_funds", 7);
    assert_eq!(house.head().await, head);
    first_offender(&ask().await, 422, "insufficient_funds", 7);

    let answered = batch(&house, &ada, &commands[..7]).send().await;
    let done = answered.expect(201);
    assert_eq!(done["position"], json!(head + 8), "a transfer is two events");
    assert_eq!(answered.header("counterfoil-position"), Some((head + 8).to_string().as_str()));
    assert_eq!(answered.header("etag"), None);
    let results = done["results"].as_array().unwrap();
    let types: Vec<&str> = results.iter().map(|result| result["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["deposit", "withdraw", "transfer", "hold", "amend", "extend", "capture"]);
    let positions: Vec<i64> =
        results.iter().map(|result| result["position"].as_i64().unwrap() - head).collect();
    assert_eq!(positions, [1, 2, 4, 5, 6, 7, 8]);
    assert_eq!(results[0]["transaction"]["reference"], "in");
    assert_eq!(results[1]["wallet"]["posted"], "14.00");
    assert_eq!(results[2]["to"], json!({ "id": eve.wallet, "currency": "USD" }));
    assert_eq!(results[3]["hold"]["id"], json!(hold));
    assert_eq!(
        (&results[6]["hold"]["captured"], &results[6]["hold"]["released"]),
        (&json!("4.00"), &json!("3.00"))
    );
    assert_eq!(results[6]["wallet"]["available"], "8.00");

    // A capture that was in a batch is known by its id like any other, and its answer is the one it would have had.
    let path = format!("/holds/{hold}/capture");
    let same = json!({ "capture_id": "fill", "amount": "4", "final": true });
    let again = house.command(&ada.token, &path, &same).send().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let mut alone = again.expect(200);
    alone["type"] = json!("capture");
    assert_eq!(alone, results[6]);
}

#[tokio::test]
async fn a_repeated_batch_is_answered_with_the_same_bytes() {
    let house = House::open().await;
    let (ada, eve) = (funded(&house, "10").await, house.person().await);
    let key = new_key();
    let ask = |body: Value| house.post("/batches").token(&ada.token).key(&key).json(&body).send();
    let deposit = |amount: Value| json!({ "type": "deposit", "wallet_id": ada.wallet, "amount": amount });
    let transfer = json!({ "type": "transfer", "wallet_id": ada.wallet, "amount": "3", "to": eve.wallet });
    let first = ask(json!({ "commands": [deposit(json!("5.00")), transfer] })).await;
    first.expect(201);
    house.withdraw(&eve, &json!({ "amount": "1" })).send().await.expect(201);
    let head = house.head().await;
    ask(json!({ "commands": [deposit(json!(5)), transfer] })).await.repeats(&first);
    ask(json!({ "commands": [transfer, deposit(json!(5))] })).await.problem(422, "idempotency_key_reused");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn nothing_of_a_batch_happens_if_one_of_it_cannot() {
    let house = House::open().await;
    let (ada, eve) = (funded(&house, "10").await, house.person().await);
    let head = house.head().await;
    let deposit = json!({ "type": "deposit", "wallet_id": ada.wallet, "amount": "5" });
    let cases = [
        (
            json!({ "type": "withdraw", "wallet_id": ada.wallet, "amount": "15.01" }),
            422,
            "insufficient_funds",
        ),
        (json!({ "type": "withdraw", "wallet_id": eve.wallet, "amount": "1" }), 404, "wallet_not_found"),
        (json!({ "type": "release", "hold_id": format!("{}.9", ada.wallet) }), 404, "hold_not_found"),
        (json!({ "type": "release", "hold_id": format!("{}.2", ada.wallet) }), 404, "hold_not_found"),
        (json!({ "type": "release", "hold_id": format!("{}.2", eve.wallet) }), 404, "hold_not_found"),
        (
            json!({ "type": "reverse", "transaction_id": format!("{}.9", ada.wallet) }),
            404,
            "transaction_not_found",
        ),
        (
            json!({ "type": "transfer", "wallet_id": ada.wallet, "amount": "1", "to": "nobody" }),
            422,
            "recipient_not_found",
        ),
        (
            json!({ "type": "deposit", "wallet_id": ada.wallet, "amount": "1", "expected_version": 2 }),
            412,
            "version_mismatch",
        ),
    ];
    for (command, status, code) in cases {
        let answered = batch(&house, &ada, &[deposit.clone(), command.clone(), deposit.clone()]).send().await;
        first_offender(&answered, status, code, 1);
        assert_eq!(house.head().await, head, "{command}");
    }
    // A frozen refusal stays what it was, though the money is there by then.
    let key = new_key();
    let body =
        json!({ "commands": [deposit, { "type": "withdraw", "wallet_id": ada.wallet, "amount": "16" }] });
    let ask = || house.post("/batches").token(&ada.token).key(&key).json(&body).send();
    first_offender(&ask().await, 422, "insufficient_funds", 1);
    house.deposit(&ada, &json!({ "amount": "100" })).send().await.expect(201);
    let again = ask().await;
    first_offender(&again, 422, "insufficient_funds", 1);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let known = house.get(&format!("/commands/{key}")).token(&ada.token).send().await.expect(200);
    assert_eq!((&known["status"], &known["refusal"]), (&json!("refused"), &json!("insufficient_funds")));
}

#[tokio::test]
async fn a_hold_that_the_batch_itself_has_ended_says_so() {
    let house = House::open().await;
    let ada = house.person().await;
    house.furnish(&ada).await;
    let (hold, head) = (ada.id_in("/holds"), house.head().await);
    let release = json!({ "type": "release", "hold_id": hold });
    let answered = batch(&house, &ada, &[release.clone(), release]).send().await;
    let problem = first_offender(&answered, 409, "hold_ended", 1);
    assert!(problem["detail"].as_str().unwrap().contains("earlier command of the batch"));
    assert_eq!(problem.get("ended_by"), None, "nothing has ended it");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn all_that_is_wrong_with_a_batch_is_said_at_once() {
    let house = House::open().await;
    let ada = funded(&house, "10").await;
    let head = house.head().await;
    let commands = [
        json!({ "type": "deposit", "wallet_id": ada.wallet, "amount": "1" }),
        json!({ "type": "withdraw", "wallet_id": ada.wallet, "amount": "1.001", "reference": "" }),
        json!({ "type": "mint", "wallet_id": ada.wallet, "amount": "1" }),
        json!({ "type": "hold", "wallet_id": ada.wallet, "amount": "1" }),
        json!({ "type": "capture", "hold_id": "7" }),
        json!({ "type": "transfer", "amount": "1" }),
        json!([1]),
    ];
    let answered = batch(&house, &ada, &commands).send().await;
    let problem = first_offender(&answered, 422, "validation_failed", 1);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().unwrap().iter();
    let found: Vec<(String, String)> = errors.map(|e| (text(&e["pointer"]), text(&e["code"]))).collect();
    let expected = [
        ("/commands/1/amount", "too_many_decimals"),
        ("/commands/1/reference", "empty"),
        ("/commands/2/type", "unknown"),
        ("/commands/3/ttl_seconds", "required"),
        ("/commands/4/hold_id", "not_an_id"),
        ("/commands/5/wallet_id", "required"),
        ("/commands/6", "wrong_type"),
    ];
    assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    for (body, code) in [
        (json!({}), "required"),
        (json!({ "commands": null }), "required"),
        (json!({ "commands": [] }), "empty"),
        (json!({ "commands": {} }), "wrong_type"),
        (json!({ "commands": vec![commands[0].clone(); 201] }), "too_long"),
    ] {
        let answered = house.command(&ada.token, "/batches", &body).send().await;
        let problem = answered.problem(422, "validation_failed");
        assert_eq!(
            (&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]),
            (&json!("/commands"), &json!(code))
        );
    }
    let tagged = batch(&house, &ada, &commands[..1]).header("if-match", "\"2\"").send().await;
    tagged.problem(400, "invalid_header");
    let without_key = house.post("/batches").token(&ada.token).json(&json!({ "commands": [commands[0]] }));
    without_key.send().await.problem(400, "missing_idempotency_key");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn a_capture_stands_in_a_batch_once() {
    let house = House::open().await;
    let ada = house.person().await;
    house.furnish(&ada).await;
    let head = house.head().await;
    let capture = |id: &str, amount: &str| json!({ "type": "capture", "hold_id": ada.id_in("/holds"), "capture_id": id, "amount": amount });
    let twice = [capture("1", "0.10"), capture("2", "0.10"), capture(" 1 ", "0.20")];
    let answered = batch(&house, &ada, &twice).send().await;
    let problem = first_offender(&answered, 422, "validation_failed", 2);
    let error = &problem["errors"][0];
    assert_eq!((&error["pointer"], &error["code"]), (&json!("/commands/2/capture_id"), &json!("repeated")));
    assert_eq!(house.head().await, head);
    batch(&house, &ada, &twice[..2]).send().await.expect(201);
    // What was captured before is captured, and no batch can answer for it.
    batch(&house, &ada, &[capture("1", "0.10")]).send().await.problem(422, "capture_id_reused");
}

#[tokio::test]
async fn a_key_does_in_a_batch_what_it_may_do_alone() {
    let house = House::open().await;
    let (ada, boss) = (funded(&house, "10").await, house.admin().await);
    let key = house.service_key(&boss, &["wallet:deposit", "wallet:hold"]).await;
    let command = |kind: &str| json!({ "type": kind, "wallet_id": ada.wallet, "amount": "1", "ttl_seconds": 60, "to": "grace" });
    let ask = |kinds: &[&str]| {
        let commands: Vec<Value> = kinds.iter().map(|kind| command(kind)).collect();
        house.command(&key, "/batches", &json!({ "commands": commands })).send()
    };
    let head = house.head().await;
    let refused = ask(&["deposit", "withdraw"]).await;
    assert_eq!(first_offender(&refused, 403, "insufficient_scope", 1)["required"], "wallet:withdraw");
    let refused = ask(&["hold", "deposit", "transfer"]).await;
    assert_eq!(first_offender(&refused, 403, "insufficient_scope", 2)["required"], "wallet:transfer");
    assert_eq!(house.head().await, head);
    ask(&["deposit", "hold"]).await.expect(201);
    // Whoever may do none of it is told so before anything is looked up.
    let reads = house.service_key(&boss, &["wallet:read"]).await;
    let body = json!({ "commands": [{ "type": "release", "hold_id": format!("{}.2", new_key()) }] });
    let refused = house.command(&reads, "/batches", &body).send().await;
    first_offender(&refused, 403, "insufficient_scope", 0);
}

#[tokio::test]
async fn the_longest_batch_there_can_be_is_taken() {
    let house = House::open().await;
    let (ada, eve) = (funded(&house, "1000").await, house.person().await);
    let command = json!({
        "type": "transfer", "wallet_id": ada.wallet, "amount": "1.00", "currency": "USD", "to": eve.wallet,
        "reference": "ї".repeat(140), "min_available_after": "0.00", "max_available_after": "1000000000.00",
    });
    let done = batch(&house, &ada, &vec![command; 200]).send().await.expect(201);
    assert_eq!(done["results"].as_array().unwrap().len(), 200);
    assert_eq!(done["results"][199]["from"]["posted"], "800.00");
    let huge = json!({ "commands": [], "padding": "x".repeat(256 * 1024) });
    house.command(&ada.token, "/batches", &huge).send().await.problem(413, "body_too_large");
}

#[tokio::test]
async fn a_capture_of_a_batch_is_told_to_its_own_wallets_owner_and_no_other() {
    let house = House::open().await;
    let admin = house.admin().await;
    let shop = house.service_key(&admin, &["wallet:hold"]).await;
    let (ada, eve) = (funded(&house, "10").await, funded(&house, "20").await);
    // Both wallets hold something at the same place of their histories.
    let hold = |person: &Person| json!({ "type": "hold", "wallet_id": person.wallet, "amount": "3", "ttl_seconds": 60 });
    let capture = |person: &Person| json!({ "type": "capture", "hold_id": format!("{}.3", person.wallet), "capture_id": "fill-1" });
    let commands = [hold(&ada), hold(&eve), capture(&ada), capture(&eve)];
    house.command(&shop, "/batches", &json!({ "commands": commands })).send().await.expect(201);
    let path = format!("/holds/{}.3/capture", eve.wallet);
    let again = house.command(&eve.token, &path, &json!({ "capture_id": "fill-1" })).send().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.json()["wallet"]["id"], json!(eve.wallet));
    assert_eq!(again.json()["wallet"]["posted"], "17.00");
}
