//! Why a wallet has what it has: its balances and every hold that keeps something back, as they were at one position.

use super::{COLUMNS, HoldRow, NAME, read_row};
use crate::read_models::wallets::{self, WalletRow};
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::WalletId;
use sqlx::Row;

/// A wallet and its active holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedWallet {
    pub wallet: WalletRow,
    /// All of them, the oldest first: there are at most as many as a wallet may have.
    pub holds: Vec<PlacedHold>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedHold {
    pub hold: HoldRow,
    /// Where it was placed.
    pub placed_position: i64,
}

impl ReadModels {
    pub async fn explained_wallet(
        &self,
        id: WalletId,
        min_position: Option<i64>,
    ) -> Result<At<Option<ExplainedWallet>>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let mut snapshot = self.snapshot().await?;
            let sql = format!(
                "select c.position as checkpoint, c.failure, {} from projection_checkpoints c \
                 left join wallets w on w.wallet_id = $1 where c.name = 'wallets'",
                wallets::COLUMNS
            );
            let row = sqlx::query(&sql).bind(id.0).fetch_one(&mut *snapshot).await?;
            let position = position_of(&row, NAME)?;
            let Some(wallet) = wallets::read_row(&row)? else { return Ok(At { position, value: None }) };
            let sql = format!(
                "select {COLUMNS}, (select e.position from events e where e.aggregate_type = 'wallet' \
                                       and e.aggregate_id = h.wallet_id::text and e.sequence = h.sequence) as placed_position \
                   from holds h where h.wallet_id = $1 and h.status = 'active' order by h.sequence"
            );
            let rows = sqlx::query(&sql).bind(id.0).fetch_all(&mut *snapshot).await?;
            let mut holds = Vec::with_capacity(rows.len());
            for row in &rows {
                let hold = read_row(row)?.ok_or(sqlx::Error::RowNotFound)?;
                holds.push(PlacedHold { hold, placed_position: row.try_get("placed_position")? });
            }
            Ok(At { position, value: Some(ExplainedWallet { wallet, holds }) })
        })
        .await
    }
}
