//! What the tests here share.

use async_trait::async_trait;
use domain::UserId;
use journal::subscription::{Checkpoints, Feed, Outcome, Subscription};
use journal::{Journal, JournalOptions, OpenError, OpenSealed, SealedField, Tail};
use projections::{Projection, ProjectionWorker, ReadModels, all, follow};
use std::collections::HashSet;
use std::sync::Arc;
use testkit::Postgres;

/// A journal with nothing in it, and everything that follows it.
pub(crate) struct World {
    pub(crate) journal: Journal,
    pub(crate) feed: Feed,
    pub(crate) read_models: ReadModels,
    postgres: Postgres,
    url: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        let postgres = Postgres::start().await;
        let url = postgres.database().await;
        let options = JournalOptions { database_url: url.clone(), connections_max: 8 };
        let journal = Journal::connect(&options).await.unwrap();
        let (tail, checkpoints) = (Tail::new(0), Checkpoints::default());
        let read_models = ReadModels::new(journal.clone(), tail.clone(), checkpoints.clone());
        let feed = Feed { journal: journal.clone(), tail, nats: None, checkpoints };
        Self { journal, feed, read_models, postgres, url }
    }

    pub(crate) async fn backup(&self) -> String {
        self.postgres.backup_database(&self.url).await
    }

    /// Puts the database back to a backup, under whoever is running.
    pub(crate) async fn restore(&self, backup: &str) {
        self.postgres.restore_database(&self.url, backup).await;
    }

    pub(crate) fn follow(&self, name: &str) -> Subscription<ProjectionWorker> {
        follow(&self.feed, projection(name))
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.journal.pool()).await.unwrap()
    }
}

pub(crate) fn projections() -> Vec<Arc<dyn Projection>> {
    all(Arc::new(PlainWords::default()))
}

pub(crate) fn projection(name: &str) -> Arc<dyn Projection> {
    projections().into_iter().find(|projection| projection.name() == name).unwrap()
}

/// Drives a subscription until it has nothing to do.
pub(crate) async fn drain(subscription: &mut Subscription<ProjectionWorker>) {
    while subscription.run_once().await.unwrap() != Outcome::UpToDate {}
}

/// The tests' sealed values are plain words; some users are erased.
#[derive(Default)]
pub(crate) struct PlainWords {
    pub(crate) erased: HashSet<UserId>,
}

#[async_trait]
impl OpenSealed for PlainWords {
    async fn open_many(&self, fields: &[SealedField]) -> Result<Vec<Option<String>>, OpenError> {
        let open = |field: &SealedField| {
            (!self.erased.contains(&field.user)).then(|| format!("{}: {}", field.field, field.value.sealed))
        };
        Ok(fields.iter().map(open).collect())
    }
}
