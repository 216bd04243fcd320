//! A nats-server with JetStream for one test, always at the same address, whatever happens to it.

use crate::child::Server;
use crate::cluster::program;
use crate::room::Room;
use nix::sys::signal::Signal;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Between finding a port free and taking it, somebody else may: then another one is tried.
const PORT_TRIES: usize = 5;

#[derive(Debug)]
pub struct Nats {
    server: Server,
    port: u16,
    arguments: Vec<String>,
    // Dropped after the server.
    room: Room,
}

impl Nats {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With more arguments than a test usually needs.
    pub async fn start_with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        tokio::task::spawn_blocking(|| Self::start_blocking(arguments)).await.unwrap()
    }

    fn start_blocking(arguments: Vec<String>) -> Self {
        for _ in 0..PORT_TRIES {
            let room = Room::new("nats");
            let port = free_port();
            let mut server = launch(&room, port, &arguments);
            if is_ready(&mut server, port) {
                return Self { server, port, arguments, room };
            }
        }
        panic!("nats-server does not start");
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> i32 {
        self.server.pid()
    }

    /// What its configuration file says, from the next start on.
    pub fn configure(&self, text: &str) {
        std::fs::write(config(&self.room), text).unwrap();
    }

    /// Where it keeps its streams: for who wants to damage them while it is down.
    pub fn store(&self) -> PathBuf {
        self.room.path().join("store")
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.server.end(Signal::SIGKILL);
    }

    /// Orderly: what it holds is on disk afterwards.
    pub fn stop(&mut self) {
        self.server.end(Signal::SIGTERM);
    }

    /// Starts it again with what is in its store, stopping it in an orderly way if it runs.
    pub async fn restart(&mut self) {
        self.stop();
        let (room, port) = (&self.room, self.port);
        self.server = launch(room, port, &self.arguments);
        crate::eventually("nats-server answers again", async || answers(port)).await;
    }

    /// Frozen: connections stay up and nothing is answered.
    pub fn pause(&self) {
        self.server.signal(Signal::SIGSTOP);
    }

    pub fn resume(&self) {
        self.server.signal(Signal::SIGCONT);
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.server.end(Signal::SIGKILL);
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Another version than the installed one may be named, to test against it.
fn nats_server() -> PathBuf {
    std::env::var_os("COUNTERFOIL_TEST_NATS").map_or_else(|| program("nats-server"), PathBuf::from)
}

fn config(room: &Room) -> PathBuf {
    room.path().join("nats.conf")
}

fn launch(room: &Room, port: u16, arguments: &[String]) -> Server {
    let mut command = Command::new(nats_server());
    command.current_dir(room.path()).args([
        "--addr",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "--jetstream",
        "--store_dir",
    ]);
    command.arg(room.path().join("store")).args(arguments);
    if config(room).exists() {
        command.arg("--config").arg(config(room));
    }
    Server::start(command, &room.path().join("nats.log"), Signal::SIGKILL)
}

fn is_ready(server: &mut Server, port: u16) -> bool {
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline && !server.has_ended() {
        if answers(port) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

/// Its first word is `INFO`.
fn answers(port: u16) -> bool {
    let mut word = [0_u8; 4];
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok_and(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok() && stream.read_exact(&mut word).is_ok()
    }) && &word == b"INFO"
}
