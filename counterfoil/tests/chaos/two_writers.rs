//! Two programs on one database, and the one that leads is stopped until the other leads, then let go again.
//!
//! The one that was stopped wakes up in the belief that it still leads, with commands in its hands. None of its answers
//! may be one that does not stand.

use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::{Connection, PgConnection};
use testkit::{eventually, eventually_within};
use tokio::time::sleep;

use crate::harness::house::Given;
use crate::harness::load::Town;
use crate::harness::program::Program;
use crate::harness::{Scale, trial};

/// A lease is given up after three seconds of silence.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(15);
const WORK_PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_believe_they_lead_one_writes() {
    let scale = Scale::of("two writers");
    let mut dice = scale.dice();
    let house = Given::new("two").await;
    let starts = ["first", "second"].map(|name| house.node(name, &mut dice, &house.database_url));
    let nodes = starts.clone().map(|start| start.listen);
    let mut programs = Vec::new();
    for start in &starts {
        programs.push(start.serve().await);
    }
    let mut conn = PgConnection::connect(&house.database_url).await.unwrap();
    let mut town = Town::found(&nodes, &mut dice).await;
    let mut load = town.load(Duration::ZERO);
    for round in 1..=scale.rounds(2, 10) {
        let (answers, moment) = (dice.between(50, 500), Duration::from_micros(dice.below(20_000)));
        let longer = Duration::from_millis(dice.below(4_000));
        town.record.more_answers(answers, WORK_PATIENCE).await;
        sleep(moment).await;
        let (epoch, leader) = leader(&mut conn).await;
        let stopped = nodes.iter().position(|node| leader.contains(&node.to_string())).unwrap();
        programs[stopped].signal(Signal::SIGSTOP);
        eventually_within(TAKEN_OVER_WITHIN, "the other leads", async || {
            self::leader(&mut conn).await.0 > epoch
        })
        .await;
        town.record.more_answers(dice.between(10, 300), WORK_PATIENCE).await;
        sleep(longer).await;
        programs[stopped].signal(Signal::SIGCONT);
        programs.iter_mut().for_each(Program::must_be_alive);
        load.must_go_on();
        scale.say(&format!("stopped {round}: {leader} after {answers} more answers and {moment:?}"));
    }
    town.record.more_answers(200, WORK_PATIENCE).await;
    load.stop(&town).await;
    eventually("both can serve", async || ready(&mut programs).await).await;
    conn.close().await.unwrap();
    trial::hold(&mut town, &house.database_url, &house.access()).await;
    for program in programs {
        program.stop().await;
    }
}

async fn ready(programs: &mut [Program]) -> bool {
    for program in programs {
        program.ready().await;
    }
    true
}

/// Epoch and name.
async fn leader(conn: &mut PgConnection) -> (i64, String) {
    sqlx::query_as("select epoch, leader from journal_head").fetch_one(conn).await.unwrap()
}
