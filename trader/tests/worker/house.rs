//! Sessions at work: a real database, a write side that leads, prices one can set, and workers that are driven by hand.

use commands::mail::Mailer;
use commands::password::{Hasher, HasherOptions, NewPassword};
use commands::sessions::{SessionWish, StartWish};
use commands::users::Registration;
use commands::vault::{KeyRing, Vault};
use commands::wallets::{Aim, Wish};
use commands::{
    Authority, Bounds, Clock, Commands, CommandsOptions, Context, Done, Outcome, Principal, WriteSide,
    Writer, WriterOptions, WriterState,
};
use domain::trading::{Session, Targets, TradingSession};
use domain::user::SessionPolicy;
use domain::wallet::Movement;
use domain::{
    Currency, Email, LoginSessionId, Money, Timestamp, TradingSessionId, UserId, Username, WalletId,
};
use journal::subscription::{Checkpoints, Feed, Subscription};
use journal::{Journal, JournalOptions, Tail};
use projections::{ReadModels, TradingProjection};
use rust_decimal::Decimal;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::Postgres;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use trader::exchange::{Exchange, Faults, Faulty, Paper, Pauses, Terms};
use trader::market::{Poller, Price, Priced, Prices, Script, Scripted};
use trader::timers::{Keeper, Leases};
use trader::watch::{Watched, Watcher};
use trader::worker::{Parts, Worker};
use uuid::Uuid;

pub struct House {
    _postgres: Postgres,
    pub journal: Journal,
    pub commands: Commands,
    pub prices: Prices,
    tail: Tail,
    checkpoints: Checkpoints,
    script: Scripted,
    poller: Poller,
    cancel: CancellationToken,
}

pub fn d(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

pub fn of(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

pub fn targets(shares: &[(&str, &str)]) -> Targets {
    Targets::new(shares.iter().map(|(asset, share)| (of(asset), d(share))).collect()).unwrap()
}

/// Everything in bitcoin, or as near as one order may come.
pub fn half_in_bitcoin() -> StartWish {
    StartWish {
        capital: Some(d("10000")),
        currency: Some(Currency::USDT),
        targets: Some(targets(&[("BTC", "0.5"), ("USDT", "0.5")])),
        risk_per_trade: Some(d("0.1")),
        max_drawdown: Some(d("0.1")),
        ..StartWish::default()
    }
}

impl House {
    /// One bitcoin costs 50,000 and one ether 2,500.
    pub async fn build() -> Self {
        Self::that_remembers(None).await
    }

    /// How many users and wallets each stay in the memory of its write side, and a tenth as many sessions.
    pub async fn that_remembers(cache_capacity: Option<usize>) -> Self {
        let postgres = Postgres::start().await;
        let database_url = postgres.database().await;
        let options = JournalOptions { database_url, connections_max: 16 };
        let journal = Journal::connect(&options).await.unwrap();
        let tail = Tail::new(0);
        let ring = KeyRing::generate().unwrap();
        let parts = WriteSide {
            journal: journal.clone(),
            tail: tail.clone(),
            vault: Vault::new(ring, journal.clone()),
            hasher: Hasher::new(HasherOptions::default()).unwrap(),
        };
        let options = CommandsOptions {
            clock: Clock::System,
            session_policy: SessionPolicy {
                idle: Duration::from_mins(1),
                absolute: Duration::from_mins(10),
                grace: Duration::from_secs(10),
                sessions_max: 5,
            },
            default_currency: Currency::USD,
        };
        let writer_options = WriterOptions {
            address: "test".to_owned(),
            cache_capacity,
            may_lead: commands::always(),
            wary_for: Duration::ZERO,
        };
        let cancel = CancellationToken::new();
        let (commands, writer) = Writer::new(parts, options, writer_options, cancel.clone());
        let mut state = writer.state();
        tokio::spawn(writer.run());
        state.wait_for(|state| matches!(state, WriterState::Leading { .. })).await.unwrap();
        let script = Scripted::memory(Script::default(), Timestamp::default());
        let (poller, prices) = Poller::new(Box::new(script.clone()), Arc::new(Terms::paper()), Clock::System);
        let mut house = Self {
            _postgres: postgres,
            journal,
            commands,
            prices,
            tail,
            checkpoints: Checkpoints::default(),
            script,
            poller,
            cancel,
        };
        house.price("BTC", "50000").await;
        house.price("ETH", "2500").await;
        house
    }

    pub async fn price(&mut self, asset: &str, price: &str) {
        self.script.set(of(asset), Currency::USDT, Price::parse(price).map(Priced::Middle));
        self.poller.run_once().await.unwrap();
    }

    pub async fn no_price(&mut self, asset: &str) {
        self.script.set(of(asset), Currency::USDT, None);
        self.poller.run_once().await.unwrap();
    }

    /// The same prices, of now.
    pub async fn refresh(&mut self) {
        self.poller.run_once().await.unwrap();
    }

    pub fn paper(&self) -> Arc<dyn Exchange> {
        let pool = self.journal.pool().clone();
        Arc::new(Paper::new(pool, self.prices.clone(), Arc::new(Terms::paper()), Clock::System))
    }

    pub fn worker(&self) -> Worker {
        self.worker_at(self.paper())
    }

    pub fn faulty_worker(&self, faults: &str) -> Worker {
        let faults: Faults = faults.parse().unwrap();
        self.worker_at(Arc::new(Faulty::new(self.paper(), faults)))
    }

    pub fn worker_at(&self, exchange: Arc<dyn Exchange>) -> Worker {
        Worker::new(Parts {
            commands: self.commands.clone(),
            leases: Leases::new(self.journal.pool().clone()),
            prices: self.prices.clone(),
            exchanges: vec![exchange],
            pauses: Pauses::default(),
        })
    }

    pub fn keeper(&self) -> Subscription<Keeper> {
        Keeper::follow(self.feed(), Arc::new(Notify::new()))
    }

    pub async fn call_for_mails(&self) {
        let mut mailer = Mailer::follow(&self.commands, self.feed());
        while mailer.run_once().await.unwrap() != journal::subscription::Outcome::UpToDate {}
    }

    /// Timers of everything that has happened.
    pub async fn keep(&self) {
        let mut keeper = self.keeper();
        while keeper.run_once().await.unwrap() != journal::subscription::Outcome::UpToDate {}
    }

    /// Whatever is due is begun, and carried out to its end. Says how many sessions that was.
    pub async fn work(&self, worker: &Worker) -> usize {
        self.keep().await;
        let taken = worker.run_once().await.unwrap();
        worker.idle().await;
        self.keep().await;
        taken
    }

    pub fn watcher(&self) -> Watcher {
        let read_models = ReadModels::new(self.journal.clone(), self.tail.clone(), self.checkpoints.clone());
        let pool = self.journal.pool().clone();
        Watcher::new(self.commands.clone(), read_models, pool, self.prices.clone())
    }

    /// Looks at what everything is worth, once the read model knows it.
    pub async fn watch(&self, watcher: &mut Watcher) -> Watched {
        let mut folding = projections::follow(&self.feed(), Arc::new(TradingProjection));
        while folding.run_once().await.unwrap() != journal::subscription::Outcome::UpToDate {}
        let seen = watcher.run_once().await.unwrap();
        while folding.run_once().await.unwrap() != journal::subscription::Outcome::UpToDate {}
        seen
    }

    fn feed(&self) -> Feed {
        Feed {
            journal: self.journal.clone(),
            tail: self.tail.clone(),
            nats: None,
            checkpoints: self.checkpoints.clone(),
        }
    }

    pub async fn register(&self, name: &str) -> (UserId, WalletId) {
        let username = Username::parse(name).unwrap();
        let email = Email::parse(&format!("{name}@example.com")).unwrap();
        let password = NewPassword::parse("correct-horse-battery".into(), &username, &email, true).unwrap();
        let roles = vec![domain::user::Role::User];
        let new =
            Registration { username, email, password, name: None, currency: Some(Currency::USDT), roles };
        let done = self.commands.register(context(Principal::Anonymous, name), new).await.unwrap();
        (UserId(done.events[0].aggregate.id), WalletId(done.events[1].aggregate.id))
    }

    pub async fn start(&self, user: UserId, wish: StartWish) -> TradingSessionId {
        let done = self.try_start(user, wish).await.unwrap();
        session(&done).session_id
    }

    pub async fn try_start(&self, user: UserId, wish: StartWish) -> Outcome {
        let key = Uuid::now_v7().to_string();
        self.commands.start_session(context(person(user), &key), user, wish, &|_| true).await
    }

    pub async fn deposit(&self, wallet_id: WalletId, amount: &str) {
        let amount = Money::parse(amount, Currency::USDT).unwrap();
        let aim = Aim::Deposit(Movement { amount, currency: Currency::USDT, reference: None });
        let authority = Authority::Anybody;
        let wish = Wish { wallet_id, authority, aim, bounds: Bounds::default() };
        let context = context(Principal::System, &Uuid::now_v7().to_string());
        self.commands.ask_wallet(context, wish).await.unwrap();
    }

    pub async fn ask(&self, id: TradingSessionId, wish: SessionWish) -> Outcome {
        let context = context(Principal::System, &Uuid::now_v7().to_string());
        let market = self.prices.market(Currency::USDT).map(|market| (*market).clone());
        self.commands.ask_session(context, id, Authority::Anybody, wish, market).await
    }

    pub async fn session(&self, id: TradingSessionId) -> Session {
        let loaded = self.journal.load::<TradingSession>(&[id.0]).await.unwrap().remove(&id.0).unwrap();
        loaded.state.session().unwrap().clone()
    }

    pub async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.journal.pool()).await.unwrap()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

pub fn session(done: &Done) -> Session {
    done.session.as_deref().and_then(TradingSession::session).unwrap().clone()
}

pub fn person(user_id: UserId) -> Principal {
    Principal::Person { user_id, session_id: LoginSessionId(Uuid::nil()) }
}

pub fn context(principal: Principal, key: &str) -> Context {
    Context {
        principal,
        key: Some(key.to_owned()),
        correlation_id: Uuid::now_v7(),
        expected_version: None,
        received: Instant::now(),
    }
}
