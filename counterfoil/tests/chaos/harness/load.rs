//! Many clients at once: two wallets that everybody wants, many that are one client's own, and people who come and go.
//!
//! Amounts are drawn so that balances stay near zero: whether a withdrawal is refused hangs on every movement before it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::record::{Intent, Record, Said};
use super::{Client, Dice, Person};

const HOT: usize = 2;
const OWN: usize = 10;
const CLIENTS: usize = 18;
const NEWCOMERS: usize = 2;
/// One in five gives up when told that nothing happened: so many in a row do not.
const TRIES_MAX: usize = 20;
/// Attempts that were left behind end with their node, or with its longest time-out.
const LATE_PATIENCE: Duration = Duration::from_secs(40);

/// The people of one journal, and where they go.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) nodes: Vec<SocketAddr>,
    pub(crate) record: Record,
    pub(crate) people: Arc<[Person]>,
    pub(crate) late: TaskTracker,
    dice: Dice,
}

#[derive(Debug)]
pub(crate) struct Load {
    stop: CancellationToken,
    clients: JoinSet<()>,
}

impl Town {
    /// Everybody registers and logs in.
    pub(crate) async fn found(nodes: &[SocketAddr], dice: &mut Dice) -> Self {
        let (record, late) = (Record::new(), TaskTracker::new());
        let mut dice = dice.fork();
        let people = join_all((0..HOT + OWN).map(|n| {
            let mut client = Client::new(nodes, &record, &late, dice.fork());
            async move {
                for _ in 0..TRIES_MAX {
                    // A command that was left at no effect is followed by another.
                    if let Some(mut person) = Person::register(&mut client, &format!("person-{n}")).await {
                        person.log_in(&mut client).await;
                        return person;
                    }
                }
                panic!("person-{n} could not register");
            }
        }));
        let people = people.await.into();
        Self { nodes: nodes.to_vec(), record, people, late, dice }
    }

    pub(crate) fn client(&mut self) -> Client {
        Client::new(&self.nodes, &self.record, &self.late, self.dice.fork())
    }

    /// `pace` is what each client waits between two commands.
    pub(crate) fn load(&mut self, pace: Duration) -> Load {
        let stop = CancellationToken::new();
        let mut clients = JoinSet::new();
        for n in 0..CLIENTS {
            let worker = Worker {
                client: self.client(),
                people: Arc::clone(&self.people),
                // Half of them go to the hot wallets only.
                own: if n % 2 == 0 { 0..HOT } else { HOT..HOT + OWN },
                seen: 0,
            };
            clients.spawn(worker.run(stop.clone(), pace));
        }
        for _ in 0..NEWCOMERS {
            clients.spawn(come_and_go(self.client(), stop.clone(), pace));
        }
        Load { stop, clients }
    }

    /// Waits for the answers to attempts that were left behind.
    pub(crate) async fn quiet(&self) {
        self.late.close();
        let ended = timeout(LATE_PATIENCE, self.late.wait()).await;
        assert!(ended.is_ok(), "{} attempts never ended", self.late.len());
        self.late.reopen();
    }
}

impl Load {
    /// Every client settles what it has begun.
    pub(crate) async fn stop(mut self, town: &Town) {
        self.stop.cancel();
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap();
        }
        town.quiet().await;
    }

    /// Panics if a client has: it would not be noticed before the end.
    pub(crate) fn must_go_on(&mut self) {
        if let Some(ended) = self.clients.try_join_next() {
            ended.unwrap();
            panic!("a client ended before it was asked to");
        }
    }
}

struct Worker {
    client: Client,
    people: Arc<[Person]>,
    own: std::ops::Range<usize>,
    /// The furthest position this client was told.
    seen: i64,
}

impl Worker {
    async fn run(mut self, stop: CancellationToken, pace: Duration) {
        while !stop.is_cancelled() {
            let people = Arc::clone(&self.people);
            let person = self.client.dice.pick(&people[self.own.clone()]);
            match self.client.dice.below(100) {
                0..10 => drop(person.read(&mut self.client, self.seen).await),
                10..60 => self.deposit(person).await,
                60..95 => self.withdraw(person, 900).await,
                _ => self.withdraw(person, 100_000_000).await,
            }
            if !pace.is_zero() {
                sleep(pace).await;
            }
        }
    }

    async fn deposit(&mut self, person: &Person) {
        let cents = i64::try_from(self.client.dice.between(1, 500)).unwrap();
        self.do_it(person, Intent::Deposit { wallet: person.wallet, cents }).await;
    }

    async fn withdraw(&mut self, person: &Person, most: u64) {
        let cents = i64::try_from(self.client.dice.between(most / 3, most)).unwrap();
        self.do_it(person, Intent::Withdraw { wallet: person.wallet, cents }).await;
    }

    async fn do_it(&mut self, person: &Person, intent: Intent) {
        let said = command(&mut self.client, person, intent).await;
        self.seen = self.seen.max(said.and_then(|said| said.position()).unwrap_or(0));
    }
}

/// One command under a new key, settled.
pub(crate) async fn command(client: &mut Client, person: &Person, intent: Intent) -> Option<Said> {
    let key = client.key();
    let command = client.record.begin(&key, person.user, intent.clone());
    client.settle(command, person, &intent, &key).await
}

async fn come_and_go(mut client: Client, stop: CancellationToken, pace: Duration) {
    let me = Uuid::from_u128(u128::from(client.dice.below(u64::MAX)));
    let mut visits = 0;
    while !stop.is_cancelled() {
        // Now and then a name that somebody has: that is refused, and has no effect either.
        let is_taken = client.dice.one_in(5);
        visits += i32::from(!is_taken);
        let name = if is_taken {
            "person-0".to_owned()
        } else {
            format!("v{}-{visits}", &me.simple().to_string()[16..])
        };
        if let Some(mut person) = Person::register(&mut client, &name).await {
            person.log_in(&mut client).await;
            if person.token.is_some() {
                command(&mut client, &person, Intent::Deposit { wallet: person.wallet, cents: 700 }).await;
                command(&mut client, &person, Intent::Withdraw { wallet: person.wallet, cents: 701 }).await;
                person.log_out(&mut client).await;
            }
        }
        sleep(pace.max(Duration::from_millis(50))).await;
    }
}
