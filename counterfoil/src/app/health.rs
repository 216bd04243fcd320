//! What each part of this node says when it is asked how it is.

use super::Signs;
use crate::config::Roles;
use crate::supervisor::{TaskState, Tasks};
use api::{Component, Finding, HealthSources};
use commands::WriterState;
use journal::Nats;
use journal::relay::{RelayState, RelayStatus};
use journal::subscription::{SubscriptionState, SubscriptionStatus};
use std::sync::atomic::Ordering;
use tokio::sync::watch;

pub(super) fn sources(roles: &Roles, signs: Signs, nats: Nats, tasks: Tasks) -> HealthSources {
    let is_open = signs.is_open;
    let mut components = vec![
        component("start", true, move || {
            if is_open.load(Ordering::Relaxed) { Finding::ok() } else { Finding::down("still starting") }
        }),
        component("tasks", true, move || tasks_finding(&tasks)),
        component("nats", false, move || match nats.ready() {
            Ok(()) => Finding::ok(),
            Err(error) => Finding::degraded(error.to_string()),
        }),
    ];
    if let Some(writer) = signs.writer {
        components.push(component("writer", true, move || writer_finding(&writer)));
    }
    if let Some(relay) = signs.relay {
        components.push(component("relay", false, move || relay_finding(&relay)));
    }
    for status in signs.projections {
        let name = format!("projection_{}", status.borrow().name);
        components.push(component(name, false, move || projection_finding(&status)));
    }
    if let Some(status) = signs.mailer {
        components.push(component("mailer", false, move || projection_finding(&status)));
    }
    if let Some(status) = signs.timers {
        components.push(component("trading_timers", false, move || projection_finding(&status)));
    }
    HealthSources { roles: roles.to_string(), components }
}

fn component(
    name: impl Into<String>,
    is_needed: bool,
    ask: impl Fn() -> Finding + Send + Sync + 'static,
) -> Component {
    Component { name: name.into(), is_needed, ask: Box::new(ask) }
}

fn tasks_finding(tasks: &Tasks) -> Finding {
    let failed = tasks.report().into_iter().find_map(|(name, state)| match state {
        TaskState::Failed(reason) => Some(format!("{name}: {reason}")),
        _ => None,
    });
    failed.map_or_else(Finding::ok, Finding::down)
}

fn writer_finding(state: &watch::Receiver<WriterState>) -> Finding {
    match &*state.borrow() {
        WriterState::Leading { epoch } => Finding::ok().fact("state", "leading").fact("epoch", *epoch),
        WriterState::Standby => Finding::ok().fact("state", "standby"),
        WriterState::Seeking => Finding::down("nobody is known to lead yet").fact("state", "seeking"),
        WriterState::Halted { reason } => Finding::down(reason.clone()).fact("state", "halted"),
    }
}

fn relay_finding(status: &watch::Receiver<RelayStatus>) -> Finding {
    let status = status.borrow();
    let finding = match &status.state {
        RelayState::Down { reason } => Finding::degraded(reason.clone()),
        RelayState::Halted { reason } => Finding::down(reason.clone()),
        _ => Finding::ok(),
    };
    finding.fact("position", status.position).fact("lag", status.lag)
}

fn projection_finding(status: &watch::Receiver<SubscriptionStatus>) -> Finding {
    let status = status.borrow();
    let finding = match &status.state {
        SubscriptionState::Failed { reason } => Finding::degraded(reason.clone()),
        _ => Finding::ok(),
    };
    finding.fact("position", status.position).fact("lag", status.lag)
}
