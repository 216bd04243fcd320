//! Statements: every posting between two balances, in JSON and CSV, and nothing that a spreadsheet would run.

use crate::client::{Answered, Ask};
use crate::house::{House, Person};
use serde_json::{Value, json};

async fn ask(house: &House, person: &Person, query: &str) -> Ask {
    let path = format!("/wallets/{}/statement?min_position={}&{query}", person.wallet, house.head().await);
    house.get(&path).token(&person.token)
}

async fn statement(house: &House, person: &Person, query: &str) -> Value {
    ask(house, person, query).await.send().await.expect(200)
}

/// Adds up what it says, in hundredths, by other means than the service does. The number of its lines.
fn reconcile(statement: &Value) -> usize {
    let cents = |value: &Value| value.as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    let mut balance = cents(&statement["opening_balance"]);
    let lines = statement["lines"].as_array().unwrap();
    for line in lines {
        let sign = if line["direction"] == "credit" { 1 } else { -1 };
        balance += sign * cents(&line["amount"]);
        assert_eq!(balance, cents(&line["balance"]), "{line}");
    }
    assert_eq!(balance, cents(&statement["closing_balance"]));
    lines.len()
}

/// Quoted fields may hold commas.
fn columns(line: &str) -> Vec<String> {
    let (mut columns, mut quoted) = (vec![String::new()], false);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => columns.push(String::new()),
            other => columns.last_mut().unwrap().push(other),
        }
    }
    columns
}

fn csv(answered: &Answered) -> Vec<Vec<String>> {
    assert_eq!(answered.status, 200, "{}", answered.text());
    assert!(answered.header("content-type").unwrap().starts_with("text/csv"));
    let text = answered.text();
    assert!(text.ends_with("\r\n"));
    text.split_terminator("\r\n").map(columns).collect()
}

#[tokio::test]
async fn its_lines_lead_from_the_opening_balance_to_the_closing_one() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    assert_eq!(reconcile(&statement(&house, &ada, "").await), 0);
    let first = house.deposit(&ada, &json!({ "amount": "100" })).send().await.expect(201);
    let body = json!({ "amount": "30", "ttl_seconds": 600 });
    let placed =
        house.command(&ada.token, &format!("/wallets/{}/holds", ada.wallet), &body).send().await.expect(201);
    let hold = placed["hold"]["id"].as_str().unwrap().to_owned();
    for (id, amount) in [("1", "10"), ("2", "20")] {
        let capture = json!({ "capture_id": id, "amount": amount });
        house.command(&ada.token, &format!("/holds/{hold}/capture"), &capture).send().await.expect(200);
    }
    let transfer = json!({ "amount": "5.25", "to": eve.wallet });
    let sent = house
        .command(&ada.token, &format!("/wallets/{}/transfer", ada.wallet), &transfer)
        .send()
        .await
        .expect(201);
    let whole = statement(&house, &ada, "").await;
    assert_eq!(reconcile(&whole), 4);
    let kinds: Vec<_> =
        whole["lines"].as_array().unwrap().iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["deposit", "capture", "capture", "transfer_out"], "a hold by itself posts nothing");
    assert_eq!((&whole["opening_balance"], &whole["closing_balance"]), (&json!("0.00"), &json!("64.75")));
    assert_eq!(whole["lines"][1]["hold_id"], json!(hold));
    assert_eq!(whole["lines"][3]["counterparty"], json!(eve.wallet));

    let moment = |done: &Value| done["transaction"]["recorded_at"].as_str().unwrap().to_owned();
    let (from, to) = (moment(&first), moment(&sent));
    let until = statement(&house, &ada, &format!("to={to}")).await;
    assert_eq!((reconcile(&until), &until["closing_balance"]), (3, &json!("70.00")));
    let rest = statement(&house, &ada, &format!("from={to}")).await;
    assert_eq!(
        (reconcile(&rest), &rest["opening_balance"]),
        (1, &json!("70.00")),
        "one goes on where the other ends"
    );
    assert_eq!(reconcile(&statement(&house, &ada, &format!("from={from}&to={to}")).await), 3);
    assert_eq!(reconcile(&statement(&house, &ada, "to=2020-01-01T00:00:00Z").await), 0);
    let none = statement(&house, &ada, "from=2999-01-01T00:00:00Z").await;
    assert_eq!((reconcile(&none), &none["opening_balance"]), (0, &json!("64.75")));
    for bad in ["from=today", "format=pdf", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"] {
        ask(&house, &ada, bad).await.send().await.problem(422, "validation_failed");
    }
    let others = house.get(&format!("/wallets/{}/statement", ada.wallet)).token(&eve.token).send().await;
    others.problem(404, "wallet_not_found");
}

#[tokio::test]
async fn csv_is_exact_and_nothing_in_it_is_a_formula() {
    let house = House::open().await;
    let ada = house.person().await;
    let opened =
        house.command(&ada.token, "/wallets", &json!({ "currency": "ETH" })).send().await.expect(201);
    let wallet = opened["id"].as_str().or(opened["wallet"]["id"].as_str()).unwrap().to_owned();
    let ada = Person { wallet, ..ada };
    let references = ["=HYPERLINK(\"http://x\")", "+1", "-1", "@cmd", "a, \"b\""];
    for reference in references {
        let body = json!({ "amount": "1.000000000000000001", "reference": reference });
        house.deposit(&ada, &body).send().await.expect(201);
    }
    let by_format = csv(&ask(&house, &ada, "format=csv").await.send().await);
    let accept = ask(&house, &ada, "").await.header("accept", "text/csv").send().await;
    assert_eq!(csv(&accept), by_format);
    assert!(accept.header("content-disposition").unwrap().starts_with("attachment; filename=\"statement-"));
    assert_eq!(by_format.len(), 3 + references.len());
    assert!(by_format.iter().all(|line| line.len() == by_format[0].len()), "{by_format:?}");
    let column = |name: &str| by_format[0].iter().position(|known| known == name).unwrap();
    let (reference, credit, balance) = (column("reference"), column("credit"), column("balance"));
    let shown: Vec<&str> = by_format[2..7].iter().map(|line| line[reference].as_str()).collect();
    assert_eq!(shown, ["'=HYPERLINK(http://x)", "'+1", "'-1", "'@cmd", "a, b"]);
    for line in &by_format[2..7] {
        assert_eq!(line[credit], "1.000000000000000001");
    }
    assert_eq!(
        (by_format[1][1].as_str(), by_format[1][balance].as_str()),
        ("opening_balance", "0.000000000000000000")
    );
    assert_eq!(
        (by_format[7][1].as_str(), by_format[7][balance].as_str()),
        ("closing_balance", "5.000000000000000005")
    );
    let json = statement(&house, &ada, "format=json").await;
    assert_eq!(json["closing_balance"], "5.000000000000000005");
    assert_eq!(json["lines"][0]["reference"], references[0]);
}

#[tokio::test]
async fn it_speaks_the_language_of_its_reader_and_goes_by_their_clocks() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    let change = json!({ "timezone": "Asia/Tokyo", "locale": "uk" });
    house.ask("PATCH", "/users/me/preferences").token(&ada.token).json(&change).send().await.expect(200);

    let whole = statement(&house, &ada, "").await;
    let line = &whole["lines"][0];
    let (moment, local) = (line["recorded_at"].as_str().unwrap(), line["local_time"].as_str().unwrap());
    assert_eq!((&whole["timezone"], &line["type"]), (&json!("Asia/Tokyo"), &json!("deposit")));
    assert_eq!(line["description"], "Поповнення");
    assert!(moment.ends_with('Z') && moment[14..19] == local[14..], "{moment} {local}");
    let rows = csv(&ask(&house, &ada, "format=csv").await.send().await);
    assert_eq!(rows[2][12..], [local, "Поповнення"]);

    // The day that it was there, and the ones beside it.
    let today = &local[..10];
    for (query, lines) in [(format!("from={today}"), 1), (format!("to={today}"), 0)] {
        assert_eq!(reconcile(&statement(&house, &ada, &query).await), lines, "{query}");
    }
    let midnight = statement(&house, &ada, &format!("from={today}T00:00:00%2B09:00")).await;
    assert_eq!(statement(&house, &ada, &format!("from={today}")).await["from"], midnight["from"]);
    let problem = ask(&house, &ada, "from=tomorrow").await.send().await.problem(422, "validation_failed");
    let error = &problem["errors"][0];
    assert_eq!((&error["pointer"], &error["code"]), (&json!("?from"), &json!("not_a_time")));
}

#[tokio::test]
async fn a_long_one_comes_in_pieces_and_is_whole() {
    let house = House::open().await;
    let ada = house.person().await;
    let commands = vec![json!({ "type": "deposit", "wallet_id": ada.wallet, "amount": "0.01" }); 100];
    for _ in 0..21 {
        house.command(&ada.token, "/batches", &json!({ "commands": commands })).send().await.expect(201);
    }
    let whole = statement(&house, &ada, "").await;
    assert_eq!((reconcile(&whole), &whole["closing_balance"]), (2_100, &json!("21.00")));
    assert_eq!(csv(&ask(&house, &ada, "format=csv").await.send().await).len(), 2_103);
}

#[tokio::test]
async fn one_that_does_not_add_up_is_broken_off() {
    const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
    let house = House::open().await;
    let ada = house.person().await;
    for _ in 0..3 {
        house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    }
    let whole = ask(&house, &ada, "").await.send_for_bytes().await;
    assert!(whole.ends_with(LAST_CHUNK) && holds(&whole, "closing_balance"));
    sqlx::query("update transactions set amount = amount + 1 where sequence = 3")
        .execute(house.journal.pool())
        .await
        .unwrap();
    let broken = ask(&house, &ada, "").await.send_for_bytes().await;
    assert!(!broken.ends_with(LAST_CHUNK) && !holds(&broken, "closing_balance"));
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
