//! What is done now and then, beside a counterfoil that serves or without one: rebuilding read models, and telling the
//! relay which story is true.

use std::time::Duration;

use commands::vault::Vault;
use journal::relay::{self, RelayError, RelayOptions};
use journal::{Journal, JournalError, JournalOptions, Nats, NatsError, NatsOptions};
use projections::{Progress, RebuildError, RebuildOptions, Rebuilt};

use crate::config::Place;
use crate::servers::{Servers, ServersError};

/// A rebuild reads ahead on a second connection and asks for the head on a third.
const CONNECTIONS_MAX: u32 = 4;
/// A server that was just started needs a moment.
const NATS_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    #[error(transparent)]
    Servers(#[from] ServersError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    #[error(transparent)]
    Nats(#[from] NatsError),
    #[error(transparent)]
    Relay(#[from] RelayError),
}

/// Folds a read model, or all of them, from the first event on into a new generation, and switches to it.
pub async fn rebuild(place: &Place, name: &str, verify: bool) -> Result<Vec<Rebuilt>, MaintenanceError> {
    let servers = Servers::reach(place).await?;
    let result = rebuild_on(&servers, name, verify).await;
    servers.stop().await;
    result
}

async fn rebuild_on(servers: &Servers, name: &str, verify: bool) -> Result<Vec<Rebuilt>, MaintenanceError> {
    let journal = open(servers).await?;
    let vault = Vault::following(servers.rings()?, journal.clone());
    let projections = projections::all(std::sync::Arc::new(vault));
    let rebuilt = projections::rebuild(&journal, &projections, name, RebuildOptions { verify }).await;
    journal.pool().close().await;
    Ok(rebuilt?)
}

/// Declares the journal to be right: deletes the stream, fills it again from the first event on, and lets writers lead.
/// Answers how many events were published from here.
pub async fn reset_relay(place: &Place, replicas: usize) -> Result<u64, MaintenanceError> {
    let servers = Servers::reach(place).await?;
    let result = reset_on(&servers, replicas).await;
    servers.stop().await;
    result
}

async fn reset_on(servers: &Servers, replicas: usize) -> Result<u64, MaintenanceError> {
    let journal = open(servers).await?;
    let url = servers.nats_url().unwrap_or_default().to_owned();
    let nats = Nats::connect(&NatsOptions { url, credentials: None }).await?;
    nats.wait_until_ready(NATS_WITHIN).await?;
    let mut progress = Progress::begin("stream", journal.head().await?.position);
    let published = relay::reset(&journal, &nats, RelayOptions { replicas }, |at| progress.reached(at)).await;
    if published.is_ok() {
        progress.done(journal.head().await?.position);
    }
    journal.pool().close().await;
    Ok(published?)
}

pub(crate) async fn open(servers: &Servers) -> Result<Journal, JournalError> {
    let options =
        JournalOptions { database_url: servers.database_url().to_owned(), connections_max: CONNECTIONS_MAX };
    let journal = Journal::connect(&options).await?;
    journal.migrate().await?;
    Ok(journal)
}
