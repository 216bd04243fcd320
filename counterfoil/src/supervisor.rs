//! The one place where long-lived tasks are started. Nothing dies silently: a task that ends before it was asked to is
//! logged, and stands in `Tasks` with its reason, which turns readiness red. Shutdown closes the doors first, and asks the
//! rest when nobody inside needs it any more; it waits, bounded, for all to finish what they hold.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    Running,
    /// Ended when asked.
    Stopped,
    /// Ended by itself; the reason is for health and the log.
    Failed(String),
}

/// The state of every task by name; cheap to share with whoever reports health.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Arc<Mutex<BTreeMap<&'static str, TaskState>>>);

/// When a task is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// First: it lets requests in, and those that are in are answered by the rest.
    Door,
    Inside,
}

#[derive(Debug, Default)]
pub struct Supervisor {
    doors: Group,
    inside: Group,
    tasks: Tasks,
}

/// Tasks that are asked to end together.
#[derive(Debug, Default)]
struct Group {
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Group {
    /// Whether all ended in time.
    async fn end(&self, patience: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(patience, self.tracker.wait()).await.is_ok()
    }
}

impl Supervisor {
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when what is inside is asked to end.
    pub fn token(&self) -> CancellationToken {
        self.inside.stop.clone()
    }

    pub fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// Starts a task that is to run until its token is cancelled. Names are unique: the second of a name replaces the
    /// first in the report.
    pub fn start<F, E>(&self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        self.start_at(Stage::Inside, name, task);
    }

    pub fn start_at<F, E>(&self, when: Stage, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let group = match when {
            Stage::Door => &self.doors,
            Stage::Inside => &self.inside,
        };
        let (stop, tasks) = (group.stop.clone(), self.tasks.clone());
        let task = AssertUnwindSafe(task(stop.clone())).catch_unwind();
        tasks.set(name, TaskState::Running);
        group.tracker.spawn(async move {
            let state = match task.await {
                Err(panic) => TaskState::Failed(format!("panicked: {}", panic_message(panic.as_ref()))),
                Ok(Err(error)) => TaskState::Failed(error.to_string()),
                Ok(Ok(())) if stop.is_cancelled() => TaskState::Stopped,
                Ok(Ok(())) => TaskState::Failed("ended by itself".to_owned()),
            };
            if let TaskState::Failed(reason) = &state {
                tracing::error!(event = "task_failed", task = name, error_message = %reason);
            }
            tasks.set(name, state);
        });
    }

    /// Asks the doors to end and waits at most `drain` for them, then the rest and at most `patience`. Answers with the
    /// names of those that did not.
    pub async fn stop(self, drain: Duration, patience: Duration) -> Vec<&'static str> {
        let closed = self.doors.end(drain).await;
        if self.inside.end(patience).await && closed {
            return Vec::new();
        }
        let late = self.tasks.named(&TaskState::Running);
        tracing::error!(event = "tasks_did_not_stop", tasks = ?late);
        late
    }
}

impl Tasks {
    pub fn report(&self) -> Vec<(&'static str, TaskState)> {
        self.lock().iter().map(|(name, state)| (*name, state.clone())).collect()
    }

    fn named(&self, wanted: &TaskState) -> Vec<&'static str> {
        self.lock().iter().filter(|(_, state)| *state == wanted).map(|(name, _)| *name).collect()
    }

    fn set(&self, name: &'static str, state: TaskState) {
        self.lock().insert(name, state);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, TaskState>> {
        // A map of finished values: whoever panicked while holding it left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn all_running(tasks: &Tasks) -> bool {
        tasks.report().iter().all(|(_, state)| *state == TaskState::Running)
    }

    async fn until_not_running(tasks: &Tasks) {
        while all_running(tasks) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn tasks_that_end_when_asked_are_not_failures() {
        let supervisor = Supervisor::new();
        supervisor.start("relay", |stop| async move {
            stop.cancelled().await;
            Ok::<(), Infallible>(())
        });
        let tasks = supervisor.tasks();
        assert!(all_running(&tasks));
        assert!(supervisor.stop(LONG, LONG).await.is_empty());
        assert_eq!(tasks.report(), [("relay", TaskState::Stopped)]);
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_turns_readiness_red() {
        let supervisor = Supervisor::new();
        supervisor.start("relay", |_stop| async { Ok::<(), Infallible>(()) });
        until_not_running(&supervisor.tasks()).await;
        assert_eq!(supervisor.tasks().report(), [("relay", TaskState::Failed("ended by itself".into()))]);
    }

    #[tokio::test]
    async fn an_error_and_a_panic_are_reported_with_their_reason() {
        let supervisor = Supervisor::new();
        supervisor.start("error", |_stop| async { Err("the stream is gone") });
        until_not_running(&supervisor.tasks()).await;
        supervisor.start("panic", |_stop| async {
            assert!(std::hint::black_box(false), "a bug");
            Ok::<(), Infallible>(())
        });
        let tasks = supervisor.tasks();
        assert!(supervisor.stop(LONG, LONG).await.is_empty());
        assert_eq!(
            tasks.report(),
            [
                ("error", TaskState::Failed("the stream is gone".into())),
                ("panic", TaskState::Failed("panicked: a bug".into())),
            ]
        );
    }

    #[tokio::test]
    async fn shutdown_is_bounded_and_names_who_did_not_end() {
        let supervisor = Supervisor::new();
        supervisor.start("stuck", |_stop| std::future::pending::<Result<(), Infallible>>());
        assert_eq!(supervisor.stop(LONG, Duration::from_millis(1)).await, ["stuck"]);
    }

    #[tokio::test]
    async fn the_door_is_closed_before_anything_inside_is_asked_to_end() {
        let supervisor = Supervisor::new();
        let inside = supervisor.token();
        supervisor.start_at(Stage::Door, "door", |stop| async move {
            stop.cancelled().await;
            // A request that is in: it needs who is inside.
            tokio::task::yield_now().await;
            if inside.is_cancelled() { Err("nobody there to answer") } else { Ok(()) }
        });
        supervisor.start("writer", |stop| async move {
            stop.cancelled().await;
            Ok::<(), Infallible>(())
        });
        let tasks = supervisor.tasks();
        assert!(supervisor.stop(LONG, LONG).await.is_empty());
        assert_eq!(tasks.report(), [("door", TaskState::Stopped), ("writer", TaskState::Stopped)]);
    }
}
