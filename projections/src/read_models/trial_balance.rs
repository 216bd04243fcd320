//! The trial balance: in each currency, what all wallets hold and what the world gave them add up to nothing.
//!
//! The two sides are found independently. What wallets hold is the balance that stands in the last event of each; what the
//! world gave is the sum of all amounts that were ever posted, leg by leg. An error on either side leaves a difference. Both
//! are summed up in one snapshot, at one position: the lower one of the two models, or an earlier one that was asked for.

use super::value::column;
use super::{At, QueryError, ReadModels, position_of};
use domain::{Currency, Money};
use sqlx::Row;
use sqlx::postgres::PgRow;

const WALLETS: &str = "wallets";
const TRANSACTIONS: &str = "transactions";

/// Sums over many wallets may have more digits than an amount: they are kept as the texts of exact decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyBalance {
    pub currency: Currency,
    pub wallets: String,
    pub world: String,
    /// Both together: nothing, if all is well.
    pub difference: String,
    pub is_balanced: bool,
}

/// As it was, each wallet that has changed since is entered by halving. Beyond so many it costs less to go through all
/// transactions once more.
const HALVED_MAX: i64 = 1_000;

/// What each wallet `w` held that has changed since, if there are few of them.
const FEW_EARLIER: &str = "left join lateral ( \
         select t.posted_after as posted from transactions t \
          where w.position > $1 and t.wallet_id = w.wallet_id \
            and t.sequence <= last_sequence_at('wallet', w.wallet_id::text, $1) \
          order by t.sequence desc limit 1) earlier on true";

/// The same, if there are many.
const MANY_EARLIER: &str = "left join ( \
         select t.wallet_id, t.posted_after as posted \
           from (select wallet_id, max(sequence) as sequence from transactions where position <= $1 \
                  group by wallet_id) last \
           join transactions t using (wallet_id, sequence)) earlier on earlier.wallet_id = w.wallet_id";

/// The world's leg of each posting is the other side of the wallet's, so it is not put together row by row.
fn statement(earlier: &str) -> String {
    format!(
        "with world as ( \
                  select currency, sum(case when is_credit then -amount else amount end) as amount from transactions \
                   where is_credit is not null and position <= $1 group by currency), \
              held as ( \
                  select w.currency, \
                         sum(case when w.position <= $1 then w.posted else coalesce(earlier.posted, 0) end) as amount \
                    from wallets w {earlier} group by w.currency) \
         select currency, coalesce(held.amount, 0)::text as wallets, coalesce(world.amount, 0)::text as world, \
                (coalesce(held.amount, 0) + coalesce(world.amount, 0))::text as difference, \
                coalesce(held.amount, 0) + coalesce(world.amount, 0) = 0 as is_balanced \
           from held full join world using (currency) order by currency"
    )
}

/// The position that both models have reached, or the earlier one that is asked for; and how many wallets have changed
/// since, if they are few.
const BOUNDS: &str = "select t.position as checkpoint, t.failure, w.failure as wallets_failure, b.position, \
            (select count(*) from (select from wallets where position > b.position limit $2) c) as changed \
       from projection_checkpoints w, projection_checkpoints t, \
            lateral (select least(w.position, t.position, coalesce($1, t.position)) as position) b \
      where w.name = 'wallets' and t.name = 'transactions'";

fn read_row(row: &PgRow) -> Result<CurrencyBalance, sqlx::Error> {
    let currency = column(row, "currency")?;
    Ok(CurrencyBalance {
        currency,
        wallets: sum(row, "wallets", currency)?,
        world: sum(row, "world", currency)?,
        difference: sum(row, "difference", currency)?,
        is_balanced: row.try_get("is_balanced")?,
    })
}

/// The sum of nothing does not know how many decimals its currency has.
fn sum(row: &PgRow, name: &str, currency: Currency) -> Result<String, sqlx::Error> {
    let sum: String = row.try_get(name)?;
    Ok(if sum == "0" { Money::zero(currency).to_string() } else { sum })
}

impl ReadModels {
    /// As everything was at a position, or is now.
    pub async fn trial_balance(
        &self,
        as_of: Option<i64>,
        min_position: Option<i64>,
    ) -> Result<At<Vec<CurrencyBalance>>, QueryError> {
        // What is asked of a position can be told once both models are there.
        let min = as_of.max(min_position);
        // The answer may be of an earlier position than the models are at, so they are waited for first.
        self.at_least(WALLETS, min, || self.checkpoint_of(WALLETS)).await?;
        self.at_least(TRANSACTIONS, min, || self.checkpoint_of(TRANSACTIONS)).await?;
        let mut snapshot = self.snapshot().await?;
        let bounds = sqlx::query(BOUNDS).bind(as_of).bind(HALVED_MAX + 1).fetch_one(&mut *snapshot).await?;
        if let Some(reason) = bounds.try_get("wallets_failure")? {
            return Err(QueryError::ProjectionFailed { name: WALLETS, reason });
        }
        position_of(&bounds, TRANSACTIONS)?;
        let (position, changed): (i64, i64) = (bounds.try_get("position")?, bounds.try_get("changed")?);
        let sql = statement(if changed > HALVED_MAX { MANY_EARLIER } else { FEW_EARLIER });
        let rows = sqlx::query(&sql).bind(position).fetch_all(&mut *snapshot).await?;
        let value = rows.iter().map(read_row).collect::<Result<_, _>>()?;
        Ok(At { position, value })
    }

    pub(super) async fn checkpoint_of(&self, name: &'static str) -> Result<At<()>, QueryError> {
        let sql = "select position as checkpoint, failure from projection_checkpoints where name = $1";
        let row = sqlx::query(sql).bind(name).fetch_one(self.pool()).await?;
        Ok(At { position: position_of(&row, name)?, value: () })
    }
}
