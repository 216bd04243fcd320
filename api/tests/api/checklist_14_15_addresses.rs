//! Addresses: one of a kind in any letter case, and nothing in them that is not one.

use crate::house::{House, PASSWORD};
use futures::future::join_all;
use serde_json::json;

#[tokio::test]
async fn c14_an_address_in_other_letters_is_the_same_address() {
    let house = House::open().await;
    let register = async |name: &str, email: &str| {
        let body = json!({ "username": name, "email": email, "password": PASSWORD });
        house.post("/auth/register").json(&body).send().await
    };
    register("ada", "A@X.com").await.expect(201);
    register("eve", "a@x.com").await.problem(409, "email_taken");
    let head = house.head().await;
    // A Kelvin sign folds to k where all of Unicode is folded; a line break would end a mail's header.
    for wrong in
        ["\u{212a}ate@x.com", "a\r\nBcc: b@x.com", "a\u{0}@x.com", "a@x", "@x.com", "a b@x.com", "ä@x.com"]
    {
        let problem = register("mallory", wrong).await.problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/email", "{wrong:?}");
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c15_of_twenty_registrations_of_one_address_at_once_one_is_done() {
    let house = House::open().await;
    let one = |n: u32| {
        // Twenty spellings: the bits of n choose the letters' case.
        let email: String = "alice@x.com"
            .chars()
            .enumerate()
            .map(|(at, c)| if n >> (at % 5) & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        let body = json!({ "username": format!("user{n}"), "email": email, "password": PASSWORD });
        house.post("/auth/register").json(&body).send()
    };
    let answers = join_all((0..20).map(one)).await;
    let count = |status: u16| answers.iter().filter(|answered| answered.status == status).count();
    assert_eq!((count(201), count(409)), (1, 19));
    for refused in answers.iter().filter(|answered| answered.status == 409) {
        refused.problem(409, "email_taken");
    }
    assert_eq!(house.head().await, 2, "one user and one wallet");
}
