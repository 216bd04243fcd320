//! The door to the database: a pool, its limits, and the migrations.

use crate::JournalError;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use std::str::FromStr;
use std::time::Duration;

/// How long anybody waits for a connection before the answer is 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

#[derive(Clone, Debug)]
pub struct Journal {
    pool: PgPool,
    options: PgConnectOptions,
}

#[derive(Clone, Debug)]
pub struct JournalOptions {
    pub database_url: String,
    /// Connections for reading; the writer has one of its own.
    pub connections_max: u32,
}

impl Journal {
    pub async fn connect(options: &JournalOptions) -> Result<Self, JournalError> {
        let connect = PgConnectOptions::from_str(&options.database_url)?
            .application_name("counterfoil")
            // A client that stops in the middle must not hold the head's row for ever, and a dead peer must be noticed.
            .options([
                ("idle_in_transaction_session_timeout", "5s"),
                ("tcp_user_timeout", "5s"),
                ("lock_timeout", "10s"),
                ("timezone", "UTC"),
            ])
            .log_statements(tracing::log::LevelFilter::Off);
        let pool = PgPoolOptions::new()
            .max_connections(options.connections_max)
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(connect.clone())
            .await?;
        Ok(Self { pool, options: connect })
    }

    #[cfg(test)]
    pub(crate) const fn lazy(pool: PgPool, options: PgConnectOptions) -> Self {
        Self { pool, options }
    }

    pub async fn migrate(&self) -> Result<(), JournalError> {
        Ok(MIGRATIONS.run(&self.pool).await?)
    }

    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection outside the pool, for who needs a session of their own.
    pub async fn connection(&self) -> Result<sqlx::PgConnection, JournalError> {
        Ok(self.options.connect().await?)
    }

    /// Hears what is notified on a channel, on a connection of its own.
    pub async fn listen(&self, channel: &str) -> Result<PgListener, JournalError> {
        let own = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(self.options.clone());
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(channel).await?;
        Ok(listener)
    }
}
