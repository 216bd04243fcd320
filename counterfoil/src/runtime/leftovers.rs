//! Servers of an earlier counterfoil that are still on their way out (after a `kill -9` a postmaster may need some
//! time to end its backends). Whoever holds the data directory's lock is the only rightful user of it, so
//! what still runs there is waited for, then ended. A server is known by its working directory *and* its program: a
//! person's shell in that directory is left alone, and a process that merely inherited the number in a stale
//! pid file is never mistaken for it.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::error::RuntimeError;

/// A postmaster that was told to quit kills backends that linger after 5 s; twice that is patience enough.
const PATIENCE: Duration = Duration::from_secs(10);
/// After SIGKILL only the kernel has work left.
const PATIENCE_AFTER_KILL: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// Comes back when no `program` runs in `directory` any more.
pub(super) async fn clear(
    server: &'static str,
    program: &Path,
    directory: &Path,
    farewell: Signal,
) -> Result<(), RuntimeError> {
    let running = running_in(directory, program);
    if running.is_empty() {
        return Ok(());
    }
    tracing::warn!(event = "leftover_found", server, pids = ?running, "an earlier server is still ending");
    for (signal, patience) in [(farewell, PATIENCE), (Signal::SIGKILL, PATIENCE_AFTER_KILL)] {
        for pid in running_in(directory, program) {
            // An error means that it is gone already, or not ours: the wait below tells.
            let _gone = kill(Pid::from_raw(pid), signal);
        }
        if gone_within(patience, directory, program).await {
            return Ok(());
        }
    }
    let pids = running_in(directory, program);
    Err(RuntimeError::Leftover { server, path: directory.to_path_buf(), pids })
}

async fn gone_within(patience: Duration, directory: &Path, program: &Path) -> bool {
    let deadline = Instant::now() + patience;
    while !running_in(directory, program).is_empty() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
    true
}

#[cfg(target_os = "linux")]
fn running_in(directory: &Path, program: &Path) -> Vec<i32> {
    let (Ok(directory), Ok(program)) = (directory.canonicalize(), program.canonicalize()) else {
        return Vec::new();
    };
    let Some(name) = program.file_name() else {
        return Vec::new();
    };
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            let of = |what: &str| std::fs::read_link(format!("/proc/{pid}/{what}"));
            // Only the name of the program: an upgrade may have replaced the file it was started from.
            of("cwd").is_ok_and(|cwd| cwd == directory)
                && of("exe").is_ok_and(|exe| {
                    exe.file_name().is_some_and(|exe| {
                        exe.to_string_lossy().trim_end_matches(" (deleted)") == name.to_string_lossy()
                    })
                })
        })
        .collect()
}

/// Without /proc the servers' own checks (pid file, shared memory) are all there is.
#[cfg(not(target_os = "linux"))]
fn running_in(_directory: &Path, _program: &Path) -> Vec<i32> {
    Vec::new()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn a_program_left_in_the_directory_is_ended_and_others_are_left_alone() {
        let dir = std::env::temp_dir().join(format!("counterfoil-leftovers-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let sleep =
            ["/usr/bin/sleep", "/bin/sleep"].iter().map(Path::new).find(|path| path.exists()).unwrap();
        let mut here = Command::new(sleep).arg("600").current_dir(&dir).spawn().unwrap();
        let mut elsewhere = Command::new(sleep).arg("600").spawn().unwrap();
        let reaper = std::thread::spawn(move || here.wait().unwrap());
        while running_in(&dir, sleep).is_empty() {
            tokio::task::yield_now().await;
        }
        clear("sleep", sleep, &dir, Signal::SIGQUIT).await.unwrap();
        assert!(!reaper.join().unwrap().success());
        assert!(elsewhere.try_wait().unwrap().is_none());
        elsewhere.kill().unwrap();
        elsewhere.wait().unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
