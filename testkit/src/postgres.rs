//! A PostgreSQL server for one test, with as many fresh, migrated databases as it asks for.
//!
//! It does not sync to disk: a test of what survives a power cut needs another server. `kill` and `restart` keep what
//! was committed, because the operating system keeps running.

use crate::child::Server;
use crate::cluster;
use crate::room::Room;
use nix::sys::signal::Signal;
use sqlx::{Connection, Executor, PgConnection};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Migrated, and copied for every database asked for.
const TEMPLATE: &str = "fresh";
const START_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Postgres {
    server: Server,
    // Dropped after the server.
    room: Room,
}

impl Postgres {
    pub async fn start() -> Self {
        tokio::task::spawn_blocking(Self::start_blocking).await.unwrap()
    }

    fn start_blocking() -> Self {
        let room = Room::new("pg");
        cluster::copy_to(&room.path().join("cluster"), prepare);
        let server = launch(room.path(), &room.path().join("cluster"));
        wait_until_ready(room.path());
        Self { server, room }
    }

    /// The URL of a fresh, migrated database, with a journal id of its own.
    pub async fn database(&self) -> String {
        let name = self.copy_of(TEMPLATE).await;
        self.execute(&name, "update journal_head set journal_id = gen_random_uuid()").await;
        self.url(&name)
    }

    /// The URL of an exact copy: what a restored backup would hold. Nobody may be connected to the original.
    pub async fn copy_database(&self, original: &str) -> String {
        self.url(&self.copy_of(database_of(original)).await)
    }

    /// The URL of an exact copy of a database that is in use: whoever is connected is thrown out.
    pub async fn backup_database(&self, original: &str) -> String {
        let name = database_of(original);
        self.execute("postgres", &format!("alter database {name} allow_connections false")).await;
        let throw_out =
            format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
        self.execute("postgres", &throw_out).await;
        let copy = self.copy_of(name).await;
        self.execute("postgres", &format!("alter database {name} allow_connections true")).await;
        self.url(&copy)
    }

    /// Puts a copy in the original's place, as a restore does: whoever is connected is thrown out, and finds the copy
    /// under the same URL afterwards.
    pub async fn restore_database(&self, original: &str, copy: &str) {
        let (original, copy) = (database_of(original), database_of(copy));
        self.execute("postgres", &format!("drop database {original} with (force)")).await;
        self.execute("postgres", &format!("alter database {copy} rename to {original}")).await;
    }

    async fn copy_of(&self, original: &str) -> String {
        let copy = format!("test_{}", Uuid::new_v4().simple());
        self.execute("postgres", &format!("create database {copy} template {original}")).await;
        copy
    }

    async fn execute(&self, database: &str, sql: &str) {
        let mut conn = PgConnection::connect(&self.url(database)).await.unwrap();
        conn.execute(sql).await.unwrap();
        conn.close().await.unwrap();
    }

    fn url(&self, database: &str) -> String {
        url(self.room.path(), database)
    }

    pub fn pid(&self) -> i32 {
        self.server.pid()
    }

    /// As if its process had crashed: every connection breaks, whatever it was doing.
    pub fn kill(&mut self) {
        self.server.end(Signal::SIGQUIT);
    }

    /// Starts it again after [`Self::kill`], or after stopping it in an orderly way.
    pub async fn restart(&mut self) {
        self.server.end(Signal::SIGINT);
        let room = self.room.path().to_owned();
        self.server = tokio::task::spawn_blocking(move || {
            let server = launch(&room, &room.join("cluster"));
            wait_until_ready(&room);
            server
        })
        .await
        .unwrap();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.server.end(Signal::SIGQUIT);
    }
}

fn database_of(url: &str) -> &str {
    url.split(['/', '?']).nth(3).expect("a URL of this server")
}

fn url(socket_directory: &Path, database: &str) -> String {
    format!("postgres://counterfoil@localhost/{database}?host={}", socket_directory.display())
}

fn launch(room: &Path, cluster: &Path) -> Server {
    let mut command = Command::new(cluster::program("postgres"));
    command.current_dir(room).arg("-D").arg(cluster).args(["-c", "listen_addresses="]);
    command.arg("-c").arg(format!("unix_socket_directories={}", room.display()));
    for setting in [
        "fsync=off",
        "full_page_writes=off",
        "max_wal_size=256MB",
        "shared_buffers=64MB",
        "max_connections=100",
    ] {
        command.args(["-c", setting]);
    }
    Server::start(command, &room.join("postgres.log"), Signal::SIGQUIT)
}

fn wait_until_ready(room: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = url(room, "postgres");
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        match runtime.block_on(PgConnection::connect(&url)) {
            Ok(conn) => return runtime.block_on(conn.close()).unwrap(),
            Err(error) if Instant::now() > deadline => {
                let log = std::fs::read_to_string(room.join("postgres.log")).unwrap_or_default();
                panic!("postgres does not start: {error}\n{log}");
            }
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Fills a fresh cluster with the migrated template.
fn prepare(cluster: &Path) {
    let room = cluster.parent().unwrap();
    let mut server = launch(room, cluster);
    wait_until_ready(room);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut conn = PgConnection::connect(&url(room, "postgres")).await.unwrap();
        conn.execute(format!("create database {TEMPLATE}").as_str()).await.unwrap();
        conn.close().await.unwrap();
        let mut conn = PgConnection::connect(&url(room, TEMPLATE)).await.unwrap();
        cluster::MIGRATIONS.run(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    });
    server.end(Signal::SIGINT);
}
