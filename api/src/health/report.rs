//! A report on everything, and what follows from it.

use super::Finding;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    /// Something is not well; this node serves.
    Degraded,
    Down,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ComponentReport {
    pub name: String,
    pub is_needed: bool,
    pub finding: Finding,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HealthReport {
    pub is_draining: bool,
    pub uptime: Duration,
    pub roles: String,
    pub components: Vec<ComponentReport>,
}

impl HealthReport {
    /// What keeps this node from serving. Nothing, if it can.
    pub(crate) fn obstacles(&self) -> Vec<&str> {
        let draining = self.is_draining.then_some("shutting down");
        let down = self
            .components
            .iter()
            .filter(|component| component.is_needed && component.finding.status == Status::Down)
            .map(|component| component.name.as_str());
        draining.into_iter().chain(down).collect()
    }

    pub(crate) fn status(&self) -> Status {
        if !self.obstacles().is_empty() {
            return Status::Down;
        }
        let worst = self.components.iter().map(|component| component.finding.status).max();
        // What is down and not needed leaves the node serving, and not well.
        worst.unwrap_or(Status::Ok).min(Status::Degraded)
    }

    /// For everybody.
    pub(crate) fn summary(&self) -> Value {
        json!({ "status": self.status(), "version": env!("CARGO_PKG_VERSION") })
    }

    /// For whoever runs it.
    pub(crate) fn detailed(&self) -> Value {
        let components: Map<String, Value> =
            self.components.iter().map(|component| (component.name.clone(), written(component))).collect();
        json!({
            "status": self.status(),
            "version": env!("CARGO_PKG_VERSION"),
            "roles": self.roles,
            "uptime_s": self.uptime.as_secs(),
            "draining": self.is_draining,
            "components": components,
        })
    }
}

pub(super) fn written(component: &ComponentReport) -> Value {
    let finding = &component.finding;
    let mut members = Map::new();
    members.insert("status".to_owned(), json!(finding.status));
    members.insert("needed".to_owned(), component.is_needed.into());
    if let Some(reason) = &finding.reason {
        members.insert("reason".to_owned(), reason.as_str().into());
    }
    members.extend(finding.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(components: Vec<(&str, bool, Finding)>) -> HealthReport {
        let component = |(name, is_needed, finding): (&str, bool, Finding)| ComponentReport {
            name: name.to_owned(),
            is_needed,
            finding,
        };
        HealthReport {
            is_draining: false,
            uptime: Duration::from_secs(7),
            roles: "api".to_owned(),
            components: components.into_iter().map(component).collect(),
        }
    }

    #[test]
    fn a_node_without_its_database_cannot_serve() {
        let report = report(vec![("postgres", true, Finding::down("gone")), ("nats", false, Finding::ok())]);
        assert_eq!(report.obstacles(), ["postgres"]);
        assert_eq!(report.status(), Status::Down);
    }

    #[test]
    fn one_failed_projection_does_not_take_the_node_out() {
        let report =
            report(vec![("postgres", true, Finding::ok()), ("wallets", false, Finding::down("an error"))]);
        assert!(report.obstacles().is_empty());
        assert_eq!(report.status(), Status::Degraded);
    }

    #[test]
    fn whoever_is_leaving_takes_nobody_in() {
        let mut report = report(vec![("postgres", true, Finding::ok())]);
        assert_eq!(report.status(), Status::Ok);
        report.is_draining = true;
        assert_eq!(report.obstacles(), ["shutting down"]);
    }

    #[test]
    fn details_are_for_whoever_runs_it() {
        let report = report(vec![("relay", false, Finding::degraded("behind").fact("lag", 12))]);
        assert_eq!(report.detailed()["components"]["relay"]["lag"], 12);
        assert_eq!(report.detailed()["components"]["relay"]["reason"], "behind");
        assert!(report.summary().get("components").is_none());
    }
}
