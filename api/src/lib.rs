//! The HTTP door: takes requests in, calls one use case or one query each, and maps what comes back.
//!
//! [`router`] is the table of contents, `routes/<noun>/<verb>` the handlers. What happens around every request is in
//! `door`, what can go wrong in `problem`, who asks in `auth`; `input` and `output` are the shapes of both directions.

mod app;
mod application;
mod auth;
mod directory;
mod door;
mod etag;
mod health;
mod input;
mod limits;
mod markets;
mod openapi;
mod output;
mod parameters;
mod problem;
mod remembered;
mod router;
mod routes;
mod server;
mod settings;
mod telemetry;

pub use application::{Application, BuildError};
pub use domain::{Network, NotANetwork};
pub use health::{Component, Finding, HealthSources, Status};
pub use limits::RateLimit;
pub use markets::Markets;
pub use router::openapi;
pub use server::DRAIN_WITHIN;
pub use settings::{Edge, Parts, Settings};
pub use telemetry::install_metrics;
