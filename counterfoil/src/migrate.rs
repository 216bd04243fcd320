//! `counterfoil migrate`: the tables, brought up to this version.

use journal::{Journal, JournalError, JournalOptions};

use crate::config::Place;
use crate::servers::{Servers, ServersError};

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error(transparent)]
    Servers(#[from] ServersError),
    #[error("cannot migrate the database: {0}")]
    Journal(#[from] JournalError),
}

pub async fn migrate(place: &Place) -> Result<(), MigrateError> {
    let servers = Servers::reach(place).await?;
    let result = run(servers.database_url()).await;
    servers.stop().await;
    Ok(result?)
}

async fn run(database_url: &str) -> Result<(), JournalError> {
    // Migrations take a lock and run one after the other: one connection is all they use.
    let options = JournalOptions { database_url: database_url.to_owned(), connections_max: 1 };
    let journal = Journal::connect(&options).await?;
    journal.migrate().await?;
    journal.pool().close().await;
    Ok(())
}
