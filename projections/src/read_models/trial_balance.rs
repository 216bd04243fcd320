//! The trial balance: in each currency, what all wallets hold and what the world gave them add up to nothing.
//!
//! The two sides are found independently. What wallets hold is the balance that stands in the last event of each; what the
//! world gave is the sum of all amounts that were ever posted, leg by leg. An error on either side leaves a difference. Both
//! are summed up in one statement, at one position: the lower one of the two models, or an earlier one that was asked for.

use super::value::read;
use super::{At, QueryError, ReadModels, position_of};
use domain::Currency;
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

/// A wallet that has changed since then is entered by halving, as it was.
const STATEMENT: &str = "with bounds as ( \
         select least(w.position, t.position, coalesce($1, t.position)) as position, w.failure as wallets_failure, \
                t.failure \
           from projection_checkpoints w, projection_checkpoints t \
          where w.name = 'wallets' and t.name = 'transactions'), \
     world as ( \
         select p.currency, sum(p.amount) as amount from bounds b cross join lateral postings(b.position) p \
          where p.account = 'world:' || p.currency group by p.currency), \
     held as ( \
         select w.currency, sum(case when w.position <= b.position then w.posted else coalesce(earlier.posted, 0) end) as amount \
           from bounds b cross join wallets w \
           left join lateral ( \
                select t.posted_after as posted from transactions t \
                 where w.position > b.position and t.wallet_id = w.wallet_id \
                   and t.sequence <= last_sequence_at('wallet', w.wallet_id::text, b.position) \
                 order by t.sequence desc limit 1) earlier on true \
          group by w.currency), \
     balance as ( \
         select currency, coalesce(held.amount, 0) as wallets, coalesce(world.amount, 0) as world \
           from held full join world using (currency)) \
     select b.position as checkpoint, b.failure, b.wallets_failure, l.currency, l.wallets::text as wallets, \
            l.world::text as world, (l.wallets + l.world)::text as difference, l.wallets + l.world = 0 as is_balanced \
       from bounds b left join balance l on true order by l.currency";

fn read_row(row: &PgRow) -> Result<Option<CurrencyBalance>, sqlx::Error> {
    let Some(currency) = row.try_get::<Option<&str>, _>("currency")? else { return Ok(None) };
    Ok(Some(CurrencyBalance {
        currency: read(currency)?,
        wallets: row.try_get("wallets")?,
        world: row.try_get("world")?,
        difference: row.try_get("difference")?,
        is_balanced: row.try_get("is_balanced")?,
    }))
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
        let rows = sqlx::query(STATEMENT).bind(as_of).fetch_all(&mut *snapshot).await?;
        let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        if let Some(reason) = first.try_get("wallets_failure")? {
            return Err(QueryError::ProjectionFailed { name: WALLETS, reason });
        }
        let position = position_of(first, TRANSACTIONS)?;
        let value = rows.iter().filter_map(|row| read_row(row).transpose()).collect::<Result<_, _>>()?;
        Ok(At { position, value })
    }

    pub(super) async fn checkpoint_of(&self, name: &'static str) -> Result<At<()>, QueryError> {
        let sql = "select position as checkpoint, failure from projection_checkpoints where name = $1";
        let row = sqlx::query(sql).bind(name).fetch_one(self.pool()).await?;
        Ok(At { position: position_of(&row, name)?, value: () })
    }
}
