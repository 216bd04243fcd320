//! The end of every test: old commands are repeated, balances are read, and all of it is held against the evidence.

use super::evidence::{gather, head};
use super::load::Town;
use super::record::{CommandId, Intent};
use super::{Client, NatsAccess, Person};
use crate::verify::{Case, verify};
use futures::future::join_all;
use sqlx::{Connection, PgConnection};
use testkit::eventually;

/// Commands repeated in the end. All of them, unless there are very many.
const REPEATS_MAX: usize = 2_000;
const CLIENTS: usize = 16;
/// More complaints tell no more.
const SHOWN_MAX: usize = 40;

/// Panics with everything that does not agree.
pub(crate) async fn hold(town: &mut Town, database_url: &str, nats: &NatsAccess) {
    town.quiet().await;
    repeat_and_read(town, database_url).await;
    town.quiet().await;
    let found = gather(database_url, nats).await;
    let case = Case { pages: town.record.pages(), found };
    eprintln!("{}", case.summary());
    let complaints = verify(&case);
    let shown: Vec<&str> = complaints.iter().take(SHOWN_MAX).map(String::as_str).collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), shown.join("\n"));
}

async fn repeat_and_read(town: &mut Town, database_url: &str) {
    let mut conn = PgConnection::connect(database_url).await.unwrap();
    let head = head(&mut conn).await;
    conn.close().await.unwrap();
    let commands = town.record.pages().commands;
    let settled = commands.iter().enumerate().filter(|(_, command)| command.settled().next().is_some());
    let mut again: Vec<usize> = settled.map(|(index, _)| index).collect();
    let mut client = town.client();
    while again.len() > REPEATS_MAX {
        again.swap_remove(client.dice.index(again.len()));
    }
    let people = town.people.clone();
    let shares = again.chunks(again.len().div_ceil(CLIENTS).max(1));
    let work = shares.map(|share| {
        let (mut client, people) = (town.client(), people.clone());
        let commands = &commands;
        async move {
            for index in share {
                let command = &commands[*index];
                let is_theirs = |person: &&Person| person.user == command.user;
                match (people.iter().find(is_theirs), &command.intent) {
                    (Some(person), intent) => repeat(&mut client, *index, person, intent, &command.key).await,
                    (None, intent @ Intent::Register { .. }) => {
                        repeat(&mut client, *index, &people[0], intent, &command.key).await;
                    }
                    // Who has logged out cannot repeat anything.
                    (None, _) => {}
                }
            }
        }
    });
    join_all(work.collect::<Vec<_>>()).await;
    for person in people.iter() {
        eventually("a wallet can be read", async || person.read(&mut client, head).await).await;
    }
}

async fn repeat(client: &mut Client, index: usize, person: &Person, intent: &Intent, key: &str) {
    let command = CommandId::at(index);
    client.settle(command, person, intent, key).await;
    if !matches!(intent, Intent::Register { .. }) && client.dice.one_in(10) {
        let told = client.status(person, key).await;
        client.record.told(command, told);
    }
}
