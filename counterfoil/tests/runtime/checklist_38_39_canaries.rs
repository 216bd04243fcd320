//! Points 38 and 39 from outside: what somebody told nobody but the door is found nowhere else, and after their erasure
//! nothing is found of them at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use async_nats::jetstream;
use serde_json::{Value, json};
use sqlx::{Connection, Row};
use testkit::{eventually, program};

use crate::program::{Home, Serving, counterfoil, output};

/// Where what somebody is called may stand in plain words: in what is folded from the journal, and in mail under way.
const PLAIN: [&str; 2] = ["profiles", "outbox"];

/// Texts that stand nowhere by chance.
struct Canaries {
    /// Called by it, reached by it: may be read by who may read it, until they are erased.
    personal: BTreeMap<&'static str, String>,
    /// May be read by nobody, ever.
    secret: BTreeMap<&'static str, String>,
}

fn unique(what: &str) -> String {
    format!("{what}{}", uuid::Uuid::new_v4().simple())
}

impl Canaries {
    fn new() -> Self {
        let personal = [
            ("username", unique("ca").chars().take(30).collect()),
            ("email", format!("{}@canary.example", unique("mail"))),
            ("name", unique("Canary ")),
        ];
        let secret = ["password", "wrong password", "new password", "exchange key", "exchange secret"];
        Self { personal: personal.into(), secret: secret.map(|what| (what, unique("Qz"))).into() }
    }

    /// Lives through everything an account can do, and remembers what it was given.
    async fn live(&mut self, serving: &Serving) -> String {
        let plain = |what: &str| self.personal[what].clone();
        let (username, password) = (plain("username"), self.secret["password"].clone());
        let new = json!({
            "username": username, "email": plain("email"), "name": plain("name"), "password": password,
        });
        expect(201, serving.ask("POST", "/auth/register", "", &new).await);
        let wrong = json!({ "username": username, "password": self.secret["wrong password"] });
        expect(401, serving.ask("POST", "/auth/login", "", &wrong).await);
        let login = json!({ "email": plain("email"), "password": password });
        let signed_in = expect(200, serving.ask("POST", "/auth/login", "", &login).await);
        let refresh = json!({ "refresh_token": signed_in["refresh_token"] });
        let refreshed = expect(200, serving.ask("POST", "/auth/refresh", "", &refresh).await);
        let token = refreshed["access_token"].as_str().unwrap();

        let change = json!({ "current_password": password, "new_password": self.secret["new password"] });
        expect(200, serving.ask("POST", "/auth/password", token, &change).await);
        let new_key = json!({ "name": plain("name"), "scopes": ["profile:read", "wallet:read"] });
        let key = expect(201, serving.ask("POST", "/users/me/api-keys", token, &new_key).await);
        let key = key["key"].as_str().unwrap();
        expect(200, serving.ask("GET", "/users/me", key, &Value::Null).await);
        let credentials =
            json!({ "key": self.secret["exchange key"], "secret": self.secret["exchange secret"] });
        let exchange = "/users/me/exchange-credentials/binance";
        expect(200, serving.ask("PUT", exchange, token, &credentials).await);
        for verb in ["deposit", "withdraw"] {
            let path = format!("/users/me/balance/{verb}");
            expect(201, serving.ask("POST", &path, token, &json!({ "amount": "5" })).await);
        }
        expect(200, serving.ask("GET", "/events", token, &Value::Null).await);

        for (what, body) in [("first", &signed_in), ("second", &refreshed)] {
            let text = |name: &str| body[name].as_str().unwrap().to_owned();
            let (access, refresh) = if what == "first" {
                ("first access token", "first refresh token")
            } else {
                ("access token", "refresh token")
            };
            self.secret.insert(access, text("access_token"));
            self.secret.insert(refresh, text("refresh_token"));
        }
        self.secret.insert("API key", key.to_owned());
        // Between the id and the checksum.
        self.secret.insert("API key's secret", key.split('_').nth(3).unwrap().to_owned());
        token.to_owned()
    }

    /// Those that stand in a text, as they are or as bytes are dumped.
    fn found_in(&self, text: &str) -> BTreeSet<&'static str> {
        let text = text.to_lowercase();
        let stands = |canary: &str| text.contains(&canary.to_lowercase()) || text.contains(&hex(canary));
        let all = self.personal.iter().chain(&self.secret);
        all.filter(|(_, canary)| stands(canary)).map(|(what, _)| *what).collect()
    }
}

/// As bytes are dumped.
fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[track_caller]
fn expect(status: u16, (answered, body): (u16, Value)) -> Value {
    assert_eq!(answered, status, "{body}");
    body
}

/// What a dump says, table by table; what is no table's under none.
fn dump(serving: &Serving) -> BTreeMap<String, String> {
    let mut command = Command::new(program("pg_dump"));
    command.arg("--dbname").arg(serving.found().unwrap().database_url);
    let dumped = output(command);
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    let (mut tables, mut table) = (BTreeMap::<String, String>::new(), String::new());
    for line in String::from_utf8(dumped.stdout).unwrap().lines() {
        if let Some(rest) = line.strip_prefix("COPY ") {
            let name = rest.split([' ', '(']).next().unwrap().trim_start_matches("public.");
            name.clone_into(&mut table);
        }
        let text = tables.entry(table.clone()).or_default();
        text.push_str(line);
        text.push('\n');
        if line == "\\." {
            table.clear();
        }
    }
    assert!(tables.contains_key("events") && tables.contains_key("secrets"), "{:?}", tables.keys());
    tables
}

/// Every message of the stream, head and all, once it has what the journal has.
async fn stream(serving: &Serving) -> String {
    let jetstream = jetstream::new(Serving::nats(&serving.found().unwrap().nats_url).await.unwrap());
    let mut database = serving.database().await;
    let mut all = String::new();
    eventually("the stream has all of the journal", async || {
        let row = sqlx::query("select position from journal_head").fetch_one(&mut database).await.unwrap();
        let head = u64::try_from(row.get::<i64, _>("position")).unwrap();
        let Ok(stream) = jetstream.get_stream("COUNTERFOIL").await else { return false };
        if stream.cached_info().state.last_sequence < head {
            return false;
        }
        all.clear();
        for sequence in 1..=head {
            let message = stream.get_raw_message(sequence).await.unwrap();
            write!(all, "{} {:?} ", message.subject, message.headers).unwrap();
            all.push_str(std::str::from_utf8(&message.payload).unwrap());
        }
        true
    })
    .await;
    database.close().await.unwrap();
    all
}

/// Where canaries stand that may not: each place with what was found there.
async fn misplaced(
    canaries: &Canaries,
    serving: &Serving,
    data_dir: &Path,
    plain: &[&str],
) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut places: Vec<(String, String)> = vec![
        ("log".to_owned(), serving.log()),
        ("metrics".to_owned(), serving.get("/metrics").await),
        ("stream".to_owned(), stream(serving).await),
    ];
    let logs = logs_in(&data_dir.join("servers"));
    assert!(logs.len() >= 2, "both servers write one: {logs:?}");
    for log in logs {
        places.push((log.display().to_string(), fs::read_to_string(&log).unwrap()));
    }
    places.extend(dump(serving));
    let found = places.iter().map(|(place, text)| {
        let mut found = canaries.found_in(text);
        if plain.contains(&place.as_str()) {
            found.retain(|what| canaries.secret.contains_key(what));
        }
        (place.clone(), found)
    });
    found.filter(|(_, found)| !found.is_empty()).collect()
}

fn logs_in(directory: &Path) -> Vec<PathBuf> {
    let inside = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    inside
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => logs_in(&path),
            Some(extension) if extension == "log" => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

async fn settled(serving: &Serving) {
    let mut database = serving.database().await;
    eventually("every read model is where the journal is", async || {
        let behind = "select count(*) from projection_checkpoints, journal_head \
                      where projection_checkpoints.position < journal_head.position";
        sqlx::query_scalar::<_, i64>(behind).fetch_one(&mut database).await.unwrap() == 0
    })
    .await;
    eventually("every mail has left", async || {
        let waiting = "select count(*) from outbox where due_at < now() + interval '1 day'";
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut database).await.unwrap() == 0
    })
    .await;
    database.close().await.unwrap();
}

fn run(data_dir: &Path, arguments: &[&str]) {
    let mut command = counterfoil(arguments);
    command.arg("--data-dir").arg(data_dir);
    let answer = output(command);
    assert!(answer.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&answer.stderr));
}

#[tokio::test]
async fn c39_what_was_told_the_door_is_nowhere_else_and_after_an_erasure_nothing_is_anywhere() {
    let home = Home::new("canaries");
    let data_dir = home.data_dir();
    let serving = Serving::start_with(&data_dir, |command| {
        command.env("COUNTERFOIL_LOG", "debug");
    })
    .await;
    let mut canaries = Canaries::new();
    let token = canaries.live(&serving).await;
    settled(&serving).await;

    let everything = dump(&serving).into_values().collect::<String>();
    let plain = BTreeSet::from(["email", "name", "username"]);
    assert!(canaries.found_in(&everything).is_superset(&plain), "what is looked for can be found");
    // Keys are called what their owner likes: here, the owner's name.
    let plain_tables = [PLAIN.as_slice(), &["api_keys"]].concat();
    let misplaced_before = misplaced(&canaries, &serving, &data_dir, &plain_tables).await;
    assert_eq!(misplaced_before, BTreeMap::new());

    run(&data_dir, &["keys", "rotate"]);
    let told = serving.ask("GET", "/users/me/exchange-credentials/binance", &token, &Value::Null).await;
    let hint = expect(200, told)["key_hint"].as_str().unwrap().to_owned();
    assert!(canaries.secret["exchange key"].starts_with(hint.split('…').next().unwrap()), "{hint}");

    let erasure = json!({ "current_password": canaries.secret["new password"] });
    expect(200, serving.ask("DELETE", "/users/me", &token, &erasure).await);
    settled(&serving).await;
    assert_eq!(misplaced(&canaries, &serving, &data_dir, &[]).await, BTreeMap::new());
    run(&data_dir, &["rebuild", "all", "--verify"]);
    assert_eq!(misplaced(&canaries, &serving, &data_dir, &[]).await, BTreeMap::new());
}
