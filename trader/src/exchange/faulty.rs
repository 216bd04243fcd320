//! An exchange that things go wrong with, for tests: what it is asked goes to another one, or does not, or does and the
//! answer is lost.

use super::faults::{Chance, Faults};
use super::{Exchange, Point, Queried, Submitted, Terms};
use async_trait::async_trait;
use domain::trading::{ExchangeName, Intent};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::sleep;
use uuid::Uuid;

#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn Exchange>,
    faults: Faults,
    /// Questions so far.
    asked: AtomicU64,
}

impl Faulty {
    pub fn new(inner: Arc<dyn Exchange>, faults: Faults) -> Self {
        Self { inner, faults, asked: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Exchange for Faulty {
    fn name(&self) -> ExchangeName {
        self.inner.name()
    }

    fn terms(&self) -> &Terms {
        self.inner.terms()
    }

    async fn submit(&self, account: Uuid, intent: &Intent) -> Submitted {
        let befalls = |chance| self.faults.befalls(chance, intent.order_id);
        if self.faults.hangs(intent) {
            pending::<()>().await;
        }
        sleep(self.faults.delay).await;
        if befalls(Chance::Reject) {
            return Submitted::rejected("injected", "declined by the fault injector");
        }
        if befalls(Chance::DropRequest) {
            return Submitted::unknown("the request was lost by the fault injector");
        }
        let submitted = self.inner.submit(account, intent).await;
        self.faults.pauses.at(Point::Sent).await;
        if befalls(Chance::DropResponse) {
            return Submitted::unknown("the answer was lost by the fault injector");
        }
        submitted
    }

    async fn query(&self, account: Uuid, intent: &Intent) -> Queried {
        if self.faults.is_unavailable(self.asked.fetch_add(1, Ordering::Relaxed)) {
            return Queried::Unavailable { cause: "not asked by the fault injector".to_owned() };
        }
        self.inner.query(account, intent).await
    }
}
