//! What is over is ended by the program itself.

use crate::program::{Home, Serving};
use serde_json::{Value, json};
use testkit::eventually;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_hold_that_nobody_touches_expires_and_is_counted() {
    let home = Home::new("expiry");
    let serving = Serving::start(&home.data_dir()).await;
    let password = "correct horse battery staple";
    let body = json!({ "username": "ada", "email": "ada@example.com", "password": password });
    let (status, registered) = serving.ask("POST", "/auth/register", "", &body).await;
    assert_eq!(status, 201, "{registered}");
    let (_, signed_in) =
        serving.ask("POST", "/auth/login", "", &json!({ "username": "ada", "password": password })).await;
    let (token, wallet) = (text(&signed_in["access_token"]), text(&registered["wallet"]["id"]));
    let path = format!("/wallets/{wallet}");
    let (status, done) =
        serving.ask("POST", &format!("{path}/deposit"), token, &json!({ "amount": "10" })).await;
    assert_eq!(status, 201, "{done}");
    let hold = json!({ "amount": "4", "ttl_seconds": 1 });
    let (status, placed) = serving.ask("POST", &format!("{path}/holds"), token, &hold).await;
    assert_eq!((status, &placed["wallet"]["available"]), (201, &json!("6.00")), "{placed}");
    let hold = format!("/holds/{}", text(&placed["hold"]["id"]));
    eventually("the hold has expired", async || {
        serving.ask("GET", &hold, token, &Value::Null).await.1["status"] == "expired"
    })
    .await;
    let (_, wallet) = serving.ask("GET", &path, token, &Value::Null).await;
    assert_eq!((&wallet["available"], &wallet["held"]), (&json!("10.00"), &json!("0.00")));
    eventually("it is counted", async || {
        serving.get("/metrics").await.contains("counterfoil_holds_expired_total 1")
    })
    .await;
}
