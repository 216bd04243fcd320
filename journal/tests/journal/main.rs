//! The journal, its mirror and its followers, against real servers.

mod append;
mod helpers;
mod postgres_es;
mod relay;
mod subscription;
