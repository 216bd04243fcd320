//! What a client is told while something behind the door stands still or is broken.

use crate::house::{House, PASSWORD, new_key};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use sqlx::{Postgres, Transaction};
use std::fs;
use std::time::Duration;
use testkit::eventually;
use tokio::time::timeout;

/// The database takes a deposit, and longer to make it last than anybody waits for an answer.
const SLOW_COMMITS: &str = "
    create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(14); return null; end $$;
    create constraint trigger dawdle after insert on events deferrable initially deferred
        for each row when (new.event_type = 'WalletDeposited') execute function dawdle();
";

/// Whoever wants to write into the table waits until this is rolled back; readers do not.
async fn lock(house: &House, table: &str) -> Transaction<'static, Postgres> {
    let mut lock = house.journal.pool().begin().await.unwrap();
    sqlx::query("set local idle_in_transaction_session_timeout = 0").execute(&mut *lock).await.unwrap();
    sqlx::query(&format!("lock table {table} in exclusive mode")).execute(&mut *lock).await.unwrap();
    lock
}

#[tokio::test]
async fn a_command_on_its_way_is_named_as_such_and_its_end_can_be_asked_for() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    sqlx::raw_sql(SLOW_COMMITS).execute(house.journal.pool()).await.unwrap();

    let key = new_key();
    let deposit = || house.post(&format!("/wallets/{}/deposit", ada.wallet)).token(&ada.token).key(&key);
    let deposit = || deposit().json(&json!({ "amount": "2" }));
    // Whichever comes second finds the first under way.
    let (one, other) = tokio::join!(deposit().send(), deposit().send());
    let (second, first) = if one.status == 409 { (one, other) } else { (other, one) };
    second.problem(409, "in_flight");
    first.problem(503, "outcome_unknown");

    eventually("the deposit is made, once", async || deposit().send().await.status == 201).await;
    let status = house.get(&format!("/commands/{key}")).token(&ada.token).send().await.expect(200);
    assert_eq!(status["status"], "committed");
    let balance = house.get(&format!("/users/me/balance?min_position={}", status["position"]));
    assert_eq!(balance.token(&ada.token).send().await.expect(200)["posted"], "3.00");
}

#[tokio::test]
async fn what_the_database_declines_is_refused_and_nothing_else_suffers() {
    let house = House::open().await;
    let ada = house.person().await;
    let declines = "alter table events add constraint declines check (event_type <> 'WalletDeposited')";
    sqlx::query(declines).execute(house.journal.pool()).await.unwrap();
    house.deposit(&ada, &json!({ "amount": "1" })).send().await.problem(500, "unrecordable");
    house.login(&ada.name).await.expect(200);
}

#[tokio::test]
async fn a_read_model_that_is_behind_says_so() {
    let house = House::open().await;
    let ada = house.person().await;
    let lock = lock(&house, "wallets").await;
    let done = house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    let balance = format!("/users/me/balance?min_position={}", done["position"]);
    let behind = house.get(&balance).token(&ada.token).send().await.problem(503, "projection_behind");
    assert!(behind["lag"].as_i64() >= Some(1), "{behind}");
    lock.rollback().await.unwrap();
    house.get(&balance).token(&ada.token).send().await.expect(200);
}

#[tokio::test]
async fn a_read_model_that_has_stopped_says_so() {
    let house = House::open().await;
    let ada = house.person().await;
    let declines = "alter table wallets add constraint declines check (posted < 1) not valid";
    sqlx::query(declines).execute(house.journal.pool()).await.unwrap();
    let done = house.deposit(&ada, &json!({ "amount": "1" })).send().await.expect(201);
    let balance = format!("/users/me/balance?min_position={}", done["position"]);
    let ask = async || house.get(&balance).token(&ada.token).send().await;
    eventually("the read model has stopped", async || ask().await.json()["code"] == "projection_failed")
        .await;
    ask().await.problem(503, "projection_failed");
    assert_eq!(house.get("/health").send().await.expect(200)["status"], "degraded");
}

/// A database whose every process stands still, until this is dropped.
struct Frozen(Vec<Pid>);

impl Frozen {
    fn freeze(postgres: i32) -> Self {
        let child = |entry: fs::DirEntry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
            (parent == postgres.to_string()).then(|| Pid::from_raw(pid))
        };
        let parent = Pid::from_raw(postgres);
        // The parent first: then there are no more children than those that are found.
        kill(parent, Signal::SIGSTOP).unwrap();
        let children: Vec<Pid> =
            fs::read_dir("/proc").unwrap().filter_map(|entry| child(entry.unwrap())).collect();
        assert!(!children.is_empty());
        let frozen = Self(children.into_iter().chain([parent]).collect());
        frozen.all(Signal::SIGSTOP);
        frozen
    }

    fn all(&self, signal: Signal) {
        for pid in &self.0 {
            // One that has ended meanwhile needs no signal.
            let _ = kill(*pid, signal);
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.all(Signal::SIGCONT);
    }
}

#[tokio::test]
async fn a_database_that_hangs_is_noticed_before_a_probe_gives_up() {
    let house = House::open().await;
    let ask = async || house.get("/health/ready").send().await;
    ask().await.expect(200);
    let frozen = Frozen::freeze(house.postgres.pid());
    let slowest = Duration::from_secs(3);
    eventually("readiness turns red, and is never slow to say so", async || {
        timeout(slowest, ask()).await.unwrap().status == 503
    })
    .await;
    drop(frozen);
    eventually("readiness turns green", async || ask().await.status == 200).await;
}

#[tokio::test]
async fn without_the_database_everything_may_be_tried_again() {
    let mut house = House::open().await;
    let ada = house.person().await;
    let registration = house.registration();
    house.postgres.kill();
    let login = json!({ "username": ada.name, "password": PASSWORD });
    for ask in [
        house.get("/commands/some-key").token(&ada.token),
        house.get("/events").token(&ada.token),
        house.get("/users/me").token(&ada.token),
        house.post("/auth/register").json(&registration),
        house.post("/auth/login").json(&login),
    ] {
        ask.send().await.problem(503, "unavailable");
    }
}
