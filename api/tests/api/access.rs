//! Who may do what: every operation of the OpenAPI document, for each kind of caller.

use crate::client::{Answered, Ask};
use crate::house::{House, Person, new_key};
use serde_json::{Value, json};

/// Open to everybody.
const OPEN: [&str; 9] = [
    "/auth/register",
    "/auth/login",
    "/auth/refresh",
    "/.well-known/jwks.json",
    "/health",
    "/health/live",
    "/health/ready",
    "/health/detailed",
    "/metrics",
];

struct Operation {
    method: String,
    path: String,
}

async fn operations(house: &House) -> Vec<Operation> {
    let document = house.get("/openapi.json").send().await.expect(200);
    let paths = document["paths"].as_object().unwrap().clone();
    let operations = paths.into_iter().flat_map(|(path, item)| {
        let methods: Vec<String> = item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        methods.into_iter().map(move |method| Operation { method, path: path.clone() })
    });
    let operations: Vec<Operation> = operations.collect();
    assert!(operations.len() > 20);
    operations
}

impl Operation {
    /// On what belongs to `owner`.
    fn ask(&self, house: &House, owner: &Person) -> Ask {
        let id = if self.path.starts_with("/users") { &owner.id } else { &owner.wallet };
        let path = self.path.replace("{id}", id).replace("{key}", "some-key");
        let ask = house.ask(&self.method, &path);
        if self.method == "GET" { ask } else { ask.key(&new_key()).json(&json!({ "amount": "1" })) }
    }

    fn is_open(&self) -> bool {
        OPEN.contains(&self.path.as_str())
    }

    fn names_an_owner(&self) -> bool {
        self.path.contains("{id}")
    }
}

fn is_served(answered: &Answered) -> bool {
    matches!(answered.status, 200 | 201)
}

#[tokio::test]
async fn a_stranger_gets_nothing_that_is_not_open() {
    let house = House::open().await;
    let ada = house.person().await;
    for operation in operations(&house).await.iter().filter(|operation| !operation.is_open()) {
        let answered = operation.ask(&house, &ada).send().await;
        answered.problem(401, "missing_token");
        assert_eq!(answered.header("www-authenticate"), Some("Bearer"), "{}", operation.path);
        let garbage = operation.ask(&house, &ada).token("not.a.token").send().await;
        garbage.problem(401, "invalid_token");
    }
}

#[tokio::test]
async fn nobody_finds_what_belongs_to_another() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    let head = house.head().await;
    for operation in operations(&house).await.iter().filter(|operation| operation.names_an_owner()) {
        let answered = operation.ask(&house, &ada).token(&eve.token).send().await;
        assert_eq!(answered.status, 404, "{} {}: {}", operation.method, operation.path, answered.text());
        let nobodys = Person { id: new_key(), wallet: new_key(), ..ada.clone() };
        let unknown = operation.ask(&house, &nobodys).token(&eve.token).send().await;
        let without_ids = |answered: &Answered| {
            let mut body = answered.json();
            body["request_id"] = Value::Null;
            body
        };
        assert_eq!(without_ids(&unknown), without_ids(&answered), "another's looks like nobody's");
        let garbage = Person { id: "7".to_owned(), wallet: "x'y".to_owned(), ..ada.clone() };
        assert_eq!(operation.ask(&house, &garbage).token(&eve.token).send().await.status, 404);
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn an_owner_is_served() {
    let house = House::open().await;
    let ada = house.person().await;
    // Something to withdraw, and a key to ask for.
    let first = house.post(&format!("/wallets/{}/deposit", ada.wallet)).token(&ada.token).key("some-key");
    first.json(&json!({ "amount": "100" })).send().await.expect(201);
    let operations = operations(&house).await;
    let ends_it = |operation: &&Operation| operation.path == "/auth/logout";
    for operation in operations.iter().filter(|operation| !operation.is_open() && !ends_it(operation)) {
        let answered = operation.ask(&house, &ada).token(&ada.token).send().await;
        assert!(is_served(&answered), "{} {}: {}", operation.method, operation.path, answered.text());
    }
    let logout = operations.iter().find(ends_it).unwrap();
    assert!(is_served(&logout.ask(&house, &ada).token(&ada.token).send().await));
}

#[tokio::test]
async fn a_token_of_another_installation_opens_nothing() {
    let (house, other) = (House::open().await, House::open().await);
    let (ada, eve) = (house.person().await, other.person().await);
    let keys = async |house: &House| house.get("/.well-known/jwks.json").send().await.expect(200);
    assert_ne!(keys(&house).await, keys(&other).await);
    house.get("/auth/me").token(&eve.token).send().await.problem(401, "invalid_token");
    house.get("/auth/me").token(&ada.token).send().await.expect(200);
}
