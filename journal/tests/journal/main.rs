//! The journal, its mirror and its followers, against real servers.

#![allow(clippy::unwrap_used, clippy::panic)]

mod append;
mod helpers;
mod own_events;
mod past;
mod postgres_es;
mod relay;
mod relay_wire;
mod subscription;
