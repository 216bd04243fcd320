//! All that somebody has: what stands in their wallets and what their sessions hold, valued in one currency.
//!
//! What has no price in that currency is listed as such and counts nowhere: nothing is guessed. Paper is never counted
//! together with what is real.

use super::PositionBody;
use crate::output::WalletBody;
use domain::trading::exact;
use domain::trading::market::Market;
use domain::trading::planner::QUOTE_AGE_MAX;
use domain::user::TradingMode;
use domain::{Currency, Timestamp, TradingSessionId, UserId};
use projections::{TradingSessionRow, UserPortfolio};
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Portfolio)]
pub(crate) struct PortfolioBody {
    #[schema(value_type = uuid::Uuid)]
    pub user_id: UserId,
    /// In which it is valued.
    #[schema(value_type = String, example = "USDT")]
    pub currency: Currency,
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    pub wallets: Vec<ValuedWalletBody>,
    /// Those that have not stopped, newest first.
    pub sessions: Vec<ValuedSessionBody>,
    /// What the sessions hold, by asset, their cash among it.
    pub positions: Vec<ValuedAssetBody>,
    pub totals: TotalsBody,
    /// What has no price in this currency now, and is in no total.
    #[schema(value_type = Vec<String>)]
    pub unpriced: Vec<Currency>,
    pub position: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ValuedWallet)]
pub(crate) struct ValuedWalletBody {
    #[serde(flatten)]
    pub wallet: WalletBody,
    /// What is posted, in the currency of the portfolio.
    #[schema(value_type = Option<String>, example = "12.34")]
    pub value: Option<Decimal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ValuedSession)]
pub(crate) struct ValuedSessionBody {
    #[schema(value_type = uuid::Uuid)]
    pub session_id: TradingSessionId,
    #[schema(value_type = String, example = "paper")]
    pub mode: TradingMode,
    /// In which it trades.
    #[schema(value_type = String, example = "USDT")]
    pub currency: Currency,
    #[schema(value_type = String, example = "40000")]
    pub cash: Decimal,
    /// In the session's currency.
    pub positions: Vec<PositionBody>,
    /// Cash and positions, in the currency of the portfolio; null, while one of them has no price.
    #[schema(value_type = Option<String>, example = "100500")]
    pub value: Option<Decimal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ValuedAsset)]
pub(crate) struct ValuedAssetBody {
    #[schema(value_type = String, example = "paper")]
    pub mode: TradingMode,
    #[schema(value_type = String, example = "BTC")]
    pub asset: Currency,
    #[schema(value_type = String, example = "0.5")]
    pub quantity: Decimal,
    #[schema(value_type = Option<String>, example = "30500")]
    pub value: Option<Decimal>,
}

/// Of what has a price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Totals)]
pub(crate) struct TotalsBody {
    #[schema(value_type = String, example = "12.34")]
    pub wallets: Decimal,
    #[schema(value_type = String, example = "0")]
    pub live: Decimal,
    #[schema(value_type = String, example = "100500")]
    pub paper: Decimal,
}

/// What one unit of an asset is worth, where somebody says so now.
struct Values {
    currency: Currency,
    market: Option<Arc<Market>>,
    now: Timestamp,
    unpriced: BTreeSet<Currency>,
}

impl Values {
    fn of(&mut self, asset: Currency, quantity: Decimal) -> Option<Decimal> {
        if asset == self.currency || quantity.is_zero() {
            return Some(quantity);
        }
        let quote = self.market.as_ref().and_then(|market| market.quote(asset));
        let quote = quote.filter(|quote| quote.is_sound() && quote.age(self.now) <= QUOTE_AGE_MAX);
        let value = quote.and_then(|quote| exact::mul(quantity, quote.mark()).ok());
        if value.is_none() {
            self.unpriced.insert(asset);
        }
        value
    }
}

/// What does not fit into a number any more is beyond any portfolio.
fn add(to: &mut Decimal, value: Option<Decimal>) {
    *to = value.and_then(|value| exact::add(*to, value).ok()).unwrap_or(*to);
}

impl PortfolioBody {
    pub(crate) fn new(
        user_id: UserId,
        (currency, now): (Currency, Timestamp),
        all: UserPortfolio,
        market: impl Fn(Currency) -> Option<Arc<Market>>,
        position: i64,
    ) -> Self {
        let mut values = Values { currency, market: market(currency), now, unpriced: BTreeSet::new() };
        let mut totals = TotalsBody::default();
        let mut wallets = Vec::with_capacity(all.wallets.len());
        for wallet in all.wallets.into_iter().map(WalletBody::from) {
            let posted = Decimal::from_str_exact(&wallet.posted.to_string()).ok();
            let value = posted.and_then(|posted| values.of(wallet.currency, posted.normalize()));
            add(&mut totals.wallets, value);
            wallets.push(ValuedWalletBody { wallet, value });
        }
        let mut assets: BTreeMap<(bool, Currency), Decimal> = BTreeMap::new();
        let mut sessions = Vec::with_capacity(all.sessions.len());
        for TradingSessionRow { session, .. } in &all.sessions {
            let cash = (session.currency, session.portfolio.cash);
            let held = session.portfolio.held().map(|(asset, held)| (asset, held.quantity));
            let mut value = Some(Decimal::ZERO);
            for (asset, quantity) in std::iter::once(cash).chain(held) {
                let worth = values.of(asset, quantity);
                value = value.zip(worth).and_then(|(value, worth)| exact::add(value, worth).ok());
                add(assets.entry((is_live(session.mode), asset)).or_default(), Some(quantity));
            }
            let market = market(session.currency);
            let by_quote = |(asset, held)| PositionBody::marked(asset, held, market.as_deref(), now);
            sessions.push(ValuedSessionBody {
                session_id: session.session_id,
                mode: session.mode,
                currency: session.currency,
                cash: session.portfolio.cash,
                positions: session.portfolio.held().map(by_quote).collect(),
                value,
            });
        }
        let mut positions = Vec::with_capacity(assets.len());
        for ((is_live, asset), quantity) in assets {
            let value = values.of(asset, quantity);
            add(if is_live { &mut totals.live } else { &mut totals.paper }, value);
            let mode = if is_live { TradingMode::Live } else { TradingMode::Paper };
            positions.push(ValuedAssetBody { mode, asset, quantity, value });
        }
        let unpriced = values.unpriced.into_iter().collect();
        Self { user_id, currency, as_of: now, wallets, sessions, positions, totals, unpriced, position }
    }
}

fn is_live(mode: TradingMode) -> bool {
    mode == TradingMode::Live
}
