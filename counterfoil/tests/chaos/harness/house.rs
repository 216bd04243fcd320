//! Two ways to live: with the program's own servers in its data directory, or with servers that the test holds.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::{Nats, Postgres};

use super::home::Home;
use super::program::{Start, free_address};
use super::{Dice, NatsAccess};

/// The program with its own servers.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(crate) start: Start,
    data_dir: PathBuf,
    _home: Home,
}

impl Embedded {
    pub(crate) fn new(test: &str, dice: &mut Dice) -> Self {
        let home = Home::new(test);
        let data_dir = home.path().join("data");
        let place = vec![("COUNTERFOIL_DATA_DIR", data_dir.to_str().unwrap().to_owned())];
        let (log, announcement) = (home.path().join("counterfoil.log"), Some(data_dir.join("runtime.json")));
        let start = Start { listen: free_address(dice), log, place, announcement };
        Self { start, data_dir, _home: home }
    }

    pub(crate) fn node(&self) -> SocketAddr {
        self.start.listen
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.data_dir.join(name)).unwrap()).unwrap()
    }

    pub(crate) fn database_url(&self) -> String {
        self.json("runtime.json")["database_url"].as_str().unwrap().to_owned()
    }

    /// The way to NATS of one of its users.
    pub(crate) fn nats(&self, user: &str) -> NatsAccess {
        let access = self.json("nats.json");
        let text = |pointer: &str| access.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let credentials = (text(&format!("/users/{user}/user")), text(&format!("/users/{user}/password")));
        NatsAccess { url: text("/url"), credentials: Some(credentials) }
    }

    pub(crate) fn postgres_data(&self) -> PathBuf {
        self.data_dir.join("servers/postgres/data")
    }

    pub(crate) fn postmaster(&self) -> Option<i32> {
        let pid_file = fs::read_to_string(self.postgres_data().join("postmaster.pid")).ok()?;
        pid_file.lines().next()?.trim().parse().ok()
    }

    /// The process of its nats-server: the one that works in its directory.
    pub(crate) fn nats_server(&self) -> Option<i32> {
        let home = self.data_dir.join("servers/nats").canonicalize().ok()?;
        let works_there = |pid: &i32| {
            fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|directory| directory == home)
                && fs::read_to_string(format!("/proc/{pid}/comm"))
                    .is_ok_and(|name| name.trim() == "nats-server")
        };
        let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(works_there)
    }
}

/// Servers of the test's own, for one or more programs.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) postgres: Postgres,
    pub(crate) nats: Nats,
    pub(crate) database_url: String,
    home: Home,
}

impl Given {
    pub(crate) async fn new(test: &str) -> Self {
        let home = Home::new(test);
        let (postgres, nats) = tokio::join!(Postgres::start(), Nats::start());
        let database_url = postgres.database().await;
        let given = Self { postgres, nats, database_url, home };
        let keys = given.home.path().join("keys.json");
        let start = Start {
            listen: ([127, 0, 0, 1], 0).into(),
            log: keys.clone(),
            place: Vec::new(),
            announcement: None,
        };
        let made = start.command(&["keys", "new"]).arg(&keys).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        given
    }

    /// A program on these servers, whichever database of them.
    pub(crate) fn node(&self, name: &str, dice: &mut Dice, database_url: &str) -> Start {
        let keys = self.home.path().join("keys.json");
        Start {
            listen: free_address(dice),
            log: self.home.path().join(name).with_extension("log"),
            place: vec![
                ("DATABASE_URL", database_url.to_owned()),
                ("NATS_URL", self.nats.url()),
                ("COUNTERFOIL_KEYS_FILE", keys.to_str().unwrap().to_owned()),
                // Where mails go that nobody sends.
                ("COUNTERFOIL_DATA_DIR", self.home.path().to_str().unwrap().to_owned()),
            ],
            announcement: None,
        }
    }

    /// For files of the test's own.
    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn access(&self) -> NatsAccess {
        NatsAccess { url: self.nats.url(), credentials: None }
    }
}
