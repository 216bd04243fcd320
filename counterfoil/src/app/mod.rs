//! The application: every part by its role, wired together.
//!
//! Which tasks run is decided here by the roles and nowhere else. All roles in one process share the memory tail; a
//! process that only projects or only serves follows the stream instead, at the same positions.

mod expiry;
mod health;
mod mail;
mod trading;

use crate::config::{Config, Role};
use crate::leading::stream_agrees;
use crate::open_files;
use crate::servers::{Servers, ServersError};
use crate::supervisor::{Stage, Supervisor};
use api::{Application, BuildError, DRAIN_WITHIN, Parts, Settings};
use commands::mail::BadSmtpUrl;
use commands::password::{HashError, Hasher, HasherOptions};
use commands::users::expiry::SessionExpiry;
use commands::vault::Vault;
use commands::wallets::expiry::HoldExpiry;
use commands::{
    Clock, Commands, CommandsOptions, HandOver, HandedOver, WARY_FOR, WriteSide, Writer, WriterOptions,
    WriterState,
};
use domain::user::SessionPolicy;
use journal::relay::{Relay, RelayOptions, RelayStatus};
use journal::subscription::{Checkpoints, Feed, SubscriptionStatus};
use journal::{Journal, JournalError, JournalOptions, Nats, NatsError, NatsOptions, Tail};
use metrics_exporter_prometheus::PrometheusHandle;
use projections::{Projection, ReadModels};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use trader::market::Prices;

/// Connections for queries, lookups and loads. The writer, the relay's lock and each projection have one of their own.
const POOL_MAX: u32 = 24;
/// How long the token before the newest is still answered: its answer may have been lost on the way.
const REFRESH_GRACE: Duration = Duration::from_secs(10);
/// How long the door may take to close: a moment longer than the slowest answer under way.
const CLOSE_WITHIN: Duration = DRAIN_WITHIN.saturating_add(Duration::from_secs(1));
/// And then the rest: the last batch is committed, a batch of a projection is folded or dropped.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How late a hold that is over may be let go. Nobody can capture it meanwhile; an index says whether there is any.
const HOLDS_EVERY: Duration = Duration::from_millis(500);
/// Clients connected at once: each costs some 20 KB.
const CONNECTIONS_MAX: u64 = 8_192;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Servers(#[from] ServersError),
    #[error("the journal cannot be opened: {0}")]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Nats(#[from] NatsError),
    #[error("passwords cannot be hashed: {0}")]
    Hasher(#[from] HashError),
    #[error("COUNTERFOIL_SMTP_URL cannot be read: {0}")]
    Smtp(#[from] BadSmtpUrl),
    #[error("metrics cannot be recorded: {0}")]
    Metrics(String),
    #[error("market data: {0}")]
    MarketData(#[from] trader::market::FeedError),
    #[error(transparent)]
    Door(#[from] BuildError),
}

/// Everything that runs.
#[derive(Debug)]
pub struct App {
    supervisor: Supervisor,
    writer: Option<watch::Receiver<WriterState>>,
    is_open: Arc<AtomicBool>,
}

/// What every part stands on.
struct Ground {
    journal: Journal,
    nats: Nats,
    tail: Tail,
    checkpoints: Checkpoints,
    read_models: ReadModels,
    vault: Vault,
    supervisor: Supervisor,
}

/// What the parts say about themselves, for health.
#[derive(Default)]
struct Signs {
    writer: Option<watch::Receiver<WriterState>>,
    relay: Option<watch::Receiver<RelayStatus>>,
    projections: Vec<watch::Receiver<SubscriptionStatus>>,
    mailer: Option<watch::Receiver<SubscriptionStatus>>,
    timers: Option<watch::Receiver<SubscriptionStatus>>,
    /// Whether everybody has been told where everything is.
    is_open: Arc<AtomicBool>,
}

/// Where HTTP comes in, and what it asks of the rest of this process.
struct Door {
    listener: TcpListener,
    ops_listener: Option<TcpListener>,
    metrics: PrometheusHandle,
    markets: api::Markets,
}

impl App {
    pub async fn start(
        config: &Config,
        servers: &Servers,
        listener: TcpListener,
        ops_listener: Option<TcpListener>,
    ) -> Result<Self, AppError> {
        let metrics = api::install_metrics().map_err(|error| AppError::Metrics(error.to_string()))?;
        let ground = Ground::lay(servers).await?;
        let listen = listener.local_addr().unwrap_or(config.listen);
        let prices = ground.start_market(config)?;
        let (commands, signs) = ground.start_parts(config, listen, prices.as_ref())?;
        let (writer, is_open) = (signs.writer.clone(), signs.is_open.clone());
        let door = Door { listener, ops_listener, metrics, markets: markets(prices) };
        ground.open_door(config, commands, signs, door)?;
        Ok(Self { supervisor: ground.supervisor, writer, is_open })
    }

    /// Waits until it is known who leads: from then on a command is decided or declined for a reason.
    pub async fn settled(&mut self) {
        if let Some(writer) = &mut self.writer {
            let _ = writer.wait_for(|state| *state != WriterState::Seeking).await;
        }
    }

    /// From now on this node may be ready.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::Relaxed);
    }

    /// Why nobody may lead, if so.
    pub fn halted(&self) -> Option<String> {
        match &*self.writer.as_ref()?.borrow() {
            WriterState::Halted { reason } => Some(reason.clone()),
            _ => None,
        }
    }

    pub async fn stop(self) {
        self.supervisor.stop(CLOSE_WITHIN, STOP_WITHIN).await;
    }
}

impl Ground {
    async fn lay(servers: &Servers) -> Result<Self, AppError> {
        let rings = servers.rings()?;
        let options =
            JournalOptions { database_url: servers.database_url().to_owned(), connections_max: POOL_MAX };
        let journal = Journal::connect(&options).await?;
        journal.migrate().await?;
        let nats_options =
            NatsOptions { url: servers.nats_url().unwrap_or_default().to_owned(), credentials: None };
        let nats = Nats::connect(&nats_options).await?;
        let tail = Tail::new(journal.head().await?.position);
        let vault = Vault::following(rings.clone(), journal.clone());
        let checkpoints = Checkpoints::default();
        let read_models = ReadModels::new(journal.clone(), tail.clone(), checkpoints.clone());
        let supervisor = Supervisor::new();
        supervisor.start("keys", |stop| endless(rings.follow(stop)));
        Ok(Self { journal, nats, tail, checkpoints, read_models, vault, supervisor })
    }

    fn start_parts(
        &self,
        config: &Config,
        listen: SocketAddr,
        prices: Option<&Prices>,
    ) -> Result<(Commands, Signs), AppError> {
        let mut signs = Signs::default();
        let commands = self.start_writer(config, listen.to_string(), &mut signs)?;
        if config.roles.has(Role::Relay) {
            let options = RelayOptions { replicas: config.stream_replicas };
            let relay = Relay::new(self.journal.clone(), self.nats.clone(), self.tail.clone(), options);
            signs.relay = Some(relay.status());
            self.supervisor.start("relay", |stop| endless(relay.run(stop)));
        }
        if config.roles.has(Role::Projector) {
            self.start_projections(&mut signs);
            let (journal, all) = (self.journal.clone(), projections::all(Arc::new(self.vault.clone())));
            self.supervisor.start("rebuild_sweep", |stop| endless(sweep_rebuilds(journal, all, stop)));
            self.start_mail(&config.mail, listen, &commands, &mut signs)?;
        }
        if let Some(prices) = prices.filter(|_| config.roles.has(Role::Trader)) {
            self.start_trader(&config.trading, &commands, prices, &mut signs);
        }
        // Each of them asks read models for what came of a command.
        if [Role::Writer, Role::Api, Role::Trader].into_iter().any(|role| config.roles.has(role)) {
            let (informed, nats) = (self.read_models.clone(), self.nats.clone());
            self.supervisor.start("checkpoints", |stop| {
                endless(async move { informed.keep_informed(Some(&nats), stop).await })
            });
        }
        if config.roles.has(Role::Writer) {
            let find = expiry::find_sessions_over(self.read_models.clone());
            let sessions = SessionExpiry::new(commands.clone(), find);
            let every = config.session_check_interval;
            self.supervisor.start("session_expiry", |stop| endless(sessions.run(every, stop)));
            let find = expiry::find_holds_over(self.read_models.clone());
            let holds = HoldExpiry::new(commands.clone(), find);
            self.supervisor.start("hold_expiry", |stop| endless(holds.run(HOLDS_EVERY, stop)));
        }
        Ok((commands, signs))
    }

    /// The way in to the write side is always there: only a writer leads, and everybody else hands over to who does.
    fn start_writer(
        &self,
        config: &Config,
        address: String,
        signs: &mut Signs,
    ) -> Result<Commands, AppError> {
        let parts = WriteSide {
            journal: self.journal.clone(),
            tail: self.tail.clone(),
            vault: self.vault.clone(),
            hasher: Hasher::new(HasherOptions::default())?,
        };
        if !config.roles.has(Role::Writer) {
            let (commands, hand_over) = HandOver::new(parts, commands_options(config));
            self.supervisor.start("hand_over", |stop| {
                endless(async move {
                    hand_over.run(stop.clone()).await;
                    // It is over sooner where nobody is left who could ask.
                    stop.cancelled().await;
                })
            });
            return Ok(commands);
        }
        let options = WriterOptions {
            address,
            cache_capacity: config.aggregate_cache,
            may_lead: stream_agrees(&self.journal, &self.nats),
            wary_for: WARY_FOR,
        };
        let stop = self.supervisor.token();
        let (commands, writer) = Writer::new(parts, commands_options(config), options, stop);
        let handed_over = HandedOver::new(commands.clone(), writer.state());
        self.supervisor.start("handed_over", |stop| endless(handed_over.run(stop)));
        signs.writer = Some(writer.state());
        self.supervisor.start("writer", |_| endless(writer.run()));
        Ok(commands)
    }

    fn feed(&self) -> Feed {
        Feed {
            journal: self.journal.clone(),
            tail: self.tail.clone(),
            nats: Some(self.nats.clone()),
            checkpoints: self.checkpoints.clone(),
        }
    }

    fn start_projections(&self, signs: &mut Signs) {
        let feed = self.feed();
        for projection in projections::all(Arc::new(self.vault.clone())) {
            let name = projection.name();
            let subscription = projections::follow(&feed, projection);
            signs.projections.push(subscription.status());
            self.supervisor.start(name, |stop| endless(subscription.run(stop)));
        }
    }

    /// Every process has one: without the role `api` it tells how it is, and serves nothing else.
    fn open_door(
        &self,
        config: &Config,
        commands: Commands,
        signs: Signs,
        door: Door,
    ) -> Result<(), AppError> {
        let Door { listener, ops_listener, metrics, markets } = door;
        let settings = Settings {
            serves_interface: config.roles.has(Role::Api),
            access_token_ttl: config.access_token_ttl,
            recent_login: config.recent_login,
            self_deposit: config.self_deposit,
            password_blocklist: config.password_blocklist,
            connections_max: open_files::room_for(CONNECTIONS_MAX),
            edge: config.edge.clone(),
        };
        let health = health::sources(&config.roles, signs, self.nats.clone(), self.supervisor.tasks());
        let parts = Parts {
            listener,
            ops_listener,
            commands,
            read_models: self.read_models.clone(),
            journal: self.journal.clone(),
            tail: self.tail.clone(),
            health,
            markets,
            metrics,
        };
        let door = Application::build(settings, parts)?;
        self.supervisor.start_at(Stage::Door, "api", |stop| endless(door.run_until_stopped(stop)));
        Ok(())
    }
}

/// What everything costs, for whoever asks by HTTP.
fn markets(prices: Option<Prices>) -> api::Markets {
    let Some(prices) = prices else { return api::Markets::default() };
    api::Markets::new(move |currency| prices.market(currency))
}

fn commands_options(config: &Config) -> CommandsOptions {
    CommandsOptions {
        clock: Clock::System,
        session_policy: SessionPolicy {
            idle: config.refresh_token_ttl,
            absolute: config.session_absolute,
            grace: REFRESH_GRACE,
            sessions_max: config.max_concurrent_sessions as usize,
        },
        default_currency: config.default_currency,
    }
}

/// A task that ends only when asked to.
async fn endless(task: impl Future<Output = ()>) -> Result<(), Infallible> {
    task.await;
    Ok(())
}

/// Whoever breaks a rebuild off leaves tables behind, now and then.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

/// What a broken rebuild left is gone minutes later: an erasure would not reach it.
async fn sweep_rebuilds(journal: Journal, all: Vec<Arc<dyn Projection>>, stop: CancellationToken) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        if let Err(error) = projections::sweep_rebuilds(&journal, &all).await {
            tracing::warn!(event = "rebuilds_not_swept", error_message = %error);
        }
    }
}
