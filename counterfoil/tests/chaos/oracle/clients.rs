//! Twenty clients that ask for everything there is, of a few wallets, at once.
//!
//! Amounts are drawn so that balances stay near zero: what is refused hangs on everything before it. A client sends until
//! it has an answer that settles its command, and all such answers are written down.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;
use tokio::time::sleep;
use uuid::Uuid;

use super::judge::{Heard, Probe};
use super::known::Known;
use super::money::{COINS, Coin};
use super::paper::Micros;
use super::town::{MAYOR, Town, lasting, log_in};
use super::wish::{Asked, Step, To, Wish};
use crate::harness::Dice;
use crate::harness::http::{Ask, Http};

/// An attempt is repeated so often: whatever is in its way is over by then.
const ATTEMPTS_MAX: usize = 400;
const PAUSE: Duration = Duration::from_millis(3);

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) town: Town,
    pub(crate) known: Mutex<Known>,
    pub(crate) heard: Mutex<Vec<Heard>>,
    /// The furthest position anybody was told.
    furthest: AtomicI64,
    /// The admin's token. A long run outlives what counts as a recent sign-in.
    admin: Mutex<String>,
    /// Commands that are yet to be asked.
    left: AtomicUsize,
    /// How often somebody was told to come again in a moment.
    turned_away: AtomicUsize,
}

pub(crate) struct Client {
    pub(crate) desk: Arc<Desk>,
    pub(crate) dice: Dice,
    line: Http,
    aside: Http,
}

/// Whose token a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Service,
    Admin,
    Owner(usize),
}

impl Desk {
    pub(crate) fn new(town: Town, commands: usize) -> Arc<Self> {
        let (known, begun) = (Mutex::new(Known::of(&town)), town.begun);
        let (furthest, left) = (AtomicI64::new(begun), AtomicUsize::new(commands));
        let turned_away = AtomicUsize::new(0);
        let (heard, admin) = (Mutex::default(), Mutex::new(town.admin.clone()));
        Arc::new(Self { town, known, heard, furthest, admin, left, turned_away })
    }

    pub(crate) fn turned_away(&self) -> usize {
        self.turned_away.load(Ordering::Relaxed)
    }

    pub(crate) fn admin(&self) -> String {
        self.admin.lock().unwrap().clone()
    }

    fn token(&self, who: Who) -> String {
        match who {
            Who::Service => self.town.service.clone(),
            Who::Admin => self.admin(),
            Who::Owner(index) => self.town.people[index].token.clone(),
        }
    }
}

impl Client {
    pub(crate) fn new(desk: &Arc<Desk>, dice: Dice) -> Self {
        let node = desk.town.node;
        Self { desk: Arc::clone(desk), dice, line: Http::to(node), aside: Http::to(node) }
    }

    /// Until all commands are asked.
    pub(crate) async fn run(mut self) {
        let one_less = |left: usize| left.checked_sub(1);
        while self.desk.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            let (asked, who) = self.draw();
            self.settle(asked, who).await;
        }
    }

    /// One command, with all that may happen to its request.
    pub(crate) async fn settle(&mut self, asked: Asked, who: Who) -> Value {
        let key = self.key();
        let body = if self.dice.one_in(20) {
            self.twice_at_once(&key, &asked, who).await
        } else {
            self.ask(&key, &asked, who, Probe::Honest).await
        };
        if self.dice.one_in(20) {
            self.ask(&key, &asked, who, Probe::Honest).await;
        }
        if self.dice.one_in(40)
            && let Some(other) = other_than(&asked)
        {
            self.ask(&key, &other, who, Probe::OtherBody).await;
        }
        body
    }

    async fn twice_at_once(&mut self, key: &str, asked: &Asked, who: Who) -> Value {
        let node = self.desk.town.node;
        let mut twin = Self {
            desk: Arc::clone(&self.desk),
            dice: self.dice.fork(),
            line: std::mem::replace(&mut self.aside, Http::to(node)),
            aside: Http::to(node),
        };
        let (body, _) =
            tokio::join!(self.ask(key, asked, who, Probe::Honest), twin.ask(key, asked, who, Probe::Honest));
        self.aside = twin.line;
        body
    }

    /// Until it is settled. The answer's body.
    pub(crate) async fn ask(&mut self, key: &str, asked: &Asked, who: Who, probe: Probe) -> Value {
        let desk = Arc::clone(&self.desk);
        let ask = asked.ask(|wallet| desk.known.lock().unwrap().coin(wallet));
        let ask = ask.with_key(key);
        for _ in 0..ATTEMPTS_MAX {
            let ask = ask.clone().with_token(&desk.token(who));
            if let Some(heard) = self.attempt(&ask, key, asked, probe).await {
                let body = heard.body.clone();
                if heard.is_accepted() {
                    self.learn(asked, &body, who);
                }
                desk.heard.lock().unwrap().push(heard);
                return body;
            }
            sleep(PAUSE).await;
        }
        panic!("{asked:?} was never answered");
    }

    async fn attempt(&mut self, ask: &Ask, key: &str, asked: &Asked, probe: Probe) -> Option<Heard> {
        let since = self.desk.furthest.load(Ordering::SeqCst);
        let reply = self.line.send(ask).await.unwrap();
        let by = Micros::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000).unwrap();
        let will_pass = matches!(
            (reply.status, reply.code()),
            (409, "in_flight") | (503, "unavailable" | "timed_out" | "projection_behind")
        );
        if reply.code() == "recent_login_required" {
            let token = log_in(&mut self.line, MAYOR).await;
            *self.desk.admin.lock().unwrap() = token;
            return None;
        }
        if will_pass {
            self.desk.turned_away.fetch_add(usize::from(reply.status == 503), Ordering::Relaxed);
            return None;
        }
        assert!(reply.status < 500, "{asked:?} was answered {}", reply.body);
        self.desk.furthest.fetch_max(reply.position.unwrap_or_default(), Ordering::SeqCst);
        Some(Heard {
            key: key.to_owned(),
            asked: asked.clone(),
            probe,
            since,
            by,
            status: reply.status,
            position: reply.position,
            replayed: reply.replayed,
            body: lasting(reply.body),
        })
    }

    fn learn(&self, asked: &Asked, body: &Value, who: Who) {
        let owner = if let Who::Owner(owner) = who { owner } else { 0 };
        let mut known = self.desk.known.lock().unwrap();
        match asked {
            Asked::One(step) => known.learn(step, body, owner),
            Asked::Batch(steps) => {
                let results = body["results"].as_array().map_or(&[][..], Vec::as_slice);
                steps.iter().zip(results).for_each(|(step, result)| known.learn(step, result, owner));
            }
        }
    }

    pub(crate) fn key(&mut self) -> String {
        let mut half = || self.dice.below(u64::MAX);
        Uuid::from_u64_pair(half(), half()).to_string()
    }

    fn draw(&mut self) -> (Asked, Who) {
        if self.dice.one_in(15) {
            let steps = (0..self.dice.between(2, 4)).map(|_| self.step(true).0).collect();
            return (Asked::Batch(steps), Who::Service);
        }
        let (step, who) = self.step(false);
        (Asked::One(step), who)
    }

    fn step(&mut self, in_batch: bool) -> (Step, Who) {
        let desk = Arc::clone(&self.desk);
        let known = desk.known.lock().unwrap();
        // Now and then exactly what somebody else asked for, under another key.
        if !in_batch
            && self.dice.one_in(25)
            && let Some(capture) = known.any_capture(&mut self.dice)
        {
            return (capture, Who::Service);
        }
        let (wish, who) = self.wish(&known, in_batch);
        let mut step = Step::from(wish);
        if !takes_bounds(&step.wish) {
            return (step, who);
        }
        if self.dice.one_in(12)
            && let Some(version) = known.version(&step.wish)
        {
            step.expected_version = Some(version);
        }
        if self.dice.one_in(20) {
            step.min_after = Some(i128::from(self.dice.below(2_000)));
        }
        if self.dice.one_in(20) {
            step.max_after = Some(i128::from(self.dice.between(1, 20_000)));
        }
        (step, who)
    }

    fn wish(&mut self, known: &Known, in_batch: bool) -> (Wish, Who) {
        let wallet = known.any_wallet(&mut self.dice);
        let coin = known.coin(wallet);
        let owner = known.owner(wallet).map_or(Who::Service, Who::Owner);
        let who = if self.dice.one_in(3) { owner } else { Who::Service };
        let minor = self.minor(coin);
        let most = known.available(wallet).filter(|_| self.dice.one_in(3)).unwrap_or(minor);
        let hold = known.any_hold(&mut self.dice);
        let placing = Wish::Hold { wallet, coin, minor: most, ttl: self.ttl() };
        let about_hold = |wish: &dyn Fn(super::wish::Entry) -> Wish| match hold {
            Some(hold) => (wish(hold), Who::Service),
            None => (placing.clone(), Who::Service),
        };
        let hold_coin = hold.map_or(coin, |hold| known.coin(hold.wallet));
        let part = self.minor(hold_coin);
        match self.dice.below(if in_batch { 84 } else { 100 }) {
            0..14 => (Wish::Deposit { wallet, coin, minor }, who),
            14..22 => (Wish::Withdraw { wallet, coin: self.mostly(coin), minor: most }, who),
            22..38 => (self.transfer(known, wallet, coin, most), who),
            38..54 => (placing.clone(), who),
            54..66 => {
                let minor = if self.dice.one_in(3) { None } else { Some(part) };
                let is_final = self.dice.one_in(4);
                let capture_id = format!("fill-{}", self.dice.below(6));
                about_hold(&|hold| Wish::Capture {
                    hold,
                    coin: hold_coin,
                    capture_id: capture_id.clone(),
                    minor,
                    is_final,
                })
            }
            66..70 => about_hold(&|hold| Wish::Release { hold }),
            70..75 => about_hold(&|hold| Wish::Amend { hold, coin: hold_coin, minor: part }),
            75..79 => {
                let ttl = self.ttl();
                about_hold(&|hold| Wish::Extend { hold, ttl })
            }
            79..84 => match known.any_transaction(&mut self.dice) {
                Some(transaction) => (Wish::Reverse { transaction }, Who::Service),
                None => (Wish::Deposit { wallet, coin, minor }, who),
            },
            84..85 => (Wish::Freeze { wallet }, Who::Admin),
            85..92 => (Wish::Unfreeze { wallet }, Who::Admin),
            92..96 => {
                let owner = self.dice.index(self.desk.town.people.len());
                let user = self.desk.town.people[owner].user;
                (Wish::Open { user, coin: *self.dice.pick(&COINS), id: None }, Who::Owner(owner))
            }
            _ => {
                let wallet = known.any_empty(&mut self.dice).unwrap_or(wallet);
                (Wish::Close { wallet }, known.owner(wallet).map_or(owner, Who::Owner))
            }
        }
    }

    fn transfer(&mut self, known: &Known, from: Uuid, coin: Coin, minor: i128) -> Wish {
        let to = if self.dice.one_in(3) {
            To::Name(self.dice.pick(&self.desk.town.people).name.clone())
        } else {
            To::Wallet(known.any_wallet(&mut self.dice))
        };
        Wish::Transfer { from, to, coin, minor }
    }

    fn mostly(&mut self, coin: Coin) -> Coin {
        if self.dice.one_in(40) { *self.dice.pick(&COINS) } else { coin }
    }

    /// Few sizes, so that what is left is now and then exactly what is asked for.
    fn minor(&mut self, coin: Coin) -> i128 {
        let unit = 10_i128.pow(coin.decimals);
        match self.dice.below(20) {
            0 => unit * i128::from(self.dice.between(1_000, 1_000_000)),
            1 => 9_007_199_254_740_993,
            2..6 => i128::from(self.dice.between(1, 5_000)),
            _ => unit.max(100) / 4 * i128::from(self.dice.between(1, 40)),
        }
    }

    /// Some leases end while everybody is at it.
    fn ttl(&mut self) -> i64 {
        if self.dice.one_in(3) { i64::try_from(self.dice.between(1, 2)).unwrap() } else { 3_600 }
    }
}

/// The same thing, asked for otherwise.
fn other_than(asked: &Asked) -> Option<Asked> {
    let mut steps = asked.steps().to_vec();
    let first = steps.first_mut().filter(|step| takes_bounds(&step.wish))?;
    first.min_after = Some(first.min_after.map_or(1, |min| min + 1));
    Some(match asked {
        Asked::One(_) => Asked::One(steps.remove(0)),
        Asked::Batch(_) => Asked::Batch(steps),
    })
}

/// Whatever moves money or keeps it back.
fn takes_bounds(wish: &Wish) -> bool {
    !matches!(wish, Wish::Open { .. } | Wish::Freeze { .. } | Wish::Unfreeze { .. } | Wish::Close { .. })
}
