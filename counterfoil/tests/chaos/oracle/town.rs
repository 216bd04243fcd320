//! The people whose wallets everybody wants, an admin, and a service with a key for everything.

use std::net::SocketAddr;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use uuid::Uuid;

use super::money::{Coin, USD};
use crate::harness::home::Home;
use crate::harness::http::{Ask, Http, Reply};
use crate::harness::program::Start;

const PASSWORD: &str = "correct-horse-battery";
pub(super) const MAYOR: &str = "mayor";
const SCOPES: [&str; 5] =
    ["wallet:read", "wallet:deposit", "wallet:withdraw", "wallet:transfer", "wallet:hold"];

#[derive(Clone, Debug)]
pub(crate) struct Citizen {
    pub(crate) user: Uuid,
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) wallet: Uuid,
}

#[derive(Clone, Debug)]
pub(crate) struct Town {
    pub(crate) node: SocketAddr,
    pub(crate) people: Vec<Citizen>,
    pub(crate) admin: String,
    pub(crate) service: String,
    /// The last position of the founding.
    pub(crate) begun: i64,
}

impl Town {
    pub(crate) async fn found(start: &Start, people: usize) -> Self {
        let node = start.listen;
        let mut line = Http::to(node);
        make_admin(start);
        let admin = log_in(&mut line, MAYOR).await;
        let service = make_service(&mut line, &admin).await;
        let mut town = Self { node, people: Vec::new(), admin, service, begun: 0 };
        for n in 0..people {
            let name = format!("citizen-{n}");
            let body =
                json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
            let reply = done(&mut line, &Ask::post("/auth/register", body).with_key(&fresh()), 201).await;
            let id = |pointer: &str| reply.text(pointer).parse().unwrap();
            let (user, wallet) = (id("/user/id"), id("/wallet/id"));
            let token = log_in(&mut line, &name).await;
            town.begun = reply.position.unwrap();
            town.people.push(Citizen { user, name, token, wallet });
        }
        town
    }

    pub(crate) fn names(&self) -> Vec<(String, Uuid)> {
        self.people.iter().map(|citizen| (citizen.name.clone(), citizen.user)).collect()
    }

    pub(crate) fn wallets(&self) -> Vec<(Uuid, Coin)> {
        self.people.iter().map(|citizen| (citizen.wallet, USD)).collect()
    }
}

fn fresh() -> String {
    Uuid::new_v4().to_string()
}

fn make_admin(start: &Start) {
    let home = Home::new("mayor");
    let file = home.path().join("password");
    std::fs::write(&file, PASSWORD).unwrap();
    let flags = ["admin", "create", "--username", MAYOR, "--email", "mayor@example.com", "--password-file"];
    let mut command = start.command(&flags);
    let made: Output = command.arg(&file).stdin(Stdio::null()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

async fn make_service(line: &mut Http, admin: &str) -> String {
    let body = json!({ "username": "exchange", "email": "exchange@example.com", "password": PASSWORD,
        "roles": ["service"] });
    let made = Ask::post("/users", body).with_token(admin).with_key(&fresh());
    let user = done(line, &made, 201).await.text("/user/id").to_owned();
    let body = json!({ "name": "orders", "scopes": SCOPES });
    let made = Ask::post(&format!("/users/{user}/api-keys"), body).with_token(admin).with_key(&fresh());
    done(line, &made, 201).await.text("/key").to_owned()
}

pub(super) async fn log_in(line: &mut Http, name: &str) -> String {
    let ask = Ask::post("/auth/login", json!({ "username": name, "password": PASSWORD }));
    done(line, &ask, 200).await.text("/access_token").to_owned()
}

async fn done(line: &mut Http, ask: &Ask, status: u16) -> Reply {
    let reply = line.send(ask).await.unwrap();
    assert_eq!(reply.status, status, "{ask:?}: {}", reply.body);
    reply
}

/// An answer without what differs from time to time.
pub(crate) fn lasting(mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    body
}
