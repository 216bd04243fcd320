//! Without NATS everything goes on but the mirror: commands, reads of one's own writes, logins and logouts.

use std::time::Duration;

use testkit::eventually;
use tokio::time::Instant;

use crate::harness::house::Given;
use crate::harness::load::Town;
use crate::harness::program::get;
use crate::harness::record::{Command, Intent};
use crate::harness::{Person, Scale, load, trial};

/// A minute in the long form.
const DOWN_SHORT: Duration = Duration::from_secs(6);
const DOWN_LONG: Duration = Duration::from_mins(1);
/// What each client waits between two commands: a minute of load is to fit into one verification.
const PACE: Duration = Duration::from_millis(15);
const WORK_PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_commands_reads_and_logouts_go_on() {
    let scale = Scale::of("nats down");
    let mut dice = scale.dice();
    let mut house = Given::new("natsdown").await;
    let node = house.node("node", &mut dice, &house.database_url);
    let program = node.serve().await;
    let mut town = Town::found(&[node.listen], &mut dice).await;
    let mut load = town.load(PACE);
    let down_for = scale.span(DOWN_SHORT, DOWN_LONG);
    // First gone, then there and deaf.
    house.nats.kill();
    goes_on(&mut town, &mut load, Instant::now() + down_for).await;
    house.nats.restart().await;
    house.nats.pause();
    goes_on(&mut town, &mut load, Instant::now() + down_for / 2).await;
    house.nats.resume();
    load.stop(&town).await;
    eventually("the program is healthy again", async || {
        get(node.listen, "/health").await.is_some_and(|reply| reply.body["status"] == "ok")
    })
    .await;
    trial::hold(&mut town, &house.database_url, &house.access()).await;
    program.stop().await;
}

/// Until then: somebody registers, deposits, reads it at once and logs out, and the node says that it can serve.
async fn goes_on(town: &mut Town, load: &mut load::Load, until: Instant) {
    let mut client = town.client();
    let mut visit = 0;
    while Instant::now() < until {
        town.record.more_answers(10, WORK_PATIENCE).await;
        load.must_go_on();
        visit += 1;
        let name = format!("visitor-{visit}-{}", client.key()[..8].to_owned());
        let mut visitor = Person::register(&mut client, &name).await.unwrap();
        visitor.log_in(&mut client).await;
        let deposit = Intent::Deposit { wallet: visitor.wallet, cents: 100 };
        let said = load::command(&mut client, &visitor, deposit).await.unwrap();
        assert!(
            visitor.read(&mut client, said.position().unwrap()).await,
            "a read with min_position goes on"
        );
        visitor.log_out(&mut client).await;
        let ready = get(town.nodes[0], "/health/ready").await.unwrap();
        assert_eq!(ready.status, 200, "{}", ready.body);
    }
    let mut commands = town.record.pages().commands;
    commands.retain(Command::had_no_effect);
    assert!(commands.is_empty(), "commands were turned away: {commands:#?}");
}
