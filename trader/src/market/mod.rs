//! What things cost: feeds that know, and one place where everybody looks.
//!
//! A feed answers with what it knows; how old that is, each quote says itself (`as_of`), and what it does not know is not
//! in the answer. Nobody but the one poller ([`Poller`]) asks a feed, so ten thousand sessions cost what one does. When a
//! feed fails, the last quotes stay where they are with the time they are of, and grow old.

mod assets;
mod candles;
mod config;
mod cross;
mod poller;
mod prices;
mod scripted;
mod walk;

pub use assets::rules;
pub use candles::Candles;
pub use config::{BadMarketData, MarketData};
pub use poller::{POLLED_EVERY, Poller};
pub use prices::Prices;
pub use scripted::{Price, Priced, Script, Scripted, Step};
pub use walk::Walk;

use async_trait::async_trait;
use domain::trading::market::Quote;
use domain::{Currency, Timestamp};
use std::collections::BTreeMap;
use std::fmt;

/// What is said in each currency of what trades against it.
pub type Quotes = BTreeMap<Currency, BTreeMap<Currency, Quote>>;

#[async_trait]
pub trait Feed: Send + Sync + fmt::Debug {
    /// Stands in every market and every simulated trade as their source.
    fn name(&self) -> &str;

    /// All it knows now. The currencies it quotes in are those of the answer.
    async fn quotes(&self, now: Timestamp) -> Result<Quotes, FeedError>;
}

#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("{path} cannot be read: {cause}")]
    Unreadable { path: String, cause: std::io::Error },
    #[error("{path}: {flaw}")]
    Malformed { path: String, flaw: String },
    #[error("{0}")]
    Unavailable(String),
    #[error("no answer within {0} s")]
    TimedOut(u64),
}
