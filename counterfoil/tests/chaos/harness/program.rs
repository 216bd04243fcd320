//! The built program as a process that can be killed, stopped and started, always at the same address.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use testkit::eventually_within;

use super::Dice;
use super::http::{Ask, Http, Reply};

/// A start replays the database's log, on a machine that has other things to do as well.
const READY_WITHIN: Duration = Duration::from_mins(1);
const STOP_WITHIN: Duration = Duration::from_secs(40);
/// Below where systems take the near ends of connections from: a client that asks for a server that is down could else
/// be given the very same port and be connected to itself.
const PORTS: (u64, u64) = (20_000, 32_000);
/// Of the log, for who reads why something failed.
const LAST_WORDS: u64 = 6_000;

/// How a program is started, again and again.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) listen: SocketAddr,
    pub(crate) log: PathBuf,
    /// Where its servers are, or its data directory.
    pub(crate) place: Vec<(&'static str, String)>,
    /// Where it says how its own servers are reached, if it has any.
    pub(crate) announcement: Option<PathBuf>,
}

#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    start: Start,
}

pub(crate) fn free_address(dice: &mut Dice) -> SocketAddr {
    loop {
        let port = u16::try_from(dice.between(PORTS.0, PORTS.1)).unwrap();
        // Also by its process id: tests of one seed run side by side.
        let port = 20_000 + (port.wrapping_add(u16::try_from(std::process::id() % 12_000).unwrap()) % 12_000);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

impl Start {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.place.iter().map(|(name, value)| (name, value)));
        command.env("COUNTERFOIL_LOG", "info").stdin(Stdio::null());
        command
    }

    /// Without waiting for anything.
    pub(crate) fn spawn(&self) -> Program {
        let output = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = self.command(&["serve", "--listen", &self.listen.to_string()]);
        // Long tests outlive the usual token, and every lost answer to a login leaves a session behind.
        command
            .env("COUNTERFOIL_ACCESS_TOKEN_TTL_S", "14400")
            .env("COUNTERFOIL_MAX_CONCURRENT_SESSIONS", "100");
        command.env("COUNTERFOIL_SELF_DEPOSIT", "on");
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let child = testkit::spawn_bound_to_us(command, Signal::SIGKILL).unwrap();
        Program { child, start: self.clone() }
    }

    pub(crate) async fn serve(&self) -> Program {
        let mut program = self.spawn();
        program.ready().await;
        program
    }
}

impl Program {
    pub(crate) async fn ready(&mut self) {
        let node = self.start.listen;
        eventually_within(READY_WITHIN, "the program is ready", async || {
            self.must_be_alive();
            self.is_announced() && get(node, "/health/ready").await.is_some_and(|reply| reply.status == 200)
        })
        .await;
    }

    /// A killed one leaves its announcement behind: only this one's counts.
    pub(crate) fn is_announced(&self) -> bool {
        let Some(announcement) = &self.start.announcement else { return true };
        let said = std::fs::read(announcement).unwrap_or_default();
        let said: Value = serde_json::from_slice(&said).unwrap_or_default();
        said["pid"] == self.child.id()
    }

    pub(crate) fn must_be_alive(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the program ended with {status}:\n{}", last_words(&self.start.log));
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives it no chance to do anything about it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let mut ended: Option<ExitStatus> = None;
        eventually_within(STOP_WITHIN, "the program stops", async || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        let ended = ended.unwrap();
        assert!(ended.success(), "the program ended with {ended}:\n{}", last_words(&self.start.log));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer of a node, if there is one soon.
pub(crate) async fn get(node: SocketAddr, path: &str) -> Option<Reply> {
    let ask = Ask::get(path);
    tokio::time::timeout(Duration::from_secs(2), Http::to(node).send(&ask)).await.ok()?.ok()
}

fn last_words(log: &Path) -> String {
    let mut file = File::open(log).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS))).unwrap();
    let mut words = Vec::new();
    file.read_to_end(&mut words).unwrap();
    String::from_utf8_lossy(&words).into_owned()
}
