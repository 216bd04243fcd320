//! Whether this node can serve, and how everything it is made of feels.
//!
//! The binary names the components and how to ask each; asking is instant, because a component keeps its own state.
//! Only the database is asked for real, and at most a few times a second however often somebody asks us.

mod report;

pub use report::Status;
pub(crate) use report::{ComponentReport, HealthReport};

use commands::Commands;
use journal::Journal;
use projections::{ProjectionHealth, ReadModels};
use serde_json::Value;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A database that does not answer a one-row question by then is not there.
const DATABASE_WITHIN: Duration = Duration::from_secs(2);
/// How long one look at the database serves everybody who asks.
const FRESH_FOR: Duration = Duration::from_millis(250);

/// What one component says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub status: Status,
    /// For people: why it is not well.
    pub reason: Option<String>,
    /// Figures, such as a lag.
    pub facts: Vec<(&'static str, Value)>,
}

impl Finding {
    pub const fn ok() -> Self {
        Self { status: Status::Ok, reason: None, facts: Vec::new() }
    }

    pub fn degraded(reason: impl Into<String>) -> Self {
        Self { status: Status::Degraded, reason: Some(reason.into()), facts: Vec::new() }
    }

    pub fn down(reason: impl Into<String>) -> Self {
        Self { status: Status::Down, reason: Some(reason.into()), facts: Vec::new() }
    }

    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push((name, value.into()));
        self
    }
}

/// A part of this node: its writer, its relay, a projection, its tasks.
pub struct Component {
    pub name: String,
    /// Whether the node cannot serve without it.
    pub is_needed: bool,
    pub ask: Box<dyn Fn() -> Finding + Send + Sync>,
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Filled in by the binary: what this node consists of beside its database.
#[derive(Debug, Default)]
pub struct HealthSources {
    pub roles: String,
    pub components: Vec<Component>,
}

#[derive(Debug)]
pub(crate) struct Health {
    sources: HealthSources,
    journal: Journal,
    commands: Commands,
    read_models: ReadModels,
    started: Instant,
    is_draining: AtomicBool,
    database: Mutex<Option<(Instant, Vec<ComponentReport>)>>,
}

impl Health {
    pub(crate) fn new(
        sources: HealthSources,
        journal: Journal,
        commands: Commands,
        read_models: ReadModels,
    ) -> Self {
        Self {
            sources,
            journal,
            commands,
            read_models,
            started: Instant::now(),
            is_draining: AtomicBool::new(false),
            database: Mutex::new(None),
        }
    }

    /// From now on nobody new should be sent here.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    pub(crate) async fn report(&self) -> HealthReport {
        let queue = Finding::ok().fact("queue", self.commands.queue_depth());
        let asked = self.sources.components.iter().map(|component| ComponentReport {
            name: component.name.clone(),
            is_needed: component.is_needed,
            finding: (component.ask)(),
        });
        let sequencer = ComponentReport { name: "sequencer".to_owned(), is_needed: false, finding: queue };
        HealthReport {
            is_draining: self.is_draining.load(Ordering::Relaxed),
            uptime: self.started.elapsed(),
            roles: self.sources.roles.clone(),
            components: merge(self.in_database().await.into_iter().chain([sequencer]).chain(asked)),
        }
    }

    /// The database, and what stands in it about the projections.
    async fn in_database(&self) -> Vec<ComponentReport> {
        let mut known = self.database.lock().await;
        if let Some((asked, reports)) = &*known
            && asked.elapsed() < FRESH_FOR
        {
            return reports.clone();
        }
        let projections = tokio::time::timeout(DATABASE_WITHIN, self.read_models.health());
        let (database, projections) = tokio::join!(self.ask_database(), projections);
        let projections =
            projections.ok().and_then(Result::ok).unwrap_or_default().into_iter().map(projection);
        let database = ComponentReport { name: "postgres".to_owned(), is_needed: true, finding: database };
        let reports: Vec<_> = std::iter::once(database).chain(projections).collect();
        *known = Some((Instant::now(), reports.clone()));
        reports
    }

    async fn ask_database(&self) -> Finding {
        let began = Instant::now();
        match tokio::time::timeout(DATABASE_WITHIN, self.journal.head()).await {
            Ok(Ok(head)) => Finding::ok()
                .fact("position", head.position)
                .fact("epoch", head.epoch)
                .fact("leader", head.leader)
                .fact("leader_silent_ms", head.silent_ms)
                .fact("halted", head.halted)
                .fact("answered_us", u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)),
            Ok(Err(error)) => Finding::down(error.to_string()),
            Err(_) => Finding::down("no answer in time"),
        }
    }
}

/// What the database and the process say of the same component is one report: the worse status, all that is known.
/// Where both tell a figure, the process does so from nearer.
fn merge(reports: impl Iterator<Item = ComponentReport>) -> Vec<ComponentReport> {
    let mut merged: Vec<ComponentReport> = Vec::new();
    for report in reports {
        match merged.iter_mut().find(|known| known.name == report.name) {
            None => merged.push(report),
            Some(known) => {
                let Finding { status, reason, facts } = report.finding;
                known.is_needed |= report.is_needed;
                known.finding.status = known.finding.status.max(status);
                known.finding.reason = known.finding.reason.take().or(reason);
                known.finding.facts.extend(facts);
            }
        }
    }
    merged
}

fn projection(health: ProjectionHealth) -> ComponentReport {
    let finding = health.failure.map_or_else(Finding::ok, Finding::degraded);
    let finding = finding
        .fact("position", health.position)
        .fact("lag", health.lag)
        .fact("generation", health.generation)
        .fact("version", health.version);
    ComponentReport { name: format!("projection_{}", health.name), is_needed: false, finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_component_that_two_tell_of_is_one_report() {
        let report = |finding| ComponentReport { name: "wallets".to_owned(), is_needed: false, finding };
        let stored = report(Finding::degraded("a row was bad").fact("lag", 7).fact("generation", 2));
        let running = report(Finding::ok().fact("lag", 3));
        let merged = merge([stored, running].into_iter());
        let [only] = merged.as_slice() else { panic!("{merged:?}") };
        assert_eq!(only.finding.status, Status::Degraded);
        assert_eq!(only.finding.reason.as_deref(), Some("a row was bad"));
        let written = report::written(only);
        assert_eq!((&written["generation"], &written["lag"]), (&2.into(), &3.into()));
    }
}
