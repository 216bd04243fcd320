//! The read side: takes events in, leaves tables behind, and answers questions from them.
//!
//! A projection folds events; its worker owns the transaction and the checkpoint; a rebuild runs the same fold into a
//! new generation beside the live one. Another read model is one new file and one more line in [`all`].

mod checkpoint;
mod copy;
mod health;
mod projection;
mod read_models;
mod rebuild;
mod wait;
mod worker;

pub use health::ProjectionHealth;
pub use projection::{ApplyError, Projection};
pub use read_models::accounts::{
    AccountsProjection, ActivityFilter, ActivityRow, LoginSessionRow, PreferencesRow,
};
pub use read_models::api_keys::{ApiKeyRow, ApiKeyUse, ApiKeysOf, ApiKeysProjection};
pub use read_models::cursor::{Items, LIMIT_DEFAULT, LIMIT_MAX, Page};
pub use read_models::exchange_credentials::{
    CredentialsOf, ExchangeCredentialsProjection, ExchangeCredentialsRow,
};
pub use read_models::holds::{ActiveHolds, ExplainedWallet, HoldRow, HoldsState, PlacedHold};
pub use read_models::profiles::{ProfileRow, ProfilesProjection, UserSearch};
pub use read_models::settings::{SettingsOf, SettingsProjection, SettingsVersionRow};
pub use read_models::trading::{
    EquityFilter, EquityRow, ExplainedTrade, PerformanceInputs, Price, RunRow, RunState, SessionFilter,
    SessionStatus, SessionToMark, TradeFilter, TradeRow, TradeType, TradesOf, TradingProjection,
    TradingSessionRow, UserPortfolio,
};
pub use read_models::transactions::{
    PostingRow, TransactionFilter, TransactionKind, TransactionRow, TransactionStatus, TransactionsProjection,
};
pub use read_models::trial_balance::CurrencyBalance;
pub use read_models::wallets::{WalletRow, WalletsProjection};
pub use read_models::{At, QueryError, ReadModels};
pub use rebuild::{Progress, RebuildError, RebuildOptions, Rebuilt, rebuild, sweep as sweep_rebuilds};
pub use worker::ProjectionWorker;

use journal::OpenSealed;
use journal::subscription::{Feed, Subscription};
use std::sync::Arc;

/// Every projection there is.
pub fn all(opener: Arc<dyn OpenSealed>) -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(ProfilesProjection::new(Arc::clone(&opener))),
        Arc::new(AccountsProjection::new(Arc::clone(&opener))),
        Arc::new(ApiKeysProjection::new(Arc::clone(&opener))),
        Arc::new(ExchangeCredentialsProjection::new(Arc::clone(&opener))),
        Arc::new(SettingsProjection::new(opener)),
        Arc::new(WalletsProjection),
        Arc::new(TransactionsProjection),
        Arc::new(TradingProjection),
    ]
}

/// A projection's worker, ready to run.
pub fn follow(feed: &Feed, projection: Arc<dyn Projection>) -> Subscription<ProjectionWorker> {
    Subscription::new(ProjectionWorker::new(feed.journal.clone(), projection), feed.clone())
}
