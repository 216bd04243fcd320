//! Figures about one user, counted in tables of other read models.

use super::{At, QueryError, ReadModels, position_of};
use domain::UserId;
use sqlx::Row;

/// Transactions counted at most: some milliseconds' work for whoever asks again and again, and a million would be seconds.
/// Whoever needs the exact number of more than that sums them up themselves.
const TRANSACTIONS_COUNTED_MAX: i64 = 10_000;

impl ReadModels {
    /// How many transactions all wallets of a user have, counted up to a bound.
    pub async fn transactions_of_user(
        &self,
        user: UserId,
        min_position: Option<i64>,
    ) -> Result<At<i64>, QueryError> {
        const NAME: &str = "transactions";
        self.at_least(NAME, min_position, || async move {
            let sql = "select c.position as checkpoint, c.failure, \
                              (select count(*) from \
                                  (select from wallets w join transactions t using (wallet_id) \
                                    where w.user_id = $1 and t.type <> 'capture' limit $2) t) as transactions \
                         from projection_checkpoints c where c.name = 'transactions'";
            let query = sqlx::query(sql).bind(user.0).bind(TRANSACTIONS_COUNTED_MAX);
            let row = query.fetch_one(self.pool()).await?;
            Ok(At { position: position_of(&row, NAME)?, value: row.try_get("transactions")? })
        })
        .await
    }
}
