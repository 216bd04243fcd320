//! What a caller reaches. What belongs to somebody else is not found, like what belongs to nobody.

use super::Reached;
use crate::app::App;
use crate::directory::WalletFacts;
use crate::problem::{Code, Detail, Problem};
use commands::Authority;
use domain::{EntryId, WalletId};

/// The wallet, if it is within reach.
pub(crate) async fn wallet_of(app: &App, authority: Authority, id: WalletId) -> Result<WalletFacts, Problem> {
    reach(app, authority, id).await.map(|reached| reached.wallet)
}

/// The same, for whoever wants something of it.
pub(crate) async fn reach(app: &App, authority: Authority, id: WalletId) -> Result<Reached, Problem> {
    reached(app, authority, id).await?.ok_or_else(|| Problem::of(Code::WalletNotFound))
}

/// The wallet of a hold, if it is within reach. Whether there is such a hold is for the wallet to say.
pub(crate) async fn hold_of(app: &App, authority: Authority, id: EntryId) -> Result<Reached, Problem> {
    reached(app, authority, id.wallet).await?.ok_or_else(|| Problem::of(Code::HoldNotFound))
}

/// The same of a transaction.
pub(super) async fn transaction_of(app: &App, authority: Authority, id: EntryId) -> Result<Reached, Problem> {
    reached(app, authority, id.wallet).await?.ok_or_else(|| Problem::of(Code::TransactionNotFound))
}

async fn reached(app: &App, authority: Authority, id: WalletId) -> Result<Option<Reached>, Problem> {
    let facts = app.directory().wallet(id).await?;
    let facts = facts.filter(|facts| authority.covers(facts.owner));
    Ok(facts.map(|wallet| Reached { wallet, authority }))
}

/// Services deposit, and owners only where this installation lets them: with their own keys, too.
pub(crate) fn check_deposit(app: &App, authority: Authority) -> Result<(), Problem> {
    if authority == Authority::Anybody || app.settings().self_deposit {
        return Ok(());
    }
    Err(Problem::new(Detail::DepositsByServices))
}
