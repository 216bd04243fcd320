//! Starting a program that cannot outlive us. On Linux the kernel signals it when the *thread* that started it ends
//! (PR_SET_PDEATHSIG), so whoever starts one here must be a thread that lives as long as the child, and
//! must not be a pool thread. The signal is forgotten when the user id changes: it is set after that, right before the
//! program begins. Elsewhere there is no such signal, and the next start finds what was left (`leftovers`).

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use nix::sys::signal::Signal;
use tokio::process::{Child, Command};

use super::account::Account;

/// A program and everything about how it is run.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// Its working directory, by which `leftovers` knows it again.
    pub(super) directory: PathBuf,
    /// Where its output goes, begun anew at every start.
    pub(super) output: PathBuf,
    pub(super) account: Account,
    /// How its memory is managed; there is no other way to tell it.
    pub(super) memory: &'static [(&'static str, &'static str)],
    /// What the kernel sends it when we are gone.
    pub(super) farewell: Signal,
}

/// Nothing else of our environment reaches the servers: it may hold secrets, and `PG*` variables would steer them.
const PASSED_ON: [&str; 2] = ["PATH", "LD_LIBRARY_PATH"];

impl Launch {
    /// Call it on a thread that lives until the child has ended.
    pub(super) fn spawn(&self) -> std::io::Result<Child> {
        let output = self.open_output()?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(PASSED_ON.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))))
            .env("LC_ALL", "C")
            .envs(self.memory.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Its own group: Ctrl-C on a terminal is for us, and we stop the servers after the last command is answered.
            .process_group(0);
        if let Account::Other { uid, gid } = self.account {
            command.uid(uid).gid(gid);
        }
        die_with_us(&mut command, self.farewell);
        command.spawn()
    }

    fn open_output(&self) -> std::io::Result<File> {
        // Removed first, so that the open is a create and follows no link.
        match std::fs::remove_file(&self.output) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&self.output)?;
        self.account.own_file(&file)?;
        Ok(file)
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn die_with_us(command: &mut Command, farewell: Signal) {
    let us = nix::unistd::getpid();
    // SAFETY: the closure runs in the forked child before exec, where only async-signal-safe calls are sound: prctl
    // and getppid are plain system calls, and building the error value allocates nothing.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(farewell)?;
            // We may have died between the fork and the line above; then nobody will signal this child any more.
            if nix::unistd::getppid() != us {
                return Err(std::io::Error::from_raw_os_error(nix::errno::Errno::ESRCH as i32));
            }
            Ok(())
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_command: &mut Command, _farewell: Signal) {}
