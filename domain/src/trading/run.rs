//! A run under way: from the moment it was planned until the last of its orders is known for what it came to.

use super::order::{Intent, OrderId};
use super::planner::Leg;
use crate::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Somebody asked for it.
    Manual,
    /// Its time had come.
    Scheduled,
    /// The portfolio was too far from its targets.
    Drift,
}

impl Trigger {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Scheduled => "scheduled",
            Self::Drift => "drift",
        }
    }
}

/// A run that was asked for and has not begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    pub run_id: Uuid,
    pub trigger: Trigger,
    pub requested_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub run_id: Uuid,
    pub trigger: Trigger,
    pub due_at: Timestamp,
    pub started_at: Timestamp,
    pub fence: i64,
    /// Purchases that wait for what sales bring.
    pub waiting: Vec<Leg>,
    pub orders: Vec<Order>,
    pub turnover: Decimal,
    pub fees: Decimal,
    /// What has happened so far.
    pub filled: u32,
    /// Of those filled: not all of it.
    pub in_part: u32,
    pub rejected: u32,
    /// Executed, and in no books.
    #[serde(default)]
    pub unbooked: u32,
}

/// An order whose outcome is not known for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub intent: Intent,
    pub state: OrderState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    Intended,
    /// Sent, and no answer that says anything; or perhaps sent, by somebody who is gone.
    Unknown,
}

impl Run {
    /// Of its orders, those that are known for what they came to.
    pub const fn settled(&self) -> u32 {
        self.filled + self.rejected + self.unbooked
    }

    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.iter().find(|order| order.intent.order_id == id)
    }

    /// What it trades in, as far as that is not done.
    pub fn assets(&self) -> impl Iterator<Item = Currency> {
        let waiting = self.waiting.iter().map(|leg| leg.asset);
        self.orders.iter().map(|order| order.intent.asset).chain(waiting)
    }

    /// From when on the exchange takes none of its orders any more, if there are any.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.orders.iter().map(|order| order.intent.valid_until).max()
    }
}
