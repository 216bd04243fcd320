//! All that somebody has: what stands in their wallets, and what their sessions hold.

use super::NAME;
use super::sessions::{self, TradingSessionRow};
use crate::read_models::wallets::{self, WalletRow};
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::UserId;

/// The projection that folds wallets.
const WALLETS: &str = "wallets";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPortfolio {
    /// By currency.
    pub wallets: Vec<WalletRow>,
    /// Those that have not stopped, newest first.
    pub sessions: Vec<TradingSessionRow>,
}

impl ReadModels {
    /// Both as they were at one moment. The position is the lower one of the two.
    pub async fn user_portfolio(
        &self,
        user: UserId,
        min_position: Option<i64>,
    ) -> Result<At<UserPortfolio>, QueryError> {
        let ask = || async move {
            let mut snapshot = self.snapshot().await?;
            let mut position = i64::MAX;
            for name in [NAME, WALLETS] {
                let sql =
                    "select position as checkpoint, failure from projection_checkpoints where name = $1";
                let row = sqlx::query(sql).bind(name).fetch_one(&mut *snapshot).await?;
                position = position.min(position_of(&row, name)?);
            }
            let sql = format!(
                "select {} from wallets w where w.user_id = $1 order by w.currency",
                wallets::COLUMNS
            );
            let rows = sqlx::query(&sql).bind(user.0).fetch_all(&mut *snapshot).await?;
            let wallets =
                rows.iter().filter_map(|row| wallets::read_row(row).transpose()).collect::<Result<_, _>>()?;
            let rows = sqlx::query(&sessions::active_of()).bind(user.0).fetch_all(&mut *snapshot).await?;
            let sessions = sessions::read_rows(&rows)?;
            Ok(At { position, value: UserPortfolio { wallets, sessions } })
        };
        self.at_least(WALLETS, min_position, || self.at_least(NAME, min_position, ask)).await
    }
}
