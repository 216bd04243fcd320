//! `holds`: what each hold has come to.
//!
//! Folded by the projection of the wallets, so that a wallet and its holds are always of one position.

mod active;
mod explain;
mod list;
mod query;
mod write;

pub use active::{ActiveHolds, HoldsState};
pub use explain::{ExplainedWallet, PlacedHold};
pub(super) use write::apply;

use super::value::column;
use domain::wallet::HoldStatus;
use domain::{Currency, EntryId, Money, Timestamp, UserId, WalletId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

/// The projection that folds them.
const NAME: &str = "wallets";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    pub id: EntryId,
    pub user_id: UserId,
    pub currency: Currency,
    /// The total: `captured + released + remaining`.
    pub amount: Money,
    pub captured: Money,
    pub released: Money,
    pub remaining: Money,
    pub status: HoldStatus,
    pub reference: Option<String>,
    pub placed_at: Timestamp,
    pub expires_at: Timestamp,
    /// When most of its lease has gone by without being renewed.
    pub stale_at: Timestamp,
    /// The sequence of its last event, and that event.
    pub version: i64,
    pub position: i64,
    pub event_id: Uuid,
    pub changed_at: Timestamp,
}

const COLUMNS: &str = "h.wallet_id, h.sequence, h.user_id, h.currency, h.amount::text as amount, \
     h.captured::text as captured, h.released::text as released, h.remaining::text as remaining, h.status, h.reference, \
     h.placed_at, h.expires_at, h.stale_at, h.version, h.position, h.event_id, h.changed_at";

/// Nothing, where an outer join found none.
fn read_row(row: &PgRow) -> Result<Option<HoldRow>, sqlx::Error> {
    let Some(wallet) = row.try_get::<Option<Uuid>, _>("wallet_id")? else { return Ok(None) };
    let moment = |name: &str| row.try_get::<OffsetDateTime, _>(name).map(Timestamp::from);
    Ok(Some(HoldRow {
        id: EntryId { wallet: WalletId(wallet), sequence: row.try_get("sequence")? },
        user_id: UserId(row.try_get("user_id")?),
        currency: column(row, "currency")?,
        amount: column(row, "amount")?,
        captured: column(row, "captured")?,
        released: column(row, "released")?,
        remaining: column(row, "remaining")?,
        status: column(row, "status")?,
        reference: row.try_get("reference")?,
        placed_at: moment("placed_at")?,
        expires_at: moment("expires_at")?,
        stale_at: moment("stale_at")?,
        version: row.try_get("version")?,
        position: row.try_get("position")?,
        event_id: row.try_get("event_id")?,
        changed_at: moment("changed_at")?,
    }))
}
