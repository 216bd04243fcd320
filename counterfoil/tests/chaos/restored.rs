//! The database is restored to an earlier copy while the stream remembers more: nobody leads until a person decides.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use sqlx::{Connection, PgConnection};
use testkit::eventually;

use crate::harness::house::{Embedded, Given};
use crate::harness::http::Ask;
use crate::harness::load::Town;
use crate::harness::program::{Start, get};
use crate::harness::{NatsAccess, Scale, evidence, home, stream, trial};

const WORK_PATIENCE: Duration = Duration::from_mins(1);
/// Each is one that a hasty node would have accepted.
const COMMANDS_TURNED_AWAY: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn on_a_restored_database_nobody_leads_until_the_relay_is_reset() {
    let scale = Scale::of("restored");
    let mut dice = scale.dice();
    let house = Embedded::new("restored", &mut dice);
    let backup = house.start.log.with_file_name("backup");
    let program = house.start.serve().await;
    let mut town = Town::found(&[house.node()], &mut dice).await;
    work(&mut town, dice.between(50, 300)).await;
    program.stop().await;
    home::copy(&house.postgres_data(), &backup);
    let before = town.record.pages();

    let program = house.start.serve().await;
    work(&mut town, dice.between(50, 300)).await;
    mirrored(&house.database_url(), &house.nats("subscriber")).await;
    program.kill();
    eventually("its servers are gone", async || house.nats_server().is_none()).await;
    home::restore(&backup, &house.postgres_data());
    town.record.rewind(&before);

    let mut program = house.start.spawn();
    eventually("it says where its database is", async || program.is_announced()).await;
    nobody_leads(&mut town, &house.database_url()).await;
    reset(&house.start);
    program.ready().await;
    work(&mut town, dice.between(50, 300)).await;
    trial::hold(&mut town, &house.database_url(), &house.nats("subscriber")).await;
    program.stop().await;
}

/// While NATS is away nobody can know, and commands go on. The moment it is back, they stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_is_noticed_as_soon_as_nats_is_back() {
    let scale = Scale::of("restored without NATS");
    let mut dice = scale.dice();
    let mut house = Given::new("restored").await;
    let node = house.node("node", &mut dice, &house.database_url);
    let program = node.serve().await;
    let mut town = Town::found(&[node.listen], &mut dice).await;
    work(&mut town, dice.between(50, 300)).await;
    program.stop().await;
    let before = town.record.pages();
    let copy = house.postgres.copy_database(&house.database_url).await;

    let program = node.serve().await;
    work(&mut town, dice.between(50, 300)).await;
    mirrored(&house.database_url, &house.access()).await;
    program.stop().await;
    house.nats.kill();
    town.record.rewind(&before);

    let restored = Start { place: house.node("node", &mut dice, &copy).place, ..node };
    let mut program = restored.serve().await;
    work(&mut town, dice.between(50, 600)).await;
    house.nats.restart().await;
    nobody_leads(&mut town, &copy).await;
    reset(&restored);
    program.ready().await;
    work(&mut town, dice.between(50, 300)).await;
    trial::hold(&mut town, &copy, &house.access()).await;
    program.stop().await;
}

async fn work(town: &mut Town, answers: u64) {
    let load = town.load(Duration::ZERO);
    town.record.more_answers(answers, WORK_PATIENCE).await;
    load.stop(town).await;
}

/// All of the journal is in the stream.
async fn mirrored(database_url: &str, nats: &NatsAccess) {
    let mut conn = PgConnection::connect(database_url).await.unwrap();
    let head = evidence::head(&mut conn).await;
    eventually("the stream has it all", async || stream::last(nats).await == u64::try_from(head).ok()).await;
    conn.close().await.unwrap();
}

/// Health says so and why, every command is turned away, and the journal stays where it is.
async fn nobody_leads(town: &mut Town, database_url: &str) {
    let node = town.nodes[0];
    eventually("health says why nobody leads", async || says_why(node).await).await;
    let mut conn = PgConnection::connect(database_url).await.unwrap();
    let head = evidence::head(&mut conn).await;
    let (people, mut client) = (town.people.clone(), town.client());
    for _ in 0..COMMANDS_TURNED_AWAY {
        let person = client.dice.pick(&people).clone();
        let deposit = Ask::post(&format!("/wallets/{}/deposit", person.wallet), json!({ "amount": "1.00" }));
        let deposit = deposit.with_token(person.token.as_deref().unwrap()).with_key(&client.key());
        let reply = client.plain(&deposit).await.unwrap();
        assert_eq!((reply.status, reply.code()), (503, "unavailable"), "{}", reply.body);
        assert!(person.read(&mut client, 0).await, "what is there can be read");
    }
    assert_eq!(evidence::head(&mut conn).await, head);
    conn.close().await.unwrap();
}

async fn says_why(node: SocketAddr) -> bool {
    let (Some(ready), Some(detailed)) =
        (get(node, "/health/ready").await, get(node, "/health/detailed").await)
    else {
        return false;
    };
    let why = detailed.body.to_string();
    ready.status == 503 && ready.body.to_string().contains("writer") && why.contains("the stream")
}

/// As a person would who has decided that the restored journal is the truth.
fn reset(start: &Start) {
    let done = start.command(&["relay", "reset"]).output().unwrap();
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(done.status.success(), "{said:?}");
}
