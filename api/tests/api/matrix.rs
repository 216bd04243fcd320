//! Who may do what: every operation of the OpenAPI document, for every kind of caller.
//!
//! The table says in words whom an operation is for; what each caller then gets follows from the words, and is asked over
//! the public port. An operation that is missing here fails, and so does a row without an operation. Each request comes
//! with a version that is stale, so that whoever is let in changes nothing.

mod callers;

use crate::client::{Answered, Ask};
use crate::house::{Choices, House, Person, new_key};
use May::{
    Admins, AdminsOrWith, Everybody, OnesOwn, OnesOwnOrAdmins, OnesOwnOrServices, SignedIn, With,
    WithBothOrAdmins, WithOneOfOrAdmins, WithOrAdmins,
};
use callers::{Caller, Cast};
use serde_json::json;
use std::collections::BTreeSet;

/// Whom an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum May {
    Everybody,
    /// People, with what is theirs; never a key.
    OnesOwn,
    /// And admins with what is anybody's.
    OnesOwnOrAdmins,
    /// And admins with what is a service's.
    OnesOwnOrServices,
    Admins,
    /// People with what is theirs; keys that have this scope, a service's with what is anybody's.
    With(&'static str),
    WithOrAdmins(&'static str),
    /// The same for keys that have this scope or one other.
    WithOneOfOrAdmins(&'static str),
    /// The same for keys that have both.
    WithBothOrAdmins(&'static str, &'static str),
    /// Admins, and services' keys that have this scope.
    AdminsOrWith(&'static str),
    /// People and keys, with what is theirs.
    SignedIn,
}

const TABLE: &[(&str, May)] = &[
    ("POST /auth/register", Everybody),
    ("POST /auth/login", Everybody),
    ("POST /auth/refresh", Everybody),
    ("POST /auth/logout", OnesOwn),
    ("POST /auth/logout-all", OnesOwn),
    ("GET /auth/sessions", OnesOwnOrAdmins),
    ("DELETE /auth/sessions/{sid}", OnesOwnOrAdmins),
    ("GET /auth/me", WithOrAdmins("profile:read")),
    ("POST /auth/password", OnesOwn),
    ("POST /auth/password/forgot", Everybody),
    ("POST /auth/password/reset", Everybody),
    ("POST /auth/email/verify", Everybody),
    ("POST /auth/email/resend", OnesOwn),
    ("GET /.well-known/jwks.json", Everybody),
    ("POST /users", Admins),
    ("POST /users/search", Admins),
    ("GET /users/{id}", WithOrAdmins("profile:read")),
    ("PATCH /users/{id}", OnesOwnOrAdmins),
    ("PUT /users/{id}", OnesOwnOrAdmins),
    ("DELETE /users/{id}", OnesOwnOrAdmins),
    ("PUT /auth/{id}", OnesOwnOrAdmins),
    ("DELETE /auth/{id}", OnesOwnOrAdmins),
    ("GET /users/{id}/profile", WithOrAdmins("profile:read")),
    ("PUT /users/{id}/profile", OnesOwnOrAdmins),
    ("POST /users/{id}/suspend", Admins),
    ("POST /users/{id}/reactivate", Admins),
    ("POST /users/{id}/unlock", Admins),
    ("GET /users/{id}/statistics", WithOrAdmins("profile:read")),
    ("GET /users/{id}/preferences", WithOrAdmins("profile:read")),
    ("PUT /users/{id}/preferences", OnesOwn),
    ("PATCH /users/{id}/preferences", OnesOwn),
    ("GET /users/{id}/activity", OnesOwnOrAdmins),
    ("GET /users/{id}/export", OnesOwn),
    ("GET /users/{id}/wallets", WithOrAdmins("wallet:read")),
    ("GET /users/{id}/balance", WithOrAdmins("wallet:read")),
    ("POST /users/{id}/balance/deposit", With("wallet:deposit")),
    ("POST /users/{id}/balance/withdraw", With("wallet:withdraw")),
    ("GET /users/{id}/balance/transactions", WithOrAdmins("wallet:read")),
    ("GET /users/{id}/api-keys", OnesOwnOrServices),
    ("POST /users/{id}/api-keys", OnesOwnOrServices),
    ("PATCH /users/{id}/api-keys/{key}", OnesOwnOrServices),
    ("DELETE /users/{id}/api-keys/{key}", OnesOwnOrServices),
    ("POST /users/{id}/api-keys/{key}/rotate", OnesOwnOrServices),
    ("GET /users/{id}/exchange-credentials", OnesOwn),
    ("GET /users/{id}/exchange-credentials/{exchange}", OnesOwn),
    ("PUT /users/{id}/exchange-credentials/{exchange}", OnesOwn),
    ("DELETE /users/{id}/exchange-credentials/{exchange}", OnesOwn),
    ("GET /wallets/{id}", WithOrAdmins("wallet:read")),
    ("POST /wallets/{id}/deposit", With("wallet:deposit")),
    ("POST /wallets/{id}/withdraw", With("wallet:withdraw")),
    ("POST /wallets", OnesOwnOrAdmins),
    ("POST /wallets/{id}/transfer", With("wallet:transfer")),
    ("POST /wallets/{id}/holds", With("wallet:hold")),
    ("POST /wallets/{id}/freeze", Admins),
    ("POST /wallets/{id}/unfreeze", Admins),
    ("POST /wallets/{id}/close", OnesOwnOrAdmins),
    ("POST /holds/{id}/capture", With("wallet:hold")),
    ("POST /holds/{id}/release", With("wallet:hold")),
    ("POST /holds/{id}/amend", With("wallet:hold")),
    ("POST /holds/{id}/extend", With("wallet:hold")),
    // Of a deposit: what else there is to undo takes other scopes.
    ("POST /transactions/{id}/reverse", WithOrAdmins("wallet:withdraw")),
    // What is in it takes scopes of its own.
    ("POST /batches", SignedIn),
    ("GET /wallets/{id}/transactions", WithOrAdmins("wallet:read")),
    ("GET /wallets/{id}/explain", WithOrAdmins("wallet:read")),
    ("GET /wallets/{id}/statement", WithOrAdmins("wallet:read")),
    // Or "wallet:hold".
    ("GET /wallets/{id}/holds", WithOneOfOrAdmins("wallet:read")),
    ("GET /holds", WithOneOfOrAdmins("wallet:read")),
    ("GET /holds/{id}", WithOneOfOrAdmins("wallet:read")),
    ("POST /trading-sessions", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/stop", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/pause", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/resume", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/rebalance", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/next-run", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/schedule", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/interval", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/dry-run", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/auto-rebalance", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/drift", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/targets", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/risk", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/deposit", WithOrAdmins("trading:write")),
    ("POST /trading-sessions/{id}/withdraw", WithOrAdmins("trading:write")),
    ("GET /trading-sessions", WithOrAdmins("trading:read")),
    ("GET /trading-sessions/{id}", WithOrAdmins("trading:read")),
    ("GET /trading-sessions/{id}/status", WithOrAdmins("trading:read")),
    ("GET /trading-sessions/{id}/trades", WithOrAdmins("trading:read")),
    ("GET /trading-sessions/{id}/positions", WithOrAdmins("trading:read")),
    ("GET /trading-sessions/{id}/runs", WithOrAdmins("trading:read")),
    ("GET /trading-sessions/{id}/equity", WithOrAdmins("trading:read")),
    ("GET /trading-sessions/{id}/performance", WithOrAdmins("trading:read")),
    ("GET /trading-sessions/{id}/preview", WithOrAdmins("trading:read")),
    ("GET /trading-sessions/{id}/why/{trade}", WithOrAdmins("trading:read")),
    ("GET /users/{id}/trading-sessions", WithOrAdmins("trading:read")),
    ("GET /users/{id}/trades", WithOrAdmins("trading:read")),
    ("GET /users/{id}/performance", WithOrAdmins("trading:read")),
    ("GET /users/settings", With("settings:read")),
    ("PATCH /users/settings", With("settings:write")),
    ("GET /users/settings/export", With("settings:read")),
    ("POST /users/settings/import", With("settings:write")),
    ("GET /users/settings/presets", With("settings:read")),
    ("POST /users/settings/presets", With("settings:write")),
    ("PUT /users/settings/presets/{name}", With("settings:write")),
    ("PATCH /users/settings/presets/{name}", With("settings:write")),
    ("DELETE /users/settings/presets/{name}", With("settings:write")),
    ("POST /users/settings/presets/{name}/apply", With("settings:write")),
    ("GET /users/settings/history", With("settings:read")),
    ("GET /users/settings/history/{version}", With("settings:read")),
    ("POST /users/settings/revert", With("settings:write")),
    ("GET /admin/settings/defaults", Admins),
    ("PUT /admin/settings/defaults", Admins),
    ("GET /users/{id}/portfolio", WithBothOrAdmins("wallet:read", "trading:read")),
    ("GET /audit/trial-balance", AdminsOrWith("audit")),
    ("GET /events", With("events:read")),
    ("GET /commands/{key}", SignedIn),
    ("GET /health", Everybody),
    ("GET /health/live", Everybody),
    ("GET /health/ready", Everybody),
    ("GET /health/detailed", Everybody),
    ("GET /metrics", Everybody),
];

/// What belongs to somebody, and is not found by others.
const NOT_FOUND: [&str; 5] = [
    "user_not_found",
    "wallet_not_found",
    "hold_not_found",
    "transaction_not_found",
    "trading_session_not_found",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gets {
    In,
    NotKnown,
    NotAllowed,
    NotFound,
}

impl May {
    fn gives(self, caller: Caller, names_an_owner: bool) -> Gets {
        use Gets::{In, NotAllowed, NotFound, NotKnown};
        if self == Everybody {
            return In;
        }
        let with_anothers = if names_an_owner { NotFound } else { In };
        let takes_keys = matches!(
            self,
            With(_) | WithOrAdmins(_) | WithOneOfOrAdmins(_) | WithBothOrAdmins(..) | SignedIn
        );
        match caller {
            Caller::Anonymous
            | Caller::Suspended
            | Caller::Erased
            | Caller::ExpiredKey
            | Caller::RevokedSession
            | Caller::ExpiredToken => NotKnown,
            Caller::Admin if self.is_for_admins() => In,
            Caller::ServiceWith if matches!(self, AdminsOrWith(_)) => In,
            Caller::Owner | Caller::Other if matches!(self, Admins | AdminsOrWith(_)) => NotAllowed,
            Caller::Owner => In,
            Caller::Other | Caller::Admin => with_anothers,
            Caller::ServiceWithout if matches!(self, SignedIn | WithOneOfOrAdmins(_)) => In,
            Caller::ServiceWithout | Caller::KeyFromElsewhere => NotAllowed,
            // One of them is not enough.
            Caller::ServiceWith if matches!(self, WithBothOrAdmins(..)) => NotAllowed,
            Caller::ServiceWith | Caller::OwnersKey => {
                if takes_keys {
                    In
                } else {
                    NotAllowed
                }
            }
        }
    }

    const fn is_for_admins(self) -> bool {
        matches!(
            self,
            Admins
                | OnesOwnOrAdmins
                | WithOrAdmins(_)
                | WithOneOfOrAdmins(_)
                | WithBothOrAdmins(..)
                | AdminsOrWith(_)
        )
    }

    const fn scope(self) -> Option<&'static str> {
        match self {
            With(scope)
            | WithOrAdmins(scope)
            | WithOneOfOrAdmins(scope)
            | WithBothOrAdmins(scope, _)
            | AdminsOrWith(scope) => Some(scope),
            _ => None,
        }
    }
}

struct Operation {
    method: String,
    path: String,
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn names_an_owner(&self) -> bool {
        self.path.contains("{id}")
    }

    /// Of what belongs to `owner`, in a way that leaves everything as it is.
    fn ask(&self, house: &House, owner: &Person) -> Ask {
        let path = self
            .path
            .replace("{id}", &owner.id_in(&self.path))
            .replace("{exchange}", "binance")
            .replace("{name}", "any");
        let path =
            path.replace("{key}", &new_key()).replace("{sid}", &new_key()).replace("{trade}", &new_key());
        let ask = house.ask(&self.method, &path);
        if self.method == "GET" {
            return ask;
        }
        ask.key(&new_key()).header("if-match", "\"999999\"").json(&json!({ "amount": "1" }))
    }
}

async fn operations(house: &House) -> Vec<Operation> {
    let document = house.get("/openapi.json").send().await.expect(200);
    let paths = document["paths"].as_object().unwrap().clone();
    let operations = paths.into_iter().flat_map(|(path, item)| {
        let methods: Vec<String> = item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        methods.into_iter().map(move |method| Operation { method, path: path.clone() })
    });
    operations.collect()
}

/// What an answer says about who asked. Something that is missing for everybody is no secret kept.
fn got(answered: &Answered) -> Gets {
    let code = || answered.json()["code"].as_str().unwrap_or_default().to_owned();
    match answered.status {
        401 if code() != "invalid_credentials" && code() != "invalid_refresh_token" => Gets::NotKnown,
        403 if code() != "deposit_not_allowed" => Gets::NotAllowed,
        404 if NOT_FOUND.contains(&code().as_str()) => Gets::NotFound,
        _ => Gets::In,
    }
}

#[tokio::test]
async fn c32_every_operation_has_a_row_and_every_row_an_operation() {
    let house = House::open().await;
    let served: BTreeSet<String> = operations(&house).await.iter().map(Operation::name).collect();
    let listed: BTreeSet<String> = TABLE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed, served);
    assert_eq!(listed.len(), TABLE.len(), "each is listed once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c32_every_caller_gets_what_the_table_says_and_no_more() {
    let choices = Choices { sessions_max: 200, ..Choices::default() };
    let house = House::open_with(choices).await;
    let mut cast = Cast::gather(&house).await;
    let mut wrong = Vec::new();
    for operation in &operations(&house).await {
        let (name, may) = TABLE.iter().find(|(name, _)| *name == operation.name()).unwrap();
        for caller in Caller::ALL {
            // Signing out would end what the others are asked with.
            if operation.path.starts_with("/auth/logout") {
                cast.sign_in_again(&house).await;
            }
            let ask = operation.ask(&house, &cast.owner);
            let answered = cast.sign(ask, caller, may.scope()).send().await;
            let expected = may.gives(caller, operation.names_an_owner());
            assert!(answered.status < 500, "{name} for {caller:?}: {}", answered.text());
            if got(&answered) != expected {
                let text = answered.text().chars().take(120).collect::<String>();
                wrong.push(format!(
                    "{name} for {caller:?}: {} instead of {expected:?}: {text}",
                    answered.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn c32_what_belongs_to_another_looks_like_what_belongs_to_nobody() {
    let house = House::open().await;
    let (ada, eve) = (house.person().await, house.person().await);
    house.furnish(&ada).await;
    let head = house.head().await;
    let of_people = |operation: &&Operation| {
        let (_, may) = TABLE.iter().find(|(name, _)| *name == operation.name()).unwrap();
        operation.names_an_owner() && *may != Admins
    };
    for operation in operations(&house).await.iter().filter(of_people) {
        let anothers = operation.ask(&house, &ada).token(&eve.token).send().await;
        let nobodys =
            Person { id: new_key(), wallet: new_key(), trading_session: new_key().into(), ..ada.clone() };
        let nobodys = operation.ask(&house, &nobodys).token(&eve.token).send().await;
        let without_id = |answered: &Answered| {
            let mut body = answered.json();
            body["request_id"] = serde_json::Value::Null;
            (answered.status, body)
        };
        assert_eq!(without_id(&nobodys), without_id(&anothers), "{}", operation.name());
        let (id, wallet, session) = ("7".to_owned(), "x'y".to_owned(), "x'y".to_owned());
        let garbage = Person { id, wallet, trading_session: session.into(), ..ada.clone() };
        assert_eq!(operation.ask(&house, &garbage).token(&eve.token).send().await.status, 404);
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn a_token_of_another_installation_opens_nothing() {
    let (house, other) = (House::open().await, House::open().await);
    let (ada, eve) = (house.person().await, other.person().await);
    house.get("/auth/me").token(&eve.token).send().await.problem(401, "invalid_token");
    house.get("/auth/me").token("not.a.token").send().await.problem(401, "invalid_token");
    house.get("/auth/me").token(&ada.token).send().await.expect(200);
}
