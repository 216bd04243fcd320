//! Counterfoil itself, started as anybody starts it: one process with its private servers in a data directory.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use commands::vault::KeyRing;
use serde::Deserialize;
use tokio::process::Command;

use crate::child::{Guarded, last_words, log_to};
use crate::client::Client;
use crate::error::{BenchError, Doing, Result};

/// A first start makes a database cluster; a start after a crash replays its log.
const START_PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(5);
/// A whole run, and more: tokens made at its beginning must serve until its end.
const TOKEN_SECONDS: &str = "14400";

/// What `runtime.json` tells.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Runtime {
    pub(crate) listen: SocketAddr,
    pub(crate) database_url: String,
    pub(crate) nats_url: String,
    pub(crate) pid: u32,
}

/// Where the program is and where it keeps its data.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    pub(crate) program: PathBuf,
    pub(crate) data_dir: PathBuf,
    pub(crate) log: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Server {
    process: Guarded,
    pub(crate) runtime: Runtime,
    started: Instant,
    ready: Instant,
}

impl Installation {
    /// The keys of its data, which a process beside the server needs, too.
    pub(crate) fn keys_file(&self) -> PathBuf {
        self.data_dir.join("keys.json")
    }

    pub(crate) fn key_ring(&self) -> Result<KeyRing> {
        let ring = std::fs::read_to_string(self.keys_file()).doing("reading the key ring")?;
        KeyRing::from_json(&ring).map_err(|error| BenchError::Unusable(error.to_string()))
    }

    /// The program, without any setting of whoever started this one: that must not reach a measured server.
    pub(crate) fn serve(&self, log: &Path, listen: SocketAddr) -> Result<Command> {
        let (out, err) = log_to(log)?;
        let mut command = Command::new(&self.program);
        command.arg("serve").stdout(out).stderr(err).stdin(std::process::Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(name)) {
            command.env_remove(name);
        }
        command.env("COUNTERFOIL_LISTEN", listen.to_string());
        Ok(command)
    }

    /// Starts it with these settings; it is ready when this returns.
    pub(crate) async fn start(&self, settings: &[(&str, &str)]) -> Result<Server> {
        let listen = free_address()?;
        let mut command = self.serve(&self.log, listen)?;
        command.env("COUNTERFOIL_DATA_DIR", &self.data_dir);
        command.env("COUNTERFOIL_ACCESS_TOKEN_TTL_S", TOKEN_SECONDS).envs(settings.iter().copied());
        let started = Instant::now();
        let mut process = Guarded::spawn("counterfoil", &mut command)?;
        let pid = process.pid();
        loop {
            if let Some(runtime) = self.runtime().filter(|runtime| Some(runtime.pid) == pid)
                && is_live(runtime.listen)
            {
                let mut server = Server { process, runtime, started, ready: started };
                server.wait_until_ready().await?;
                return Ok(server);
            }
            if let Some(status) = process.child.try_wait().doing("waiting for counterfoil")? {
                return Err(BenchError::Ended {
                    program: "counterfoil serve".to_owned(),
                    status: status.to_string(),
                    words: last_words(&self.log),
                });
            }
            if started.elapsed() > START_PATIENCE {
                let (what, seconds) = ("starting counterfoil".to_owned(), START_PATIENCE.as_secs());
                return Err(BenchError::TooSlow { what, seconds });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn runtime(&self) -> Option<Runtime> {
        let text = std::fs::read(self.data_dir.join("runtime.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

impl Server {
    pub(crate) async fn stop(self) -> Result<()> {
        self.process.stop().await.map(|_| ())
    }

    pub(crate) fn client(&self) -> Result<Client> {
        Client::connect(self.runtime.listen)
    }

    /// Ready to serve: it is known who leads, the database answers, and no task has failed. Read models may be behind.
    async fn wait_until_ready(&mut self) -> Result<()> {
        while !answers(self.runtime.listen, "/health/ready") {
            if self.started.elapsed() > START_PATIENCE {
                let (what, seconds) = ("becoming ready".to_owned(), START_PATIENCE.as_secs());
                return Err(BenchError::TooSlow { what, seconds });
            }
            tokio::time::sleep(POLL).await;
        }
        self.ready = Instant::now();
        Ok(())
    }

    /// When its process was started.
    pub(crate) fn started_at(&self) -> Instant {
        self.started
    }

    pub(crate) fn ready_since(&self) -> Instant {
        self.ready
    }
}

fn is_live(address: SocketAddr) -> bool {
    answers(address, "/health/live")
}

fn answers(address: SocketAddr, path: &str) -> bool {
    let reply = Client::connect(address).and_then(|mut client| client.get(path, None));
    reply.is_ok_and(|reply| reply.status == 200)
}

fn is_setting(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        name.starts_with("COUNTERFOIL_") || matches!(name, "DATABASE_URL" | "NATS_URL" | "RUST_LOG")
    })
}

pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing("looking for a free port")?;
    listener.local_addr().doing("looking for a free port")
}

/// The program beside this one, unless another is named.
pub(crate) fn program(named: Option<&Path>) -> Result<PathBuf> {
    let beside = std::env::current_exe().doing("finding this program")?.with_file_name("counterfoil");
    let path = named.map_or(beside, Path::to_path_buf);
    if path.is_file() { Ok(path) } else { Err(BenchError::Missing { program: "counterfoil", path }) }
}
