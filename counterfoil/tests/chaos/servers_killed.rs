//! The servers behind the program die under load; it starts them again, and nobody notices more than a pause.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::eventually;
use tokio::time::sleep;

use crate::harness::house::Embedded;
use crate::harness::load::Town;
use crate::harness::{Scale, trial};

const WORK_PATIENCE: Duration = Duration::from_mins(1);
const KILLS_SHORT: usize = 3;
const KILLS_LONG: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_under_load_loses_nothing_and_doubles_nothing() {
    killed_under_load("postgres killed", Embedded::postmaster, &[Signal::SIGKILL, Signal::SIGQUIT]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_killed_under_load_leaves_the_stream_what_the_journal_is() {
    killed_under_load("nats killed", Embedded::nats_server, &[Signal::SIGKILL]).await;
}

async fn killed_under_load(test: &'static str, find: fn(&Embedded) -> Option<i32>, signals: &[Signal]) {
    let scale = Scale::of(test);
    let mut dice = scale.dice();
    let house = Embedded::new(&test.replace(' ', "-"), &mut dice);
    let mut program = house.start.serve().await;
    let mut town = Town::found(&[house.node()], &mut dice).await;
    let mut load = town.load(Duration::ZERO);
    for round in 1..=scale.rounds(KILLS_SHORT, KILLS_LONG) {
        let (answers, moment) = (dice.between(50, 600), Duration::from_micros(dice.below(20_000)));
        let signal = *dice.pick(signals);
        town.record.more_answers(answers, WORK_PATIENCE).await;
        sleep(moment).await;
        let before = find(&house).unwrap();
        kill(Pid::from_raw(before), signal).unwrap();
        eventually("the server runs again", async || find(&house).is_some_and(|pid| pid != before)).await;
        program.must_be_alive();
        load.must_go_on();
        scale.say(&format!("killed {round} with {signal}: after {answers} more answers and {moment:?}"));
    }
    town.record.more_answers(200, WORK_PATIENCE).await;
    load.stop(&town).await;
    program.ready().await;
    trial::hold(&mut town, &house.database_url(), &house.nats("subscriber")).await;
    program.stop().await;
}
