//! A server as a child process that cannot outlive the test.
//!
//! The kernel's signal at a parent's death follows the *thread* that spawned the child, so one thread, which never
//! ends, does all the spawning. The signal is forgotten when the user id changes, so it is set after that.

use crate::room::Account;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// A test's server that takes longer to stop is stuck.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

type Spawn = (Command, Sender<std::io::Result<Child>>);

#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// Starts it as whoever servers run as. `farewell` is what the kernel sends it if we die.
    pub(crate) fn start(mut command: Command, output: &Path, farewell: Signal) -> Self {
        let output = File::options().create(true).append(true).open(output).unwrap();
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0);
        if let Some(account) = Account::other() {
            command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
        }
        die_with_us(&mut command, farewell);
        Self { child: spawn(command).unwrap() }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.pid()), signal);
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end(&mut self, signal: Signal) {
        if self.has_ended() {
            return;
        }
        self.signal(signal);
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !self.has_ended() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Starts a program that the kernel ends with `farewell` if we die before we have ended it ourselves.
pub fn spawn_bound_to_us(mut command: Command, farewell: Signal) -> std::io::Result<Child> {
    die_with_us(&mut command, farewell);
    spawn(command)
}

/// A process of a test's server that answers nobody until this is dropped.
#[derive(Debug)]
pub struct Frozen(Pid);

impl Frozen {
    pub fn freeze(pid: i32) -> Self {
        let pid = Pid::from_raw(pid);
        kill(pid, Signal::SIGSTOP).unwrap();
        Self(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

fn spawn(command: Command) -> std::io::Result<Child> {
    static SPAWNER: OnceLock<Sender<Spawn>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, wishes) = channel::<Spawn>();
        std::thread::spawn(move || {
            for (mut command, answer) in wishes {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, child) = channel();
    spawner.send((command, answer)).unwrap();
    child.recv().unwrap()
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn die_with_us(command: &mut Command, farewell: Signal) {
    // SAFETY: the closure runs in the forked child before exec; prctl is a plain system call, and nothing allocates.
    unsafe {
        command.pre_exec(move || nix::sys::prctl::set_pdeathsig(farewell).map_err(std::io::Error::from));
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_command: &mut Command, _farewell: Signal) {}
