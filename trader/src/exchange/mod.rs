//! Where orders go: one door for paper and for real.
//!
//! An order is sent once, and an answer is never a mere error: it was taken, it was executed, it was declined, or nobody
//! knows. Who does not know asks later, by the order's id, and never sends again: an exchange remembers ids of open
//! orders only, so a second sending buys a second time.

mod faults;
mod faulty;
mod paper;
mod pauses;
mod terms;

pub use faults::{BadFaults, Faults};
pub use faulty::Faulty;
pub use paper::{FeeIn, KEPT_FOR, Model, PRUNED_AT_ONCE, Paper};
pub use pauses::{Pauses, Point};
pub use terms::Terms;

use async_trait::async_trait;
use domain::Timestamp;
use domain::trading::{ExchangeName, Fill, Intent, Outcome};
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

#[async_trait]
pub trait Exchange: Send + Sync + fmt::Debug {
    fn name(&self) -> ExchangeName;

    /// What it asks of orders, and what it takes for them.
    fn terms(&self) -> &Terms;

    /// Sends an order, once. The exchange lets it in until `valid_until` by its own clock. There is no limit to how long
    /// the answer takes: whoever stops waiting knows nothing.
    async fn submit(&self, account: Uuid, intent: &Intent) -> Submitted;

    /// Asks what became of an order.
    async fn query(&self, account: Uuid, intent: &Intent) -> Queried;
}

/// What sending an order came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// Taken, and nothing more is known yet.
    Accepted,
    Filled {
        fills: Vec<Fill>,
    },
    /// Declined, and that is final: it was not executed and never will be.
    Rejected {
        code: String,
        message: String,
    },
    /// It may have been executed, or may yet be.
    Unknown {
        cause: String,
    },
}

/// What an exchange knows of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queried {
    /// Taken, and not done yet.
    Accepted,
    Filled {
        fills: Vec<Fill>,
    },
    Rejected {
        code: String,
        message: String,
    },
    /// It knew of no such order at that time, which is its own.
    NotFound {
        as_of: Timestamp,
    },
    /// It cannot be asked, or its answer says nothing.
    Unavailable {
        cause: String,
    },
}

impl Submitted {
    pub(crate) fn rejected(code: &str, message: impl Into<String>) -> Self {
        Self::Rejected { code: code.to_owned(), message: message.into() }
    }

    pub(crate) fn unknown(cause: impl Into<String>) -> Self {
        Self::Unknown { cause: cause.into() }
    }

    /// What a session is told.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Accepted => Outcome::Unknown { cause: "accepted, and not executed yet".to_owned() },
            Self::Filled { fills } => Outcome::Filled { fills },
            Self::Rejected { code, message } => Outcome::Rejected { code, message },
            Self::Unknown { cause } => Outcome::Unknown { cause },
        }
    }
}

impl Queried {
    /// What a session is told, if this settles it. That an order is not there does, once the exchange would not take it any
    /// more, and what it took before would show (`settled_after` of its terms).
    pub fn outcome(self, intent: &Intent, settled_after: Duration) -> Option<Outcome> {
        match self {
            Self::Filled { fills } => Some(Outcome::Filled { fills }),
            Self::Rejected { code, message } => Some(Outcome::Rejected { code, message }),
            Self::NotFound { as_of } if as_of >= intent.valid_until.plus(settled_after) => {
                let until = intent.valid_until;
                let evidence = format!("taken until {until}, the exchange did not know of it at {as_of}");
                Some(Outcome::NeverAccepted { evidence })
            }
            Self::Accepted | Self::NotFound { .. } | Self::Unavailable { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::paper::examples::intent;
    use super::*;
    use domain::trading::Side;

    const MARGIN: Duration = Duration::from_secs(12);

    #[test]
    fn an_order_that_is_not_there_is_settled_only_when_it_cannot_come_any_more() {
        let intent = intent(Side::Buy, "1", "100");
        let not_found =
            |after| Queried::NotFound { as_of: intent.valid_until.plus(after) }.outcome(&intent, MARGIN);
        assert_eq!(not_found(Duration::ZERO), None);
        assert_eq!(not_found(MARGIN.saturating_sub(Duration::from_micros(1))), None);
        assert!(matches!(not_found(MARGIN), Some(Outcome::NeverAccepted { .. })));
    }

    #[test]
    fn what_is_not_known_is_not_settled() {
        let intent = intent(Side::Buy, "1", "100");
        assert_eq!(Queried::Accepted.outcome(&intent, MARGIN), None);
        assert_eq!(Queried::Unavailable { cause: "down".to_owned() }.outcome(&intent, MARGIN), None);
        assert!(matches!(Submitted::Accepted.outcome(), Outcome::Unknown { .. }));
    }
}
