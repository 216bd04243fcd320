//! What every handler can reach.

use crate::auth::Admission;
use crate::directory::Directory;
use crate::health::Health;
use crate::markets::Markets;
use crate::openapi::Document;
use crate::settings::Settings;
use commands::Commands;
use commands::vault::Vault;
use domain::Currency;
use domain::trading::market::Market;
use journal::Journal;
use metrics_exporter_prometheus::PrometheusHandle;
use projections::ReadModels;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(crate) struct App(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) commands: Commands,
    pub(crate) read_models: ReadModels,
    pub(crate) journal: Journal,
    pub(crate) admission: Admission,
    pub(crate) directory: Directory,
    pub(crate) health: Health,
    pub(crate) markets: Markets,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) document: Document,
}

impl App {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn commands(&self) -> &Commands {
        &self.0.commands
    }

    pub(crate) fn vault(&self) -> &Vault {
        self.0.commands.vault()
    }

    pub(crate) fn read_models(&self) -> &ReadModels {
        &self.0.read_models
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.0.journal
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.0.admission
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.0.directory
    }

    pub(crate) fn health(&self) -> &Health {
        &self.0.health
    }

    /// What is said now of what trades against a currency.
    pub(crate) fn market(&self, currency: Currency) -> Option<Arc<Market>> {
        self.0.markets.of(currency)
    }

    pub(crate) fn metrics(&self) -> &PrometheusHandle {
        &self.0.metrics
    }

    pub(crate) fn document(&self) -> &Document {
        &self.0.document
    }
}
