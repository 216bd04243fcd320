//! Registration and passwords: what is accepted, what is refused, and what never leaves again.

use crate::house::{House, PASSWORD};
use serde_json::{Value, json};

/// Every member of a document, by name, however deep.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            members.iter().flat_map(|(name, inner)| [vec![name.clone()], names(inner)].concat()).collect()
        }
        Value::Array(items) => items.iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

async fn register(house: &House, name: &str, password: &str) -> crate::client::Answered {
    let body = json!({ "username": name, "email": format!("{name}@example.com"), "password": password });
    house.post("/auth/register").json(&body).send().await
}

async fn refused_as(house: &House, name: &str, password: &str, code: &str) {
    let head = house.head().await;
    let problem = register(house, name, password).await.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["pointer"], "/password", "{password:?}");
    assert_eq!(problem["errors"][0]["code"], code, "{password:?}");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn c01_a_registration_says_where_the_user_is_and_shows_no_secret() {
    let house = House::open().await;
    let answered = register(&house, "ada", PASSWORD).await;
    let registered = answered.expect(201);
    let location = answered.header("location").unwrap().to_owned();
    assert!(location.ends_with(registered["user"]["id"].as_str().unwrap()));
    let signed_in = house.login("ada").await;
    let token = signed_in.expect(200)["access_token"].as_str().unwrap().to_owned();
    let seen = house.get(&location).token(&token).send().await.expect(200);
    for document in [registered, seen, signed_in.expect(200)["user"].clone()] {
        for name in names(&document) {
            let secret =
                ["password", "hash", "salt", "secret", "digest"].iter().any(|word| name.contains(word));
            assert!(!secret, "{name}");
        }
        assert!(!document.to_string().contains("argon2"));
    }
}

#[tokio::test]
async fn c02_length_is_all_that_is_asked_of_a_passwords_form() {
    let house = House::open().await;
    refused_as(&house, "ada", "seven77", "too_short").await;
    refused_as(&house, "ada", &"long".repeat(40), "too_long").await;
    let good = [
        "all lower case and spaces",
        "пароль-ї-пароль",
        &"sixty-four".repeat(6),
        "😀😀😀😀😀😀😀x",
        "1029384756-",
    ];
    for (n, password) in good.iter().enumerate() {
        register(&house, &format!("user{n}"), password).await.expect(201);
    }
}

#[tokio::test]
async fn c03_what_everybody_tries_first_is_refused() {
    let house = House::open().await;
    for common in ["password123", "qwertyuiop", "PASSWORD123", "aaaaaaaa"] {
        refused_as(&house, "ada", common, "too_common").await;
    }
}

#[tokio::test]
async fn c04_a_password_is_not_made_of_ones_own_name() {
    let house = House::open().await;
    refused_as(&house, "lovelace", "Lovelace-1815", "context_word").await;
    let body =
        json!({ "username": "someone", "email": "countess@example.com", "password": "the-countess-1815" });
    let problem = house.post("/auth/register").json(&body).send().await.problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "context_word");
}

#[tokio::test]
async fn c05_a_password_is_verified_whole_and_as_it_was_given() {
    let house = House::open().await;
    let password = format!("{} the end", "0123456789 abcdefghi ".repeat(4));
    register(&house, "ada", &password).await.expect(201);
    let login = async |password: &str| {
        let body = json!({ "username": "ada", "password": password });
        house.post("/auth/login").json(&body).send().await
    };
    for wrong in [&password[..72], &password.to_uppercase(), password.trim_end_matches('d'), ""] {
        login(wrong).await.problem(401, "invalid_credentials");
    }
    login(&password).await.expect(200);
}
