//! Everything behind one port: a database, a writer, the projections, and the door; and people who use it.

use crate::client::{Answered, Ask};
use crate::keys_file::KeysFile;
use api::{Application, Edge, HealthSources, Markets, Parts, Settings};
use commands::mail::{Courier, CourierOptions, FilePost, Mailer};
use commands::password::{Hasher, HasherOptions};
use commands::sessions::StartWish;
use commands::vault::Vault;
use commands::{
    Clock, Commands, CommandsOptions, Context, HandOver, HandedOver, Principal, WriteSide, Writer,
    WriterOptions,
};
use domain::user::{Role, SessionPolicy};
use domain::{Currency, UserId};
use journal::subscription::{Checkpoints, Feed};
use journal::{Journal, JournalOptions, Tail};
use metrics_exporter_prometheus::PrometheusHandle;
use projections::ReadModels;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use testkit::{Postgres, eventually};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One recorder a process, however many houses stand in it.
static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) ops_address: SocketAddr,
    pub(crate) journal: Journal,
    pub(crate) keys: KeysFile,
    pub(crate) vault: Vault,
    pub(crate) read_models: ReadModels,
    /// Asks the door to stop, and only it.
    pub(crate) close_door: CancellationToken,
    cancel: CancellationToken,
    pub(crate) postgres: Postgres,
    people: AtomicU64,
    /// Where mails go.
    pub(crate) mail_dir: PathBuf,
    /// What whoever runs it reaches past the door.
    pub(crate) commands: Commands,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) wallet: String,
    pub(crate) token: String,
    pub(crate) refresh_token: String,
    /// Once they are furnished.
    pub(crate) trading_session: OnceLock<String>,
}

pub(crate) struct Choices {
    pub(crate) serves_interface: bool,
    pub(crate) self_deposit: bool,
    pub(crate) token_ttl: Duration,
    pub(crate) recent_login: Duration,
    pub(crate) session_idle: Duration,
    pub(crate) session_absolute: Duration,
    pub(crate) sessions_max: usize,
    /// None by default, so that a token that was exchanged is an old one at once.
    pub(crate) refresh_grace: Duration,
    pub(crate) connections_max: usize,
    pub(crate) edge: Edge,
    pub(crate) clock: Clock,
    pub(crate) markets: Markets,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            serves_interface: true,
            self_deposit: true,
            token_ttl: Duration::from_mins(15),
            recent_login: Duration::from_mins(5),
            session_idle: Duration::from_hours(24),
            session_absolute: Duration::from_hours(240),
            sessions_max: 5,
            refresh_grace: Duration::ZERO,
            connections_max: 256,
            edge: Edge::default(),
            clock: Clock::System,
            markets: Markets::default(),
        }
    }
}

impl Person {
    pub(crate) fn user_id(&self) -> UserId {
        UserId(self.id.parse().unwrap())
    }

    /// What `{id}` in a path stands for: theirs, of that kind. They have a hold and a transaction once they are furnished.
    pub(crate) fn id_in(&self, path: &str) -> String {
        match path.split('/').nth(1) {
            Some("wallets") => self.wallet.clone(),
            Some("transactions") => format!("{}.2", self.wallet),
            Some("holds") => format!("{}.3", self.wallet),
            Some("trading-sessions") => self.trading_session.get().cloned().unwrap_or_default(),
            _ => self.id.clone(),
        }
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::open_with(Choices::default()).await
    }

    pub(crate) async fn open_with(choices: Choices) -> Self {
        let postgres = Postgres::start().await;
        let options = JournalOptions { database_url: postgres.database().await, connections_max: 12 };
        let journal = Journal::connect(&options).await.unwrap();
        let (tail, checkpoints) = (Tail::new(0), Checkpoints::default());
        let keys = KeysFile::new();
        let vault = Vault::following(keys.open(), journal.clone());
        let cancel = CancellationToken::new();
        tokio::spawn(vault.rings().clone().follow(cancel.clone()));

        let (commands, writer) = Writer::new(
            write_side(&journal, &tail, &vault),
            commands_options(&choices),
            writer_options(),
            cancel.clone(),
        );
        let state = writer.state();
        tokio::spawn(writer.run());
        tokio::spawn(HandedOver::new(commands.clone(), state.clone()).run(cancel.clone()));

        let feed = Feed {
            journal: journal.clone(),
            tail: tail.clone(),
            nats: None,
            checkpoints: checkpoints.clone(),
        };
        for projection in projections::all(Arc::new(vault.clone())) {
            tokio::spawn(projections::follow(&feed, projection).run(cancel.clone()));
        }

        // A name that is swept up with those of other tests that were killed.
        let name = format!("counterfoil-test-{}-mail-{}", std::process::id(), Uuid::new_v4());
        let mail_dir = std::env::temp_dir().join(name);
        send_mail(&commands, feed, mail_dir.clone(), &cancel);

        let read_models = ReadModels::new(journal.clone(), tail.clone(), checkpoints);
        let close_door = cancel.child_token();
        let (address, ops_address) =
            open_door(choices, commands.clone(), read_models.clone(), (&journal, tail), close_door.clone())
                .await;
        eventually("the writer leads", async || {
            matches!(*state.borrow(), commands::WriterState::Leading { .. })
        })
        .await;
        let people = AtomicU64::new(0);
        Self {
            address,
            ops_address,
            journal,
            keys,
            vault,
            read_models,
            close_door,
            cancel,
            postgres,
            people,
            mail_dir,
            commands,
        }
    }

    /// The door of another process: same database and keys, nobody there tells it what is written here.
    pub(crate) async fn door_elsewhere(&self, choices: Choices) -> SocketAddr {
        self.node_elsewhere(choices).await.0
    }

    /// The same, and what that process opens sealed values with.
    pub(crate) async fn node_elsewhere(&self, choices: Choices) -> (SocketAddr, Vault) {
        let tail = Tail::new(self.head().await);
        let vault = Vault::following(self.keys.open(), self.journal.clone());
        let (commands, hand_over) =
            HandOver::new(write_side(&self.journal, &tail, &vault), commands_options(&choices));
        tokio::spawn(hand_over.run(self.cancel.clone()));
        let read_models = ReadModels::new(self.journal.clone(), tail.clone(), Checkpoints::default());
        let journal = (&self.journal, tail);
        let (address, _) =
            open_door(choices, commands, read_models, journal, self.cancel.child_token()).await;
        (address, vault)
    }

    pub(crate) fn get(&self, path: &str) -> Ask {
        Ask::new(self.address, "GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Ask {
        Ask::new(self.address, "POST", path)
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(self.address, method, path)
    }

    /// Where the journal ends: for who wants to show that nothing happened.
    pub(crate) async fn head(&self) -> i64 {
        self.journal.head().await.unwrap().position
    }

    /// What a new name registers with.
    pub(crate) fn registration(&self) -> Value {
        let n = self.people.fetch_add(1, Ordering::Relaxed);
        json!({ "username": format!("ada{n}"), "email": format!("Ada{n}@example.com"), "password": PASSWORD })
    }

    pub(crate) async fn person(&self) -> Person {
        let registration = self.registration();
        let registered = self.post("/auth/register").json(&registration).send().await.expect(201);
        let name = registration["username"].as_str().unwrap();
        let signed_in = self.login(name).await.expect(200);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Person {
            name: name.to_owned(),
            id: text(&registered["user"]["id"]),
            wallet: text(&registered["wallet"]["id"]),
            token: text(&signed_in["access_token"]),
            refresh_token: text(&signed_in["refresh_token"]),
            trading_session: OnceLock::new(),
        }
    }

    /// Somebody whom whoever runs it has made an admin.
    pub(crate) async fn admin(&self) -> Person {
        let person = self.person().await;
        self.commands.give_role(nobodys(), person.user_id(), Role::Admin).await.unwrap();
        // Who is given a role signs in again.
        let signed_in = self.login(&person.name).await.expect(200);
        let text = |name: &str| signed_in[name].as_str().unwrap().to_owned();
        Person { token: text("access_token"), refresh_token: text("refresh_token"), ..person }
    }

    /// A key with these scopes, of a service that the admin makes for it.
    pub(crate) async fn service_key(&self, admin: &Person, scopes: &[&str]) -> String {
        let mut body = self.registration();
        body["roles"] = json!(["service"]);
        let created = self.post("/users").token(&admin.token).json(&body).send().await.expect(201);
        let path = format!("/users/{}/api-keys", created["user"]["id"].as_str().unwrap());
        let new = json!({ "name": "a service's", "scopes": scopes });
        let made = self.post(&path).token(&admin.token).json(&new).send().await.expect(201);
        made["key"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn login(&self, username: &str) -> Answered {
        self.post("/auth/login").json(&json!({ "username": username, "password": PASSWORD })).send().await
    }

    pub(crate) fn deposit(&self, person: &Person, body: &Value) -> Ask {
        self.post(&format!("/wallets/{}/deposit", person.wallet))
            .token(&person.token)
            .key(&new_key())
            .json(body)
    }

    /// A command of whoever holds the token or key, under an Idempotency-Key of its own.
    pub(crate) fn command(&self, token: &str, path: &str, body: &Value) -> Ask {
        self.post(path).token(token).key(&new_key()).json(body)
    }

    /// Something of every kind: a deposit, a hold, and a trading session.
    pub(crate) async fn furnish(&self, person: &Person) {
        self.deposit(person, &json!({ "amount": "10" })).send().await.expect(201);
        let hold = self.post(&format!("/wallets/{}/holds", person.wallet)).token(&person.token);
        let hold = hold.key(&new_key()).json(&json!({ "amount": "1", "ttl_seconds": 3600 })).send().await;
        assert_eq!(hold.expect(201)["hold"]["id"], json!(person.id_in("/holds")));
        // Past the door, which has no prices here.
        let started =
            self.commands.start_session(nobodys(), person.user_id(), StartWish::default(), &|_| true).await;
        let started = started.unwrap().session.unwrap();
        let id = started.session().unwrap().session_id.to_string();
        person.trading_session.set(id).unwrap();
    }

    pub(crate) fn withdraw(&self, person: &Person, body: &Value) -> Ask {
        self.post(&format!("/wallets/{}/withdraw", person.wallet))
            .token(&person.token)
            .key(&new_key())
            .json(body)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.cancel.cancel();
        // There may have been none.
        let _ = std::fs::remove_dir_all(&self.mail_dir);
    }
}

/// What is asked by whoever runs it.
fn nobodys() -> Context {
    Context {
        principal: Principal::System,
        key: None,
        correlation_id: Uuid::new_v4(),
        expected_version: None,
        received: Instant::now(),
    }
}

pub(crate) fn new_key() -> String {
    Uuid::new_v4().to_string()
}

/// Where it and its operations are served.
async fn open_door(
    choices: Choices,
    commands: Commands,
    read_models: ReadModels,
    (journal, tail): (&Journal, Tail),
    stop: CancellationToken,
) -> (SocketAddr, SocketAddr) {
    let settings = Settings {
        serves_interface: choices.serves_interface,
        access_token_ttl: choices.token_ttl,
        recent_login: choices.recent_login,
        self_deposit: choices.self_deposit,
        password_blocklist: true,
        connections_max: choices.connections_max,
        edge: choices.edge,
    };
    let parts = Parts {
        listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        ops_listener: Some(TcpListener::bind("127.0.0.1:0").await.unwrap()),
        commands,
        read_models,
        journal: journal.clone(),
        tail,
        markets: choices.markets,
        health: HealthSources { roles: "api,writer,projector".to_owned(), components: Vec::new() },
        metrics: METRICS.get_or_init(|| api::install_metrics().unwrap()).clone(),
    };
    let application = Application::build(settings, parts).unwrap();
    let addresses = (application.address(), application.ops_address().unwrap());
    tokio::spawn(application.run_until_stopped(stop));
    addresses
}

/// Mails are wanted and sent as in any process, into files.
fn send_mail(commands: &Commands, feed: Feed, directory: PathBuf, stop: &CancellationToken) {
    let options = CourierOptions {
        from: "Counterfoil <no-reply@money.example>".parse().unwrap(),
        public_url: "https://money.example".to_owned(),
    };
    let courier = Courier::new(commands, Box::new(FilePost::new(directory)), options);
    tokio::spawn(courier.run(stop.clone()));
    tokio::spawn(Mailer::follow(commands, feed).run(stop.clone()));
}

fn write_side(journal: &Journal, tail: &Tail, vault: &Vault) -> WriteSide {
    WriteSide {
        journal: journal.clone(),
        tail: tail.clone(),
        vault: vault.clone(),
        hasher: Hasher::new(HasherOptions::default()).unwrap(),
    }
}

fn commands_options(choices: &Choices) -> CommandsOptions {
    CommandsOptions {
        clock: choices.clock.clone(),
        session_policy: SessionPolicy {
            idle: choices.session_idle,
            absolute: choices.session_absolute,
            grace: choices.refresh_grace,
            sessions_max: choices.sessions_max,
        },
        default_currency: Currency::USD,
    }
}

fn writer_options() -> WriterOptions {
    WriterOptions {
        address: "test".to_owned(),
        cache_capacity: None,
        may_lead: commands::always(),
        wary_for: Duration::ZERO,
    }
}
