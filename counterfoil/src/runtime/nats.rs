//! The private nats-server with JetStream, on a free loopback port that is kept from start to start while it stays
//! free, so that subscribers find it again. Two users: `counterfoil` may do anything, `subscriber` may read
//! the event stream and publish nothing to it. Readiness is what the server itself says when one connects.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::account::Account;
use super::binaries::{self, Version};
use super::child::Launch;
use super::data_dir::DataDir;
use super::error::RuntimeError;
use super::keeper::{Keeper, Server};
use super::{files, nats_conf, port, secret};

const NAME: &str = "nats-server";
/// It reads its streams' indexes before it listens.
const RECOVERY_LIMIT: Duration = Duration::from_mins(5);
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// Somebody may take the free port between our look and the server's; that it happens thrice is no accident.
const PORT_TRIES: u32 = 3;
/// A loopback connection answers at once or not at all.
const GREETING_PATIENCE: Duration = Duration::from_secs(1);
/// Its heap is small and its garbage plenty: collecting a quarter as often costs some tens of megabytes.
const MEMORY: [(&str, &str); 1] = [("GOGC", "400")];
/// The greeting is some 400 bytes.
const LONGEST_GREETING: u64 = 16 * 1024;

#[derive(Debug)]
pub(super) struct Nats {
    pub(super) keeper: Keeper,
    pub(super) url: String,
    pub(super) version: Version,
}

/// `nats.json`: what a subscriber needs to know.
#[derive(Clone, Serialize, Deserialize)]
struct Access {
    url: String,
    users: Users,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Users {
    pub(super) counterfoil: User,
    pub(super) subscriber: User,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) user: String,
    pub(super) password: String,
}

pub(super) async fn start(place: &DataDir) -> Result<Nats, RuntimeError> {
    let program = tokio::task::spawn_blocking(binaries::nats).await??;
    let access_file = place.root.join("nats.json");
    let before = read_access(&access_file)?;
    let users = match &before {
        Some(access) => access.users.clone(),
        None => Users { counterfoil: new_user("counterfoil")?, subscriber: new_user("subscriber")? },
    };
    let mut wanted = before.and_then(|access| port_in(&access.url));
    let mut tries = 1;
    loop {
        let port = port::free(wanted.take())?;
        match start_on(port, &program.path, place, &users).await {
            Ok(keeper) => {
                let access = Access { url: format!("nats://{}:{port}", Ipv4Addr::LOCALHOST), users };
                let text = serde_json::to_string_pretty(&access).map_err(|source| {
                    RuntimeError::Unreadable { what: "NATS users", path: access_file.clone(), source }
                })?;
                files::replace(&access_file, text.as_bytes(), 0o600, Account::Ours)?;
                let User { user, password } = &access.users.counterfoil;
                let url = format!("nats://{user}:{password}@{}:{port}", Ipv4Addr::LOCALHOST);
                return Ok(Nats { keeper, url, version: program.version });
            }
            Err(error) if tries < PORT_TRIES && port_taken(&error) => {
                tracing::info!(event = "port_taken", server = NAME, port, "trying another");
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn start_on(port: u16, program: &Path, place: &DataDir, users: &Users) -> Result<Keeper, RuntimeError> {
    let home = place.nats();
    // Known by its name, so that whoever else may listen on this port is not taken for ours.
    let name = format!("counterfoil-{}", secret::random()?);
    let text = nats_conf::text(&name, port, users);
    let configuration = home.join("nats.conf");
    files::replace(&configuration, text.as_bytes(), 0o600, place.account)?;
    let keeper = Keeper::start(Server {
        name: NAME,
        launch: Launch {
            program: program.to_path_buf(),
            arguments: vec!["--config".into(), configuration.into()],
            directory: home.clone(),
            output: home.join("start.log"),
            account: place.account,
            memory: &MEMORY,
            farewell: Signal::SIGKILL,
        },
        // Not its lame-duck mode, which takes half a minute to move clients to other servers; there is none.
        stop: Signal::SIGTERM,
        patience: STOP_PATIENCE,
        pid_file: None,
        log: nats_log(&home),
    })?;
    let ready = keeper.wait_until(RECOVERY_LIMIT, || async {
        matches!(timeout(GREETING_PATIENCE, greeting(port)).await, Ok(Ok(greeted)) if greeted.server_name == name)
    });
    match ready.await {
        Ok(()) => Ok(keeper),
        Err(error) => {
            keeper.stop().await;
            Err(error)
        }
    }
}

fn nats_log(home: &Path) -> PathBuf {
    home.join(nats_conf::LOG)
}

fn port_taken(error: &RuntimeError) -> bool {
    matches!(error, RuntimeError::NotStarted { reason, .. } if reason.contains("address already in use"))
}

#[derive(Deserialize)]
struct Greeting {
    server_name: String,
}

/// The server speaks first: `INFO {…}`.
async fn greeting(port: u16) -> io::Result<Greeting> {
    let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_GREETING)).read_line(&mut line).await?;
    let facts = line.strip_prefix("INFO ").ok_or(io::ErrorKind::InvalidData)?;
    Ok(serde_json::from_str(facts)?)
}

fn read_access(path: &Path) -> Result<Option<Access>, RuntimeError> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|source| RuntimeError::Unreadable {
            what: "NATS users",
            path: path.to_path_buf(),
            source,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RuntimeError::file("read", path)(error)),
    }
}

fn new_user(name: &str) -> Result<User, RuntimeError> {
    Ok(User { user: name.to_owned(), password: secret::random()? })
}

fn port_in(url: &str) -> Option<u16> {
    url.rsplit(':').next()?.parse().ok()
}
