//! Owners of sessions: they start them, ask for runs, change their minds, and stop them, all the time. What they were told
//! is written down.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::stage::CURRENCY;
use crate::harness::http::{Ask, Http, Reply};
use crate::harness::record::Record;
use crate::harness::{Client, Dice, Person};

const OWNERS: usize = 8;
/// As many as one may have.
const SESSIONS: usize = 10;
/// Nobody can lose it: there is nothing in a session that comes from a wallet, or goes to one.
pub(super) const FUNDS: &str = "1000000.00";
/// The node that takes commands is never killed.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// What was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Started { session: Uuid, position: i64 },
    WillRun { session: Uuid, run: Uuid },
    WillStop { session: Uuid },
}

#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    pub(super) told: Vec<Told>,
    pub(super) wallets: Vec<Uuid>,
    /// Session and whose it is, by a token.
    owners: Vec<(Uuid, Person)>,
    pub(super) refused: usize,
}

pub(super) type Shared = Arc<Mutex<Book>>;

pub(super) struct Owners {
    pub(super) book: Shared,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    asker: Asker,
}

impl Owners {
    /// Everybody registers, and begins.
    pub(super) fn come(node: SocketAddr, dice: &mut Dice, pace: Duration) -> Self {
        let (record, late, book) = (Record::new(), TaskTracker::new(), Shared::default());
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        for n in 0..OWNERS {
            let client = Client::new(&[node], &record, &late, dice.fork());
            let asker = Asker { http: Http::to(node), dice: dice.fork(), book: Arc::clone(&book) };
            let stop = stop.clone();
            tasks.spawn(async move {
                let owner = Owner::register(client, asker, n).await;
                owner.go_on(stop, pace).await;
            });
        }
        let asker = Asker { http: Http::to(node), dice: dice.fork(), book: Arc::clone(&book) };
        Self { book, stop, tasks, asker }
    }

    /// Whoever of them it belongs to tells a session to stop.
    pub(super) async fn stop_session(&mut self, session: Uuid) {
        let found = self.book.lock().unwrap().owners.iter().find(|(id, _)| *id == session).cloned();
        let (_, person) = found.unwrap();
        self.asker.stop_session(&person, session).await;
    }

    pub(super) fn must_go_on(&mut self) {
        if let Some(ended) = self.tasks.try_join_next() {
            ended.unwrap();
            panic!("an owner went away before time");
        }
    }

    pub(super) async fn leave(mut self) -> Book {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        let book = self.book.lock().unwrap();
        book.clone()
    }
}

impl Book {
    /// What the owners of all sessions are shown of what they hold.
    pub(super) async fn shown(&self, node: SocketAddr) -> Vec<(Uuid, Value)> {
        let (mut http, mut shown) = (Http::to(node), Vec::new());
        for (session, person) in &self.owners {
            let ask = Ask::get(&format!("/trading-sessions/{session}/positions"));
            let reply = http.send(&ask.with_token(person.token.as_deref().unwrap())).await.unwrap();
            assert_eq!(reply.status, 200, "{}", reply.body);
            shown.push((*session, reply.body));
        }
        shown
    }
}

/// Asks until it is answered, under one key.
struct Asker {
    http: Http,
    dice: Dice,
    book: Shared,
}

impl Asker {
    /// The answer, or nothing if it was refused.
    async fn ask(&mut self, person: &Person, path: &str, body: Value) -> Option<Reply> {
        let key = Uuid::from_u64_pair(self.dice.below(u64::MAX), self.dice.below(u64::MAX)).to_string();
        let ask = Ask::post(path, body.clone()).with_token(person.token.as_deref().unwrap()).with_key(&key);
        let deadline = Instant::now() + ANSWERED_WITHIN;
        loop {
            let reply = timeout(ANSWERED_WITHIN, self.http.send(&ask)).await;
            match reply {
                Ok(Ok(reply)) if reply.status < 300 => return Some(reply),
                Ok(Ok(reply)) if is_refusal(&reply) => {
                    self.book.lock().unwrap().refused += 1;
                    return None;
                }
                Ok(Ok(reply)) if reply.status != 503 => {
                    panic!("{path} {body}: {} {}", reply.status, reply.body)
                }
                other => assert!(Instant::now() < deadline, "{path} {body}: {other:?}"),
            }
            sleep(PAUSE).await;
        }
    }

    fn write(&self, told: Told) {
        self.book.lock().unwrap().told.push(told);
    }

    async fn stop_session(&mut self, person: &Person, session: Uuid) -> bool {
        let body = json!({ "reason": "enough" });
        let stops = self.ask(person, &format!("/trading-sessions/{session}/stop"), body).await.is_some();
        if stops {
            self.write(Told::WillStop { session });
        }
        stops
    }
}

/// What may be said to somebody who does not know how far a session is.
fn is_refusal(reply: &Reply) -> bool {
    let codes = [
        "run_under_way",
        "wrong_session_state",
        "too_many_trading_sessions",
        "market_unavailable",
        "insufficient_cash",
    ];
    codes.contains(&reply.code())
}

struct Owner {
    person: Person,
    asker: Asker,
    sessions: Vec<Uuid>,
}

impl Owner {
    async fn register(mut client: Client, mut asker: Asker, n: usize) -> Self {
        let person = loop {
            if let Some(person) = Person::register(&mut client, &format!("owner-{n}")).await {
                break person;
            }
        };
        let mut person = person;
        person.log_in(&mut client).await;
        let path = format!("/wallets/{}/deposit", person.wallet);
        asker.ask(&person, &path, json!({ "amount": FUNDS })).await.unwrap();
        asker.book.lock().unwrap().wallets.push(person.wallet);
        Self { person, asker, sessions: Vec::new() }
    }

    async fn go_on(mut self, stop: CancellationToken, pace: Duration) {
        while !stop.is_cancelled() {
            let session = self.sessions.get(self.asker.dice.index(SESSIONS)).copied();
            match (session, self.asker.dice.below(100)) {
                (None, _) => self.start().await,
                (Some(id), 0..32) => self.rebalance(id).await,
                (Some(id), 32..66) => self.turn_over(id).await,
                (Some(id), 66..78) => self.set_next_run(id).await,
                (Some(id), 78..82) => drop(self.ask(id, "pause", json!({})).await),
                (Some(id), 82..86) => drop(self.ask(id, "deposit", json!({ "amount": "12.34" })).await),
                (Some(id), 86..90) => drop(self.ask(id, "withdraw", json!({ "amount": "9.87" })).await),
                (Some(id), _) => self.stop_session(id).await,
            }
            if let Some(id) = session.filter(|_| self.asker.dice.one_in(10)) {
                self.ask(id, "resume", json!({})).await;
            }
            let least = u64::try_from(pace.as_millis()).unwrap();
            sleep(Duration::from_millis(self.asker.dice.between(least / 2, least * 3 / 2))).await;
        }
    }

    async fn ask(&mut self, session: Uuid, what: &str, body: Value) -> Option<Reply> {
        self.asker.ask(&self.person, &format!("/trading-sessions/{session}/{what}"), body).await
    }

    async fn start(&mut self) {
        let dice = &mut self.asker.dice;
        let capital = format!("{}.{:02}", dice.between(500, 5_000), dice.below(100));
        let mut body = json!({
            "mode": "paper", "capital": capital, "currency": CURRENCY, "targets": targets(dice), "interval_s": 60,
            "risk_per_trade": if dice.one_in(3) { "0.06" } else { "0.2" }, "max_drawdown": "0.2",
            "auto_rebalance": dice.one_in(3), "dry_run": dice.one_in(12),
        });
        if dice.one_in(2) {
            body["next_run_at"] = soon(dice).into();
        }
        if dice.one_in(2) {
            body["reserve_from"] = self.person.wallet.to_string().into();
        }
        if let Some(reply) = self.asker.ask(&self.person, "/trading-sessions", body).await {
            let session: Uuid = reply.text("/session/id").parse().unwrap();
            self.asker.write(Told::Started { session, position: reply.position.unwrap() });
            self.asker.book.lock().unwrap().owners.push((session, self.person.clone()));
            self.sessions.push(session);
            self.rebalance(session).await;
        }
    }

    async fn rebalance(&mut self, session: Uuid) {
        if let Some(reply) = self.ask(session, "rebalance", json!({})).await {
            let run = reply.text("/run_id").parse().unwrap();
            self.asker.write(Told::WillRun { session, run });
        }
    }

    /// Something has to be sold for something else to be bought.
    async fn turn_over(&mut self, session: Uuid) {
        let targets = targets(&mut self.asker.dice);
        self.ask(session, "targets", json!({ "targets": targets })).await;
        self.rebalance(session).await;
    }

    async fn set_next_run(&mut self, session: Uuid) {
        let at = soon(&mut self.asker.dice);
        self.ask(session, "next-run", json!({ "at": at })).await;
    }

    async fn stop_session(&mut self, session: Uuid) {
        if self.asker.stop_session(&self.person, session).await {
            self.sessions.retain(|other| *other != session);
        }
    }
}

fn targets(dice: &mut Dice) -> Value {
    match dice.below(5) {
        0 => json!({ "BTC": "0.9", "USD": "0.1" }),
        1 => json!({ "ETH": "0.95", "USD": "0.05" }),
        2 => json!({ "BTC": "0.333333", "ETH": "0.333333", "SOL": "0.333334" }),
        3 => json!({ "SOL": "0.6", "BTC": "0.1", "USD": "0.3" }),
        _ => json!({ "SOL": "0.5", "ETH": "0.5" }),
    }
}

fn soon(dice: &mut Dice) -> String {
    let at = OffsetDateTime::now_utc() + Duration::from_micros(dice.below(1_500_000));
    at.format(&Rfc3339).unwrap()
}
