//! A market that says what a test wants it to say, sessions that trade in it, and a life of one from its start to its stop.

use crate::client::{Answered, Ask};
use crate::house::{Choices, House, Person, new_key};
use api::Markets;
use domain::trading::market::{Listed, Market, Quote, Rules};
use domain::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use time::OffsetDateTime;

pub(crate) fn d(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

pub(crate) fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

/// Quotes of BTC and ETH, against USDT and USD.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) is_open: AtomicBool,
    /// What a seller gets for one BTC; a buyer pays 10 more.
    pub(crate) btc: AtomicU64,
    /// How old the quotes are.
    pub(crate) age_s: AtomicU64,
}

impl Exchange {
    pub(crate) fn open() -> Arc<Self> {
        let (is_open, btc, age_s) = (AtomicBool::new(true), AtomicU64::new(60_000), AtomicU64::new(0));
        Arc::new(Self { is_open, btc, age_s })
    }

    pub(crate) fn market(&self, against: Currency) -> Option<Market> {
        if !self.is_open.load(Relaxed) || !["USDT", "USD"].contains(&against.code()) {
            return None;
        }
        let age = Duration::from_secs(self.age_s.load(Relaxed));
        let listed = |bid: u64| Listed {
            quote: Quote {
                bid: bid.into(),
                ask: (bid + 10).into(),
                as_of: Timestamp::from(OffsetDateTime::now_utc() - age),
            },
            rules: Rules { step: d("0.0001"), tick: d("0.01"), min_notional: d("5"), ..Rules::default() },
        };
        let listed = [(currency("BTC"), listed(self.btc.load(Relaxed))), (currency("ETH"), listed(3_000))];
        Some(Market {
            source: "a test".to_owned(),
            currency: against,
            fee_rate: d("0.001"),
            slippage: d("0.001"),
            listed: listed.into(),
        })
    }

    pub(crate) fn markets(self: &Arc<Self>) -> Markets {
        let exchange = Arc::clone(self);
        Markets::new(move |against| exchange.market(against).map(Arc::new))
    }
}

/// A house with a market.
pub(crate) async fn trading_house() -> (House, Arc<Exchange>) {
    let exchange = Exchange::open();
    let choices = Choices { markets: exchange.markets(), ..Choices::default() };
    (House::open_with(choices).await, exchange)
}

impl House {
    pub(crate) fn start(&self, person: &Person, body: &Value) -> Ask {
        self.command(&person.token, "/trading-sessions", body)
    }

    /// The id of a new session of theirs.
    pub(crate) async fn started(&self, person: &Person, body: &Value) -> String {
        id_of(&self.start(person, body).send().await.expect(201))
    }

    pub(crate) fn tell(&self, person: &Person, session: &str, verb: &str, body: &Value) -> Ask {
        self.command(&person.token, &format!("/trading-sessions/{session}/{verb}"), body)
    }

    /// What is read of a session, with all that has happened in it.
    pub(crate) async fn seen(&self, person: &Person, path: &str) -> Answered {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}min_position={}", self.head().await);
        self.get(&path).token(&person.token).send().await
    }

    pub(crate) async fn session(&self, person: &Person, id: &str) -> Value {
        self.seen(person, &format!("/trading-sessions/{id}")).await.expect(200)
    }
}

pub(crate) fn id_of(answered: &Value) -> String {
    answered["session"]["id"].as_str().unwrap().to_owned()
}

/// As it was asked for first: byte for byte, and nothing happens again.
pub(crate) async fn repeats(house: &House, ask: Ask) -> Value {
    let key = new_key();
    let first = ask.clone().key(&key).send().await;
    let head = house.head().await;
    ask.key(&key).send().await.repeats(&first);
    assert_eq!(house.head().await, head);
    first.json()
}

#[tokio::test]
async fn a_session_is_started_steered_and_stopped() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let targets = json!({ "BTC": "0.5", "ETH": "0.2", "USDT": "0.3" });
    let started = house.start(&ada, &json!({ "targets": targets, "capital": "50000" })).send().await;
    let body = started.expect(201);
    let session = &body["session"];
    let id = id_of(&body);
    assert_eq!(started.header("location"), Some(format!("/api/v1/trading-sessions/{id}").as_str()));
    assert_eq!((started.header("etag"), &session["version"]), (Some("\"1\""), &json!(1)));
    assert_eq!(started.header("counterfoil-position"), Some(body["position"].to_string().as_str()));
    let expected = json!({
        "id": id, "user_id": ada.id, "mode": "paper", "dry_run": false, "status": "active", "state": "running",
        "is_running": true, "capital": "50000", "currency": "USDT", "exchange": "paper", "targets": targets,
        "interval_s": 3600, "auto_rebalance": false, "drift_threshold": null, "risk_per_trade": "0.02",
        "max_drawdown": "0.1", "next_run_at": null, "last_run_at": null, "last_portfolio": null,
        "last_result": null, "last_error": null, "hold_id": null, "stop_reason": null,
        "started_at": session["started_at"], "ended_at": null, "version": 1,
    });
    assert_eq!(session, &expected);

    let status = house.seen(&ada, "/trading-sessions/current/status").await.expect(200);
    assert_eq!((&status["is_running"], &status["state"]), (&json!(true), &json!("running")));
    assert_eq!((&status["run"], &status["requested_run"]), (&Value::Null, &Value::Null));
    let tell = |verb: &'static str, body: Value| {
        let ask = house.tell(&ada, "current", verb, &body);
        async move { ask.send().await.expect(200)["session"].clone() }
    };
    assert_eq!(tell("interval", json!({ "interval_s": 600 })).await["interval_s"], 600);
    let at = "2030-01-31T12:00:00Z";
    assert_eq!(tell("next-run", json!({ "at": at })).await["next_run_at"], "2030-01-31T12:00:00.000000Z");
    assert_eq!(tell("dry-run", json!({ "dry_run": true })).await["dry_run"], true);
    let asked = house.tell(&ada, "current", "rebalance", &json!({})).send().await.expect(200);
    let status = house.seen(&ada, "/trading-sessions/current/status").await.expect(200);
    assert_eq!(status["requested_run"]["id"], asked["run_id"]);
    assert_eq!(status["requested_run"]["trigger"], "manual");
    let stopped = tell("stop", json!({ "reason": "enough" })).await;
    assert_eq!((&stopped["status"], &stopped["state"]), (&json!("stopped"), &json!("stopped")));
    assert_eq!((&stopped["is_running"], &stopped["stop_reason"]), (&json!(false), &json!("enough")));
    assert!(stopped["ended_at"].is_string() && stopped["next_run_at"].is_null());
    let path = "/trading-sessions/current";
    house.seen(&ada, path).await.problem(404, "trading_session_not_found");
    assert_eq!(house.session(&ada, &id).await, stopped);
}

#[tokio::test]
async fn every_command_is_repeated_as_it_was_answered() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let post = |path: &str, body: Value| house.post(path).token(&ada.token).json(&body);
    let body = repeats(&house, post("/trading-sessions", json!({ "targets": { "BTC": 1 } }))).await;
    let id = id_of(&body);
    for (verb, body) in [
        ("pause", json!({})),
        // Nothing is left to do.
        ("pause", json!({})),
        ("resume", json!({})),
        ("next-run", json!({ "at": "2030-01-31T12:00:00Z" })),
        ("schedule", json!({ "at": "2031-01-31T12:00:00+02:00" })),
        ("interval", json!({ "interval_s": 60 })),
        ("dry-run", json!({ "dry_run": true })),
        ("auto-rebalance", json!({ "enabled": true })),
        ("drift", json!({ "threshold": "0.05" })),
        ("targets", json!({ "targets": { "ETH": "1" } })),
        ("risk", json!({ "max_drawdown": 0.25 })),
        ("deposit", json!({ "amount": "10.50" })),
        ("withdraw", json!({ "amount": 10 })),
        ("rebalance", json!({})),
        ("stop", json!({})),
    ] {
        let done = repeats(&house, post(&format!("/trading-sessions/{id}/{verb}"), body)).await;
        assert_eq!(done["session"]["id"], json!(id), "{verb}: {done}");
    }
}

#[tokio::test]
async fn a_repeat_to_the_current_session_means_the_one_of_then() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let first = house.started(&ada, &json!({})).await;
    let tell = |verb: &str, key: &str| {
        house.post(&format!("/trading-sessions/current/{verb}")).token(&ada.token).key(key).send()
    };
    // One without an event, and one after which it is not the current one any more.
    let resumed = tell("resume", "r").await;
    assert_eq!(resumed.expect(200)["session"]["id"], json!(first));
    let stopped = tell("stop", "s").await;
    assert_eq!(stopped.expect(200)["session"]["id"], json!(first));
    tell("stop", "s").await.repeats(&stopped);
    let second = house.started(&ada, &json!({})).await;
    tell("resume", "r").await.repeats(&resumed);
    tell("stop", "s").await.repeats(&stopped);
    let stopped = tell("stop", "another").await.expect(200);
    assert_eq!(stopped["session"]["id"], json!(second));
    tell("stop", "more").await.problem(404, "trading_session_not_found");
}

#[tokio::test]
async fn if_match_means_the_version_of_the_session() {
    let (house, _) = trading_house().await;
    let ada = house.person().await;
    let id = house.started(&ada, &json!({})).await;
    for (verb, body) in [
        ("stop", json!({})),
        ("pause", json!({})),
        ("resume", json!({})),
        ("rebalance", json!({})),
        ("next-run", json!({ "at": "2030-01-31T12:00:00Z" })),
        ("schedule", json!({ "at": "2030-01-31T12:00:00Z" })),
        ("interval", json!({ "interval_s": 60 })),
        ("dry-run", json!({ "dry_run": true })),
        ("auto-rebalance", json!({ "enabled": true })),
        ("drift", json!({ "threshold": null })),
        ("targets", json!({ "targets": { "ETH": "1" } })),
        ("risk", json!({ "max_drawdown": 0.25 })),
        ("deposit", json!({ "amount": "1" })),
        ("withdraw", json!({ "amount": "1" })),
    ] {
        let head = house.head().await;
        let stale = house.tell(&ada, &id, verb, &body).header("if-match", "\"7\"").send().await;
        let problem = stale.problem(412, "version_mismatch");
        assert_eq!((&problem["expected"], &problem["actual"]), (&json!(7), &json!(1)), "{verb}");
        assert_eq!(house.head().await, head, "{verb}");
    }
    let paused = house.tell(&ada, &id, "pause", &json!({})).header("if-match", "\"1\"").send().await;
    paused.expect(200);
    assert_eq!(paused.header("etag"), Some("\"2\""));
}
