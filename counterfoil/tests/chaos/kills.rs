//! `kill -9`, at any moment, again and again. The program's own PostgreSQL and nats-server die with it.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::time::sleep;

use crate::harness::house::Embedded;
use crate::harness::load::Town;
use crate::harness::program::Program;
use crate::harness::{Dice, Scale, evidence, trial};

/// Between two kills the work has to go on, however slowly.
const WORK_PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_under_load_loses_nothing_and_doubles_nothing() {
    let scale = Scale::of("kill -9");
    let mut dice = scale.dice();
    let house = Embedded::new("kill9", &mut dice);
    let mut program = house.start.serve().await;
    let mut town = Town::found(&[house.node()], &mut dice).await;
    let mut load = town.load(Duration::ZERO);
    for kill in 1..=scale.kills() {
        let answers = dice.between(1, 400);
        let moment = Duration::from_micros(dice.below(20_000));
        town.record.more_answers(answers, WORK_PATIENCE).await;
        sleep(moment).await;
        program.kill();
        program = start_again(&house, &mut dice, &scale).await;
        load.must_go_on();
        must_reach(&house, town.record.furthest()).await;
        scale.say(&format!("killed {kill}: after {answers} more answers and {moment:?}"));
    }
    load.stop(&town).await;
    trial::hold(&mut town, &house.database_url(), &house.nats("subscriber")).await;
    program.stop().await;
}

/// Now and then the start does not survive either.
async fn start_again(house: &Embedded, dice: &mut Dice, scale: &Scale) -> Program {
    while dice.one_in(4) {
        let moment = Duration::from_millis(dice.below(1_500));
        let program = house.start.spawn();
        sleep(moment).await;
        program.kill();
        scale.say(&format!("killed {moment:?} after it was started"));
    }
    house.start.serve().await
}

/// What anybody was told is there right after the start.
async fn must_reach(house: &Embedded, told: i64) {
    let mut conn = PgConnection::connect(&house.database_url()).await.unwrap();
    let head = evidence::head(&mut conn).await;
    assert!(head >= told, "position {told} was answered, and the journal ends at {head}");
    conn.close().await.unwrap();
}
