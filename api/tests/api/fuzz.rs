//! Nonsense at every door: whatever arrives is answered with a problem of the client's, and nothing breaks.
//!
//! Made from the OpenAPI document: every operation, with bodies of the names that bodies have here and values that they
//! should not have. A panic would show as a 500.

use crate::house::{House, Person};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Requests to each operation.
const TRIES: usize = 24;

/// Texts that parsers stumble over.
const NASTY: [&str; 26] = [
    "",
    " ",
    "\0",
    "null",
    "-1",
    "+1",
    "0",
    "1e3",
    "1e400",
    ".5",
    "5.",
    "00",
    "0x10",
    "１２",
    "NaN",
    "99999999999999999999999999999999999999999",
    "0.0000000000000000000000000000000000000001",
    "\u{202e}ada",
    "ada@example.com\r\nx: y",
    "2025-13-45T99:99:99Z",
    "::ffff:1.2.3.4/129",
    "cf_live_x_y_z",
    "cfm_AAAA",
    "eyJhbGciOiJub25lIn0.e30.",
    "eyJsIjoiZXZlbnRzIiwicCI6LTEsImYiOnt9fQ",
    "../../etc/passwd%00",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(&NASTY[..]).prop_map(str::to_owned),
        2 => "\\PC{0,40}",
        1 => any::<String>(),
        1 => (0_usize..3_000).prop_map(|n| "9".repeat(n)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(text(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

struct Nonsense {
    runner: TestRunner,
    names: Vec<String>,
}

impl Nonsense {
    fn of(document: &Value) -> Self {
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let names: BTreeSet<String> = schemas
            .values()
            .filter_map(|schema| schema["properties"].as_object())
            .flat_map(|properties| properties.keys().cloned())
            .collect();
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        Self { runner: TestRunner::new_with_rng(Config::default(), rng), names: names.into_iter().collect() }
    }

    fn pick<T: std::fmt::Debug>(&mut self, strategy: &impl Strategy<Value = T>) -> T {
        strategy.new_tree(&mut self.runner).unwrap().current()
    }

    fn body(&mut self) -> String {
        match self.pick(&(0_u8..10)) {
            0 => self.pick(&text()),
            1 => self.pick(&value()).to_string(),
            2 => format!("{}{}", "[".repeat(2_000), "]".repeat(2_000)),
            _ => {
                let names = prop::collection::vec(prop::sample::select(self.names.clone()), 1..8);
                let members: Map<String, Value> =
                    self.pick(&names).into_iter().map(|name| (name, self.pick(&value()))).collect();
                Value::Object(members).to_string()
            }
        }
    }

    /// What may stand in a path or a query as it is.
    fn in_url(&mut self) -> String {
        let text = self.pick(&text());
        text.bytes().take(500).fold(String::new(), |url, byte| url + &format!("%{byte:02x}"))
    }
}

fn path_of(pattern: &str, person: &Person, nonsense: &mut Nonsense) -> String {
    let mut path = pattern.replace("{id}", &person.id_in(pattern));
    while let (Some(start), Some(end)) = (path.find('{'), path.find('}')) {
        let garbage = nonsense.in_url();
        path.replace_range(start..=end, if garbage.is_empty() { "x" } else { &garbage });
    }
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_arrives_breaks_anything() {
    let house = House::open().await;
    let document = house.get("/openapi.json").send().await.expect(200);
    let mut nonsense = Nonsense::of(&document);
    for (pattern, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // Somebody new each time: some of it signs out or erases.
            let person = house.person().await;
            house.furnish(&person).await;
            let queries: Vec<String> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                .collect();
            for _ in 0..TRIES {
                let mut path = path_of(pattern, &person, &mut nonsense);
                for (at, name) in queries.iter().enumerate() {
                    let separator = if at == 0 { '?' } else { '&' };
                    path = format!("{path}{separator}{name}={}", nonsense.in_url());
                }
                let ask = house.ask(&method.to_uppercase(), &path).token(&person.token);
                let ask = ask.key(&crate::house::new_key());
                let body = nonsense.body();
                let ask = if method == "get" { ask } else { ask.text(&body) };
                let answered = ask.send().await;
                assert!(answered.status < 500, "{method} {path} {body}: {}", answered.text());
                if answered.status >= 400 && !answered.body.is_empty() {
                    let problem = answered.json();
                    assert_eq!(problem["success"], json!(false), "{method} {path}: {problem}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_token_however_odd_breaks_anything() {
    let house = House::open().await;
    let document = house.get("/openapi.json").send().await.expect(200);
    let mut nonsense = Nonsense::of(&document);
    for _ in 0..400 {
        let token: String = nonsense.pick(&text()).chars().filter(|c| matches!(c, ' '..='~')).collect();
        let answered = house.get("/auth/me").token(&token).send().await;
        assert!(matches!(answered.status, 400 | 401), "{token:?}: {}", answered.text());
    }
}
