//! A wallet's postings, oldest first: what a statement is made of, line by line.
//!
//! Captures are among them, one by one; holds are not, because they post nothing. Rows never change, so whoever reads chunk
//! after chunk up to a sequence has read one history, whatever is written meanwhile.

use super::{NAME, TransactionKind};
use crate::read_models::value::column;
use crate::read_models::{QueryError, ReadModels};
use domain::{Money, Timestamp, WalletId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::ops::Range;
use time::OffsetDateTime;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostingRow {
    pub sequence: i64,
    pub position: i64,
    pub kind: TransactionKind,
    pub is_credit: bool,
    pub amount: Money,
    pub posted_after: Money,
    pub reference: Option<String>,
    pub hold_id: Option<String>,
    pub counterparty: Option<String>,
    pub reverses: Option<String>,
    pub recorded_at: Timestamp,
}

fn read_row(row: &PgRow) -> Result<PostingRow, sqlx::Error> {
    Ok(PostingRow {
        sequence: row.try_get("sequence")?,
        position: row.try_get("position")?,
        kind: column(row, "type")?,
        is_credit: row.try_get("is_credit")?,
        amount: column(row, "amount")?,
        posted_after: column(row, "posted_after")?,
        reference: row.try_get("reference")?,
        hold_id: row.try_get("hold_id")?,
        counterparty: row.try_get("counterparty")?,
        reverses: row.try_get("reverses")?,
        recorded_at: row.try_get::<OffsetDateTime, _>("recorded_at")?.into(),
    })
}

impl ReadModels {
    /// Up to where all transactions are known.
    pub async fn transactions_known(&self, min_position: Option<i64>) -> Result<i64, QueryError> {
        let known = self.at_least(NAME, min_position, || self.checkpoint_of(NAME));
        Ok(known.await?.position)
    }

    /// The postings of a wallet with these sequences, at most `limit`.
    pub async fn postings(
        &self,
        wallet: WalletId,
        sequences: Range<i64>,
        limit: i64,
    ) -> Result<Vec<PostingRow>, QueryError> {
        let sql = "select sequence, position, type, is_credit, amount::text as amount, \
                          posted_after::text as posted_after, reference, hold_id, counterparty, reverses, recorded_at \
                     from transactions \
                    where wallet_id = $1 and sequence >= $2 and sequence < $3 and is_credit is not null \
                    order by sequence limit $4";
        let query = sqlx::query(sql).bind(wallet.0).bind(sequences.start).bind(sequences.end).bind(limit);
        let rows = query.fetch_all(self.pool()).await?;
        Ok(rows.iter().map(read_row).collect::<Result<_, _>>()?)
    }
}
