//! What wallets are asked beside deposits, at full load: transfers, holds with their captures, batches.
//!
//! Amounts are a cent: what a seeded wallet holds lasts for every run, even if all of it were only spent.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Scenario;
use super::bench::{Bench, SPREAD_WALLETS, Wallets};
use super::contender::Contender;
use super::drive::Driven;
use crate::error::Result;
use crate::load::{Mix, Plan, Target};
use crate::seed::{Seeded, ordinary};

const CENT: &str = "0.01";
/// Longer than a run: that a hold expires is not measured here.
const TTL_SECONDS: u32 = 24 * 60 * 60;
/// Commands in one batch.
const BATCH: u32 = 100;
/// Connections that send batches: more commands under way than the other scenarios have.
const BATCH_CONNECTIONS: usize = 16;
/// What the two of the pair are given first: whoever sends is chosen at random, so what one has goes up and down.
const FUNDS: &str = "100000.00";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Everybody transfers between the same two wallets, in both directions.
    HotPair,
    /// The same between many.
    Transfers,
    /// Each client places a hold, captures it, places the next one.
    Holds,
    /// A deposit and a transfer in turns, `BATCH` of them in one request.
    Batches,
}

impl Work {
    const IN_TURNS: [Self; 3] = [Self::HotPair, Self::Transfers, Self::Holds];

    pub(crate) const fn scenario(self) -> Scenario {
        match self {
            Self::HotPair | Self::Transfers => Scenario::TransferHotPair,
            Self::Holds => Scenario::HoldCapture,
            Self::Batches => Scenario::Batch100,
        }
    }

    /// What its figures are called by.
    const fn name(self) -> &'static str {
        match self {
            Self::HotPair => "transfer_hot_pair",
            Self::Transfers => "transfer_spread",
            Self::Holds => "hold_capture",
            Self::Batches => "batch_100",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::HotPair => "Counterfoil, transfers in a pair",
            Self::Transfers => "Counterfoil, transfers",
            Self::Holds => "Counterfoil, holds and captures",
            Self::Batches => "Counterfoil, in batches of 100",
        }
    }

    async fn round(self, bench: &mut Bench) -> Result<Driven> {
        bench.even_start().await?;
        let plan = self.plan(bench)?;
        bench.drive(&plan).await
    }

    fn plan(self, bench: &Bench) -> Result<Plan> {
        let (connections, mix) = match self {
            Self::Batches => (BATCH_CONNECTIONS, Mix::Commands),
            Self::Holds => (bench.clients, Mix::HoldsAndCaptures),
            Self::HotPair | Self::Transfers => (bench.clients, Mix::Commands),
        };
        let mut plan = bench.plan(Wallets::Spread, connections, mix)?;
        let wallets = Ring::of(bench);
        plan.targets = match self {
            Self::HotPair => wallets.pair().to_vec(),
            Self::Transfers => (0..wallets.spread).map(|number| wallets.transfer(number)).collect(),
            Self::Holds => (0..wallets.spread).map(|number| wallets.hold(number)).collect(),
            Self::Batches => (0..wallets.users).map(|user| wallets.batch(user)).collect(),
        };
        plan.lanes[0].targets = plan.targets.len();
        let route = match self {
            Self::HotPair | Self::Transfers => "/api/v1/wallets/{id}/transfer",
            Self::Holds => "/api/v1/wallets/{id}/holds",
            Self::Batches => "/api/v1/batches",
        };
        route.clone_into(&mut plan.routes.command);
        plan.seconds = bench.times.work;
        Ok(plan)
    }
}

/// What came so far of the work that is done in turns with others.
#[derive(Default)]
pub(crate) struct Works {
    /// In the order of `Work::IN_TURNS`.
    contenders: [Contender; Work::IN_TURNS.len()],
}

impl Works {
    pub(crate) async fn round(&mut self, bench: &mut Bench, work: Work) -> Result<()> {
        let driven = work.round(bench).await?;
        if let Some(at) = Work::IN_TURNS.iter().position(|there| *there == work) {
            self.contenders[at].rounds.push(driven);
        }
        Ok(())
    }

    /// After the figures it is compared with.
    pub(crate) fn tell(&self, bench: &mut Bench) {
        for (work, contender) in self.each() {
            contender.tell(bench, work.name(), work.title(), true);
        }
        for (ratio, above, below) in [
            ("transfer_hot_pair_vs_spread", "transfer_hot_pair_per_s", "spread_per_s"),
            ("transfer_hot_pair_vs_transfer_spread", "transfer_hot_pair_per_s", "transfer_spread_per_s"),
            ("hold_capture_vs_pgbench", "hold_capture_per_s", "pgbench_per_s"),
        ] {
            bench.report.ratio(ratio, above, below);
        }
    }

    pub(crate) fn say(&self, bench: &Bench) {
        self.each().for_each(|(work, contender)| contender.say(bench, work.title()));
    }

    fn each(&self) -> impl Iterator<Item = (Work, &Contender)> {
        Work::IN_TURNS.into_iter().zip(&self.contenders)
    }
}

/// Nothing is compared with batches, and they fill a journal fast: they have their rounds apart, when the others are over.
pub(crate) async fn batches(bench: &mut Bench) -> Result<()> {
    let (work, rounds) = (Work::Batches, bench.times.rounds);
    let mut contender = Contender::of(BATCH);
    for round in 1..=rounds {
        bench.progress.doing(&format!("round {round} of {rounds}: {}", work.title()));
        contender.rounds.push(work.round(bench).await?);
    }
    contender.tell(bench, work.name(), work.title(), true);
    if let Some(commands) = bench.report.number("batch_100_per_s") {
        bench.report.figure("batch_100_batches_per_s", commands / f64::from(BATCH));
    }
    contender.say(bench, work.title());
    Ok(())
}

/// Gives the pair what it needs.
pub(crate) fn fund(bench: &Bench) -> Result<()> {
    let mut client = bench.server()?.client()?;
    for wallet in Ring::of(bench).pair_wallets() {
        let (path, key) = (format!("/api/v1/wallets/{}/deposit", wallet.id), Uuid::new_v4().to_string());
        let token = &bench.users[wallet.owner].token;
        client.post(&path, Some(token), Some(&key), &json!({ "amount": FUNDS }))?.good(&path)?;
    }
    Ok(())
}

/// The wallets of the users that log in: number `n` belongs to user `n % users`, and those of one currency follow each other.
/// A wallet's money goes to the next user's wallet in its currency, and from the last one's to the first's: what all send
/// and what all get is the same.
struct Ring {
    wallets: Vec<Seeded>,
    users: usize,
    /// The first so many are those of the other scenarios over many wallets.
    spread: usize,
}

impl Ring {
    fn of(bench: &Bench) -> Self {
        Self::new(ordinary(&bench.size).collect(), bench.size.users)
    }

    fn new(wallets: Vec<Seeded>, users: usize) -> Self {
        // Whole currencies only.
        let spread = SPREAD_WALLETS.min(wallets.len()) / users * users;
        Self { wallets, users, spread }
    }

    fn next(&self, number: usize) -> usize {
        let user = number % self.users;
        number - user + (user + 1) % self.users
    }

    /// The last two of all: no other scenario over many wallets meets them.
    fn pair_wallets(&self) -> [Seeded; 2] {
        [self.wallets[self.wallets.len() - 2], self.wallets[self.wallets.len() - 1]]
    }

    fn pair(&self) -> [Target; 2] {
        let [one, other] = self.pair_wallets();
        [(one, other), (other, one)].map(|(from, to)| target(from, &json!({ "to": to.id, "amount": CENT })))
    }

    fn transfer(&self, number: usize) -> Target {
        let to = self.wallets[self.next(number)].id;
        target(self.wallets[number], &json!({ "to": to, "amount": CENT }))
    }

    fn hold(&self, number: usize) -> Target {
        target(self.wallets[number], &json!({ "amount": CENT, "ttl_seconds": TTL_SECONDS }))
    }

    /// Of one user's wallets, currency after currency: each is given what it then sends.
    fn batch(&self, user: usize) -> Target {
        let numbers = (user..self.spread).step_by(self.users).cycle();
        let pairs = numbers.flat_map(|number| {
            let (from, to) = (self.wallets[number].id, self.wallets[self.next(number)].id);
            [
                json!({ "type": "deposit", "wallet_id": from, "amount": CENT }),
                json!({ "type": "transfer", "wallet_id": from, "to": to, "amount": CENT }),
            ]
        });
        let commands: Vec<Value> = pairs.take(BATCH as usize).collect();
        target(self.wallets[user], &json!({ "commands": commands }))
    }
}

fn target(wallet: Seeded, body: &Value) -> Target {
    Target { id: wallet.id.to_string(), token: Some(wallet.owner), body: body.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Size;
    use std::collections::{HashMap, HashSet};

    fn rings() -> [(Ring, HashMap<String, Seeded>); 2] {
        [Size::full(), Size::quick()].map(|size| {
            let ring = Ring::new(ordinary(&size).collect(), size.users);
            let by_id = ring.wallets.iter().map(|wallet| (wallet.id.to_string(), *wallet)).collect();
            (ring, by_id)
        })
    }

    fn body(target: &Target) -> Value {
        serde_json::from_str(&target.body).unwrap()
    }

    #[test]
    fn a_transfer_goes_to_another_users_wallet_in_the_same_currency() {
        for (ring, by_id) in rings() {
            let transfers = (0..ring.spread).map(|number| ring.transfer(number)).chain(ring.pair());
            let mut receivers = HashSet::new();
            for sent in transfers {
                let (from, to) = (by_id[&sent.id], by_id[body(&sent)["to"].as_str().unwrap()]);
                assert_eq!((from.currency, sent.token), (to.currency, Some(from.owner)));
                assert_ne!(from.owner, to.owner);
                receivers.insert(to.id);
            }
            assert_eq!(receivers.len(), ring.spread + 2, "everybody gets as much as they send");
        }
    }

    #[test]
    fn a_batch_has_a_hundred_commands_of_one_user_and_fits_into_a_request() {
        for (ring, by_id) in rings() {
            for user in [0, ring.users - 1] {
                let batch = ring.batch(user);
                let body = body(&batch);
                let commands = body["commands"].as_array().unwrap();
                assert_eq!(commands.len(), 100);
                assert!(batch.body.len() < 60_000, "{} bytes", batch.body.len());
                for (number, command) in commands.iter().enumerate() {
                    assert_eq!(command["type"], ["deposit", "transfer"][number % 2]);
                    assert_eq!(by_id[command["wallet_id"].as_str().unwrap()].owner, user);
                }
            }
        }
    }
}
