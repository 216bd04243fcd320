//! Keeps one server running. Each has a thread of its own that starts it, waits for it, and starts it again when it
//! dies: so the thread lives as long as its server (which `child` needs), and only one task ever waits for the
//! process or signals it, so no signal can hit a process number that was given to somebody else.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::child::Launch;
use super::error::RuntimeError;
use super::{last_words, leftovers};

#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) launch: Launch,
    /// The polite request to end.
    pub(super) stop: Signal,
    /// How long that may take before the server is ended without manners.
    pub(super) patience: Duration,
    /// Says which process owns the directory. Meaningless, and in the way, once none runs there.
    pub(super) pid_file: Option<PathBuf>,
    /// For a person who wants to know more.
    pub(super) log: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Starting,
    Running { pid: u32 },
    Down { reason: String },
}

#[derive(Debug)]
pub(super) struct Keeper {
    server: Server,
    stop: CancellationToken,
    condition: watch::Receiver<Condition>,
}

/// From one lost connection's worth to what a person still takes for "soon".
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A server that ran this long has shown that it can: the next pause is short again.
const PROVEN_AFTER: Duration = Duration::from_mins(1);
/// After SIGKILL only the kernel has work left.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

impl Keeper {
    pub(super) fn start(server: Server) -> Result<Keeper, RuntimeError> {
        let stop = CancellationToken::new();
        let (report, condition) = watch::channel(Condition::Starting);
        let (kept, order) = (server.clone(), stop.clone());
        std::thread::Builder::new()
            .name(format!("keep-{}", server.name))
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => runtime.block_on(keep(&kept, &order, &report)),
                    Err(error) => drop(report.send_replace(Condition::Down { reason: error.to_string() })),
                }
            })
            .map_err(RuntimeError::file("start a thread for", server.launch.program.clone()))?;
        Ok(Keeper { server, stop, condition })
    }

    /// Comes back when `ready` says so; fails when the server ends before that, or takes longer than `limit`.
    pub(super) async fn wait_until<F, Fut>(&self, limit: Duration, mut ready: F) -> Result<(), RuntimeError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = bool>,
    {
        let deadline = Instant::now() + limit;
        let mut pause = Duration::from_millis(5);
        let mut condition = self.condition.clone();
        while !ready().await {
            if let Condition::Down { reason } = &*condition.borrow_and_update() {
                return Err(self.not_started(reason.clone()));
            }
            if Instant::now() >= deadline {
                return Err(RuntimeError::NotReady {
                    server: self.server.name,
                    seconds: limit.as_secs(),
                    log: self.server.log.clone(),
                });
            }
            // Quick at first, because a warm start takes a tenth of a second; slower for a long recovery.
            let _news = timeout(pause, condition.changed()).await;
            pause = (pause * 5 / 4).min(Duration::from_millis(250));
        }
        Ok(())
    }

    /// Ends the server, politely if it lets us, and comes back when it is gone.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        // The thread drops its end of the channel as the last thing it does.
        while self.condition.changed().await.is_ok() {}
    }

    fn not_started(&self, reason: String) -> RuntimeError {
        RuntimeError::NotStarted { server: self.server.name, reason, log: self.server.log.clone() }
    }
}

/// Without `stop` nobody waits for the end, but it comes all the same.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn keep(server: &Server, stop: &CancellationToken, report: &watch::Sender<Condition>) {
    let mut pause = FIRST_PAUSE;
    let mut failures = 0_u64;
    while !stop.is_cancelled() {
        let began = Instant::now();
        let reason = match start(server).await {
            Err(reason) => reason,
            Ok(mut child) => {
                if failures > 0 {
                    tracing::info!(event = "server_restarted", server = server.name, failures);
                }
                report.send_replace(Condition::Running { pid: child.id().unwrap_or_default() });
                tokio::select! {
                    status = child.wait() => why_it_ended(server, &status),
                    () = stop.cancelled() => return end(server, child).await,
                }
            }
        };
        tracing::error!(
            event = "server_down",
            server = server.name,
            error_message = reason,
            "starting it again"
        );
        report.send_replace(Condition::Down { reason });
        failures += 1;
        if began.elapsed() >= PROVEN_AFTER {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = stop.cancelled() => {}
        }
    }
}

async fn start(server: &Server) -> Result<Child, String> {
    let launch = &server.launch;
    leftovers::clear(server.name, &launch.program, &launch.directory, launch.farewell)
        .await
        .map_err(|error| error.to_string())?;
    // Where leftovers can be seen, none is left, so the file lies. (Elsewhere the server judges it itself.)
    if cfg!(target_os = "linux")
        && let Some(pid_file) = &server.pid_file
    {
        let _not_there = std::fs::remove_file(pid_file);
    }
    let child = launch.spawn().map_err(|error| format!("{}: {error}", launch.program.display()))?;
    tracing::debug!(event = "server_started", server = server.name, pid = child.id());
    Ok(child)
}

fn why_it_ended(server: &Server, status: &std::io::Result<ExitStatus>) -> String {
    let (ended, by_itself) = match status {
        Ok(status) => (status.to_string(), status.code().is_some()),
        Err(error) => (error.to_string(), false),
    };
    // A server that was killed had no time for a last word: what stands in its log is about something else.
    match last_words::of(&server.launch.output, &server.log) {
        Some(line) if by_itself => format!("{ended}: {line}"),
        _ => ended,
    }
}

async fn end(server: &Server, mut child: Child) {
    for (signal, patience) in [
        (server.stop, server.patience),
        (server.launch.farewell, KILL_PATIENCE),
        (Signal::SIGKILL, KILL_PATIENCE),
    ] {
        // No number: it has been waited for already.
        let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) else {
            return;
        };
        let _gone = kill(Pid::from_raw(pid), signal);
        if timeout(patience, child.wait()).await.is_ok() {
            tracing::debug!(event = "server_stopped", server = server.name);
            return;
        }
        tracing::warn!(event = "server_slow_to_stop", server = server.name, signal = signal.as_str());
    }
}
