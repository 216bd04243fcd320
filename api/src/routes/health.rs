//! Health, for load balancers, for people, and for whoever runs it.

use crate::app::App;
use crate::health::Status;
use crate::openapi::Problems;
use crate::output::Answer;
use crate::problem::{Detail, Problem};
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

/// How this node feels
#[utoipa::path(
    get, path = "/health", tag = "operations",
    responses((status = 200, description = "It serves: ok or degraded", body = serde_json::Value), Problems)
)]
pub(crate) async fn health(State(app): State<App>) -> Result<Response, Problem> {
    let report = app.health().report().await;
    match report.status() {
        Status::Down => Err(not_ready(&report.obstacles())),
        Status::Ok | Status::Degraded => Ok(Answer::ok().json(&report.summary())),
    }
}

/// Whether the process is alive
#[utoipa::path(
    get, path = "/health/live", tag = "operations",
    responses((status = 200, description = "It is", body = serde_json::Value))
)]
pub(crate) async fn live() -> Response {
    Answer::ok().json(&json!({ "status": "ok" }))
}

/// Whether this node can serve requests now
#[utoipa::path(
    get, path = "/health/ready", tag = "operations",
    responses((status = 200, description = "It can", body = serde_json::Value), Problems)
)]
pub(crate) async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    let report = app.health().report().await;
    let obstacles = report.obstacles();
    if obstacles.is_empty() {
        Ok(Answer::ok().json(&json!({ "status": "ready" })))
    } else {
        Err(not_ready(&obstacles))
    }
}

fn not_ready(obstacles: &[&str]) -> Problem {
    Problem::new(Detail::NotReady { obstacles: obstacles.join(", ") })
        .because(&"readiness was asked for")
        .fact("obstacles", obstacles)
}

/// Everything about this node: on loopback or the operations port only
#[utoipa::path(
    get, path = "/health/detailed", tag = "operations",
    responses((status = 200, description = "Component by component", body = serde_json::Value), Problems)
)]
pub(crate) async fn detailed(State(app): State<App>) -> Response {
    Answer::ok().json(&app.health().report().await.detailed())
}
