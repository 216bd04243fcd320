//! The newest quotes, for everybody in this process: each currency's market, ready to be put beside a command.

use domain::Currency;
use domain::trading::market::Market;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use tokio::sync::watch;

pub(super) type Markets = BTreeMap<Currency, Arc<Market>>;

/// A clone costs nothing, and looking costs next to nothing.
#[derive(Clone, Debug)]
pub struct Prices {
    pub(super) latest: watch::Receiver<Markets>,
}

impl Prices {
    /// What was polled last, however old. Nothing, where nobody quotes in that currency.
    pub fn market(&self, currency: Currency) -> Option<Arc<Market>> {
        self.latest.borrow().get(&currency).map(Arc::clone)
    }

    pub fn currencies(&self) -> Vec<Currency> {
        self.latest.borrow().keys().copied().collect()
    }

    /// Waits for quotes that this handle has not waited for yet. Without a poller there are none.
    pub async fn next(&mut self) {
        if self.latest.changed().await.is_err() {
            pending::<()>().await;
        }
    }
}
