//! What is asked of holds.

use super::{COLUMNS, HoldRow, NAME, read_row};
use crate::read_models::{At, QueryError, ReadModels, position_of};
use domain::{EntryId, Timestamp, WalletId};
use sqlx::Row;
use uuid::Uuid;

/// Holds looked at for one page of wallets: the first to be over, however many of them one wallet has. More are found the
/// next time, when these have ended.
const HOLDS_PER_WALLET: i64 = 16;

impl ReadModels {
    pub async fn hold(
        &self,
        id: EntryId,
        min_position: Option<i64>,
    ) -> Result<At<Option<HoldRow>>, QueryError> {
        self.at_least(NAME, min_position, || async move {
            let sql = format!(
                "select c.position as checkpoint, c.failure, {COLUMNS} from projection_checkpoints c \
                 left join holds h on h.wallet_id = $1 and h.sequence = $2 where c.name = 'wallets'"
            );
            let row = sqlx::query(&sql).bind(id.wallet.0).bind(id.sequence).fetch_one(self.pool()).await?;
            Ok(At { position: position_of(&row, NAME)?, value: read_row(&row)? })
        })
        .await
    }

    /// Wallets with holds that are over and have not ended, those with the one that is longest over first.
    pub async fn wallets_with_holds_over(
        &self,
        at: Timestamp,
        limit: u16,
        min_position: Option<i64>,
    ) -> Result<Vec<WalletId>, QueryError> {
        let found = self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, \
                              array(select wallet_id \
                                      from (select wallet_id, expires_at from holds \
                                             where status = 'active' and expires_at <= $1 \
                                             order by expires_at limit $2 * $3) found \
                                     group by wallet_id order by min(expires_at) limit $2) as wallets \
                       from projection_checkpoints c where c.name = 'wallets'";
            let query = sqlx::query(sql).bind(at.to_datetime()).bind(i64::from(limit)).bind(HOLDS_PER_WALLET);
            let row = query.fetch_one(self.pool()).await?;
            let wallets: Vec<Uuid> = row.try_get("wallets")?;
            Ok(At { position: position_of(&row, NAME)?, value: wallets })
        });
        Ok(found.await?.value.into_iter().map(WalletId).collect())
    }
}
