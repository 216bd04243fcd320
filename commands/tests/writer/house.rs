//! A write side of one's own: a database, a writer that can be started and stopped, and somebody with a wallet.

use commands::password::{Hasher, HasherOptions, NewPassword};
use commands::users::Registration;
use commands::vault::{KeyRing, Vault};
use commands::wallets::{Aim, Wish};
use commands::{
    Authority, Bounds, Clock, Commands, CommandsOptions, Context, Outcome, Principal, WriteSide, Writer,
    WriterOptions, WriterState,
};
use domain::user::SessionPolicy;
use domain::wallet::Movement;
use domain::{Currency, Email, LoginSessionId, Money, UserId, Username, WalletId};
use journal::{Journal, JournalOptions, Tail};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use testkit::{Postgres, eventually};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub struct House {
    pub postgres: Postgres,
    pub url: String,
    pub journal: Journal,
    pub tail: Tail,
    pub now: Arc<AtomicI64>,
    ring: String,
}

/// A write side that has not begun to work: what is submitted waits, and is decided together when it does.
pub struct Idle {
    pub commands: Commands,
    writer: Writer,
    cancel: CancellationToken,
}

pub struct Working {
    pub commands: Commands,
    pub task: JoinHandle<()>,
    pub state: watch::Receiver<WriterState>,
    cancel: CancellationToken,
}

#[derive(Clone, Copy)]
pub struct Holder {
    pub user_id: UserId,
    pub wallet_id: WalletId,
}

pub struct Settings {
    pub wary_for: Duration,
    pub cache_capacity: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { wary_for: Duration::ZERO, cache_capacity: None }
    }
}

impl House {
    pub async fn build() -> Self {
        let postgres = Postgres::start().await;
        let url = postgres.database().await;
        let journal = connect(&url).await;
        let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let ring = KeyRing::generate().unwrap().to_json().to_string();
        Self { tail: Tail::new(0), postgres, url, journal, now, ring }
    }

    pub async fn idle(&self, settings: Settings) -> Idle {
        self.idle_at(&self.url, settings).await
    }

    /// The same write side, reached over another way.
    pub async fn idle_at(&self, url: &str, settings: Settings) -> Idle {
        let journal = connect(url).await;
        let vault = Vault::new(KeyRing::from_json(&self.ring).unwrap(), journal.clone());
        let hasher = Hasher::new(HasherOptions::default()).unwrap();
        let parts = WriteSide { journal, tail: self.tail.clone(), vault, hasher };
        let options = self.options();
        let writer_options = WriterOptions {
            address: "test".to_owned(),
            cache_capacity: settings.cache_capacity,
            may_lead: commands::always(),
            wary_for: settings.wary_for,
        };
        let cancel = CancellationToken::new();
        let (commands, writer) = Writer::new(parts, options, writer_options, cancel.clone());
        Idle { commands, writer, cancel }
    }

    pub fn options(&self) -> CommandsOptions {
        CommandsOptions {
            clock: Clock::Manual(Arc::clone(&self.now)),
            session_policy: SessionPolicy {
                idle: Duration::from_mins(1),
                absolute: Duration::from_mins(10),
                grace: Duration::from_secs(10),
                sessions_max: 5,
            },
            default_currency: Currency::USD,
        }
    }

    pub fn ring(&self) -> &str {
        &self.ring
    }

    /// Another process's way to the same journal.
    pub async fn another_connection(&self) -> Journal {
        connect(&self.url).await
    }

    pub async fn work(&self) -> Working {
        self.idle(Settings::default()).await.begin()
    }

    pub async fn head(&self) -> i64 {
        self.journal.head().await.unwrap().position
    }

    pub fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1_000_000, Ordering::AcqRel);
    }

    /// The balance as the events add up, by SQL alone: not by any code under test.
    pub async fn folded(&self, wallet: WalletId) -> String {
        sqlx::query_scalar(
            "select coalesce(sum(case event_type \
                when 'WalletDeposited' then (payload->'WalletDeposited'->>'amount')::numeric \
                when 'WalletWithdrawn' then -(payload->'WalletWithdrawn'->>'amount')::numeric end), 0)::text \
             from events where aggregate_id = $1",
        )
        .bind(wallet.to_string())
        .fetch_one(self.journal.pool())
        .await
        .unwrap()
    }

    /// Positions are 1, 2, 3, …, and so are the sequences of every aggregate.
    pub async fn assert_dense(&self) {
        let (count, last): (i64, i64) =
            sqlx::query_as("select count(*), coalesce(max(position), 0) from events")
                .fetch_one(self.journal.pool())
                .await
                .unwrap();
        assert_eq!(count, last);
        assert_eq!(last, self.head().await);
        let torn: i64 = sqlx::query_scalar(
            "select count(*) from (select 1 from events group by aggregate_type, aggregate_id \
             having count(*) <> max(sequence) or min(sequence) <> 1) as torn",
        )
        .fetch_one(self.journal.pool())
        .await
        .unwrap();
        assert_eq!(torn, 0);
    }

    /// Counts every row that is ever tried to be written to `commands`, rolled back or not.
    pub async fn count_tries(&self) {
        self.execute(
            "create sequence tries; \
             create function count_try() returns trigger language plpgsql as $$ begin \
                perform nextval('tries'); return new; end $$; \
             create trigger count_try before insert on commands for each row execute function count_try();",
        )
        .await;
    }

    pub async fn tries(&self) -> i64 {
        sqlx::query_scalar("select case when is_called then last_value else 0 end from tries")
            .fetch_one(self.journal.pool())
            .await
            .unwrap()
    }

    /// Waits until a batch waits for somebody's lock on the head.
    pub async fn waits_for_a_lock(&self) {
        eventually("a batch waits", async || {
            sqlx::query_scalar::<_, bool>(
                "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())",
            )
            .fetch_one(self.journal.pool())
            .await
            .unwrap()
        })
        .await;
    }

    pub async fn execute(&self, sql: &str) {
        use sqlx::Executor;
        self.journal.pool().execute(sql).await.unwrap();
    }
}

async fn connect(url: &str) -> Journal {
    let options = JournalOptions { database_url: url.to_owned(), connections_max: 8 };
    Journal::connect(&options).await.unwrap()
}

impl Idle {
    pub fn begin(self) -> Working {
        let state = self.writer.state();
        Working { commands: self.commands, task: tokio::spawn(self.writer.run()), state, cancel: self.cancel }
    }

    /// Waits until so many commands lie in the inbox.
    pub async fn filled(&self, commands: usize) {
        eventually("all commands are submitted", || async { self.commands.queue_depth() == commands }).await;
    }
}

impl Working {
    pub async fn leads(&self) {
        let mut state = self.state.clone();
        state.wait_for(|state| matches!(state, WriterState::Leading { .. })).await.unwrap();
    }

    pub async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }
}

pub fn context(principal: Principal, key: &str) -> Context {
    Context {
        principal,
        key: Some(key.to_owned()),
        correlation_id: Uuid::now_v7(),
        expected_version: None,
        received: std::time::Instant::now(),
    }
}

pub fn registration(name: &str, email: &str) -> Registration {
    let (username, email) = (Username::parse(name).unwrap(), Email::parse(email).unwrap());
    let password = NewPassword::parse("correct-horse-battery".into(), &username, &email, true).unwrap();
    Registration {
        username,
        email,
        password,
        name: None,
        currency: None,
        roles: vec![domain::user::Role::User],
    }
}

impl Holder {
    pub async fn register(commands: &Commands, name: &str) -> Self {
        let new = registration(name, &format!("{name}@example.com"));
        let done = commands.register(context(Principal::Anonymous, name), new).await.unwrap();
        Self {
            user_id: UserId(done.events[0].aggregate.id),
            wallet_id: WalletId(done.events[1].aggregate.id),
        }
    }

    pub fn principal(self) -> Principal {
        Principal::Person { user_id: self.user_id, session_id: LoginSessionId(Uuid::nil()) }
    }

    pub async fn deposit(self, commands: &Commands, key: &str, amount: &str) -> Outcome {
        self.deposit_for(commands, key, amount, None).await
    }

    pub async fn deposit_for(
        self,
        commands: &Commands,
        key: &str,
        amount: &str,
        reference: Option<&str>,
    ) -> Outcome {
        self.ask(commands, key, Aim::Deposit(movement(amount, reference))).await
    }

    pub async fn withdraw(self, commands: &Commands, key: &str, amount: &str) -> Outcome {
        self.ask(commands, key, Aim::Withdraw(movement(amount, None))).await
    }

    pub async fn ask(self, commands: &Commands, key: &str, aim: Aim) -> Outcome {
        commands.ask_wallet(context(self.principal(), key), self.wish(aim)).await
    }

    pub fn wish(self, aim: Aim) -> Wish {
        let authority = Authority::Owner(self.user_id);
        Wish { wallet_id: self.wallet_id, authority, aim, bounds: Bounds::default() }
    }
}

pub fn movement(amount: &str, reference: Option<&str>) -> Movement {
    Movement {
        amount: Money::parse(amount, Currency::USD).unwrap(),
        currency: Currency::USD,
        reference: reference.map(|text| domain::Reference::parse(text).unwrap()),
    }
}
