//! The trial balance as the contract shows it.

use domain::Currency;
use projections::{At, CurrencyBalance};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TrialBalance)]
pub(crate) struct TrialBalanceBody {
    /// The position it was drawn up at.
    pub position: i64,
    /// Whether every currency is.
    pub balanced: bool,
    pub currencies: Vec<CurrencyBalanceBody>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CurrencyBalance)]
pub(crate) struct CurrencyBalanceBody {
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    /// What all wallets hold: the sum of the balances in the last event of each.
    #[schema(example = "112.34")]
    pub wallets: String,
    /// What stands on the other side, in `world:<currency>`: the sum of all amounts ever posted against it.
    #[schema(example = "-112.34")]
    pub world: String,
    /// Both together.
    #[schema(example = "0.00")]
    pub difference: String,
    pub balanced: bool,
}

impl From<At<Vec<CurrencyBalance>>> for TrialBalanceBody {
    fn from(found: At<Vec<CurrencyBalance>>) -> Self {
        Self {
            position: found.position,
            balanced: found.value.iter().all(|balance| balance.is_balanced),
            currencies: found.value.into_iter().map(CurrencyBalanceBody::from).collect(),
        }
    }
}

impl From<CurrencyBalance> for CurrencyBalanceBody {
    fn from(balance: CurrencyBalance) -> Self {
        let CurrencyBalance { currency, wallets, world, difference, is_balanced } = balance;
        Self { currency, wallets, world, difference, balanced: is_balanced }
    }
}
