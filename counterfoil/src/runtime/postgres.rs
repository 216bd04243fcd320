//! The private PostgreSQL: one cluster, one superuser, one database, reachable through a Unix socket in a directory
//! that nobody else may enter, or, where that path is too long for a socket, with a password on a free loopback port.
//! A new cluster is made beside its place and renamed into it, so a crash while making one leaves none.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use nix::sys::signal::Signal;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::account::Account;
use super::binaries::{self, Version};
use super::child::Launch;
use super::data_dir::DataDir;
use super::error::RuntimeError;
use super::files;
use super::keeper::{Keeper, Server};
use super::once;
use super::port;
use super::postgres_conf::{self, Door};

/// A batch arrives as a few arrays of some hundred kilobytes, again and again. glibc would fetch each from the kernel
/// page by page and give it back at once; kept, they cost a few megabytes in the one process that gets them.
const MEMORY: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "33554432"), ("MALLOC_TRIM_THRESHOLD_", "67108864")];

const NAME: &str = "PostgreSQL";
/// Both the superuser and the database.
const OURS: &str = "counterfoil";
/// `sockaddr_un` holds 108 bytes on Linux and 104 elsewhere, with the closing NUL.
const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
/// Only a part of the socket's name, as no TCP port is opened; not 5432, so that nothing meets it by default.
const SOCKET_NUMBER: u16 = 15432;
/// Replaying the WAL of `max_wal_size` after a crash takes a slow disk minutes.
const RECOVERY_LIMIT: Duration = Duration::from_mins(10);
/// The checkpoint of a fast shutdown writes at most all of shared_buffers.
const STOP_PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Postgres {
    pub(super) keeper: Keeper,
    pub(super) url: String,
    pub(super) version: Version,
}

/// Where the parts of the cluster are.
struct Cluster {
    home: PathBuf,
    data: PathBuf,
    account: Account,
}

pub(super) async fn start(place: &DataDir) -> Result<Postgres, RuntimeError> {
    let cluster = Cluster { home: place.postgres(), data: place.postgres_data(), account: place.account };
    let made_by = cluster.made_by();
    let program = {
        let data = cluster.data.clone();
        tokio::task::spawn_blocking(move || binaries::postgres(made_by, &data)).await??
    };
    let password = place.database_password()?;
    if made_by.is_none() {
        cluster.create(&program.path.with_file_name("initdb"), &password).await?;
    }
    let door = cluster.door()?;
    cluster.configure(&door)?;
    let url = url(&door, &password);
    let keeper = Keeper::start(cluster.server(program.path))?;
    match wait_until_ready(&keeper, &url).await {
        Ok(()) => Ok(Postgres { keeper, url, version: program.version }),
        Err(error) => {
            keeper.stop().await;
            Err(error)
        }
    }
}

impl Cluster {
    /// The major version of the cluster, if there is one.
    fn made_by(&self) -> Option<u32> {
        std::fs::read_to_string(self.data.join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    async fn create(&self, initdb: &Path, password: &str) -> Result<(), RuntimeError> {
        tracing::info!(event = "database_creating", path = %self.data.display(), "making a new database, once");
        self.remove_half_made();
        let half_made = self.home.join(format!("data.new-{}", std::process::id()));
        let password_file = self.home.join("password.new");
        files::replace(&password_file, password.as_bytes(), 0o600, self.account)?;
        let option = |name: &str, value: &Path| format!("--{name}={}", value.display()).into();
        let log = self.home.join("initdb.log");
        let made = once::run(
            "initdb",
            Launch {
                program: initdb.to_path_buf(),
                arguments: vec![
                    option("pgdata", &half_made),
                    option("pwfile", &password_file),
                    format!("--username={OURS}").into(),
                    "--encoding=UTF8".into(),
                    // Bytes in their own order: fast, and the same on every system the data is ever moved to.
                    "--locale=C".into(),
                    "--auth=scram-sha-256".into(),
                    "--data-checksums".into(),
                    "--no-instructions".into(),
                ],
                directory: self.home.clone(),
                output: log,
                account: self.account,
                memory: &[],
                farewell: Signal::SIGKILL,
            },
        )
        .await;
        let _not_there = std::fs::remove_file(&password_file);
        made?;
        files::rename(&half_made, &self.data)
    }

    /// What a crash in `create` left. Not worth failing for: the names never collide.
    fn remove_half_made(&self) {
        let Ok(entries) = std::fs::read_dir(&self.home) else {
            return;
        };
        for entry in entries.filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with("data.new-")
                && let Err(error) = std::fs::remove_dir_all(entry.path())
            {
                tracing::warn!(event = "half_made_database_stays", path = %entry.path().display(), error_message = %error);
            }
        }
    }

    fn door(&self) -> Result<Door, RuntimeError> {
        let directory = self.home.join("run");
        let socket = directory.join(format!(".s.PGSQL.{SOCKET_NUMBER}"));
        if socket.as_os_str().len() <= LONGEST_SOCKET_PATH && directory.to_str().is_some() {
            files::directory(&directory, 0o700, self.account)?;
            return Ok(Door::Socket { directory, number: SOCKET_NUMBER });
        }
        let port = port::free(None)?;
        tracing::info!(event = "database_on_tcp", port, "the path is too long for a Unix socket");
        Ok(Door::Loopback { port })
    }

    fn configure(&self, door: &Door) -> Result<(), RuntimeError> {
        files::directory(&self.log(), 0o700, self.account)?;
        let settings = postgres_conf::settings(door);
        files::replace(&self.data.join("postgresql.conf"), settings.as_bytes(), 0o600, self.account)?;
        let access = postgres_conf::access(door, OURS);
        files::replace(&self.data.join("pg_hba.conf"), access.as_bytes(), 0o600, self.account)
    }

    fn server(&self, program: PathBuf) -> Server {
        Server {
            name: NAME,
            launch: Launch {
                program,
                arguments: vec!["-D".into(), self.data.clone().into()],
                directory: self.data.clone(),
                output: self.home.join("start.log"),
                account: self.account,
                // Immediate shutdown: no checkpoint, as after a power cut; the next start recovers.
                memory: &MEMORY,
                farewell: Signal::SIGQUIT,
            },
            // Fast shutdown: ends the connections, writes a checkpoint.
            stop: Signal::SIGINT,
            patience: STOP_PATIENCE,
            pid_file: Some(self.data.join("postmaster.pid")),
            log: self.log(),
        }
    }

    fn log(&self) -> PathBuf {
        self.home.join("log")
    }
}

/// A URL that libpq and sqlx read alike.
fn url(door: &Door, password: &str) -> String {
    match door {
        Door::Socket { directory, number } => {
            let directory = utf8_percent_encode(&directory.to_string_lossy(), NON_ALPHANUMERIC).to_string();
            format!("postgres://{OURS}@localhost:{number}/{OURS}?host={directory}")
        }
        Door::Loopback { port } => {
            format!("postgres://{OURS}:{password}@{}:{port}/{OURS}?sslmode=disable", Ipv4Addr::LOCALHOST)
        }
    }
}

/// Waits for the server to let us in, and makes the database if this is the first time.
async fn wait_until_ready(keeper: &Keeper, url: &str) -> Result<(), RuntimeError> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    let failure = std::sync::Mutex::new(None);
    keeper
        .wait_until(RECOVERY_LIMIT, || async {
            match enter(&options).await {
                Ok(()) => true,
                Err(error) if is_temporary(&error) => false,
                Err(error) => {
                    // Waiting longer would not help: stop waiting, and say so below.
                    if let Ok(mut failure) = failure.lock() {
                        *failure = Some(error);
                    }
                    true
                }
            }
        })
        .await?;
    match failure.into_inner() {
        Ok(Some(error)) => Err(error.into()),
        _ => Ok(()),
    }
}

async fn enter(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    match options.connect().await {
        Ok(connection) => connection.close().await,
        Err(error) if has_code(&error, "3D000") => {
            let mut connection = options.clone().database("postgres").connect().await?;
            sqlx::query("create database counterfoil template template0").execute(&mut connection).await?;
            connection.close().await
        }
        Err(error) => Err(error),
    }
}

/// Not listening yet, or still recovering (57P03 `cannot_connect_now`).
fn is_temporary(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_)) || has_code(error, "57P03")
}

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|found| found == code)
}
