//! Events of holds folded into rows. Each of them carries the hold after it, so the last one in a batch is all of its row.

use crate::projection::ApplyError;
use domain::wallet::{HoldStep, WalletEvent};
use domain::{Event, Timestamp};
use journal::Recorded;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// A hold is stale when so many of so many parts of its lease have gone by without being renewed: its owner has had every
/// chance.
const STALE_AFTER: (u32, u32) = (4, 5);

/// What a batch of events makes of one hold.
struct Folded {
    owner: Uuid,
    step: HoldStep,
    /// When its lease began anew, if it did.
    leased_at: Option<Timestamp>,
    /// When it was placed, if it was.
    placed_at: Option<Timestamp>,
    version: i64,
    position: i64,
    event_id: Uuid,
    changed_at: Timestamp,
}

pub(crate) async fn apply(conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
    let folded = fold(events)?;
    let (placed, changed): (Vec<_>, Vec<_>) =
        folded.into_values().partition(|folded| folded.placed_at.is_some());
    insert(conn, &placed).await?;
    Ok(update(conn, &changed).await?)
}

/// In the order of the index, so that neighbours are found where the last one was.
fn fold(events: &[Arc<Recorded>]) -> Result<BTreeMap<(Uuid, i64), Folded>, ApplyError> {
    let mut folded: BTreeMap<(Uuid, i64), Folded> = BTreeMap::new();
    for recorded in events.iter().filter(|recorded| recorded.event_type.starts_with("Hold")) {
        let Event::Wallet(event) = recorded.event()? else { continue };
        let Some(step) = event.hold() else { continue };
        let at = recorded.recorded_at;
        let key = (recorded.aggregate.id, step.hold.id.sequence);
        let before = folded.remove(&key);
        let begins = matches!(event, WalletEvent::HoldPlaced(_) | WalletEvent::HoldExtended(_));
        folded.insert(
            key,
            Folded {
                owner: recorded.owner.0,
                step: step.clone(),
                leased_at: begins.then_some(at).or(before.as_ref().and_then(|before| before.leased_at)),
                placed_at: match event {
                    WalletEvent::HoldPlaced(_) => Some(at),
                    _ => before.and_then(|before| before.placed_at),
                },
                version: recorded.sequence,
                position: recorded.position,
                event_id: recorded.event_id,
                changed_at: at,
            },
        );
    }
    Ok(folded)
}

impl Folded {
    fn stale_at(&self) -> Option<time::OffsetDateTime> {
        let leased_at = self.leased_at?;
        let (gone, parts) = STALE_AFTER;
        let lease = self.step.hold.expires_at.since(leased_at);
        Some(leased_at.plus(lease.saturating_mul(gone) / parts).to_datetime())
    }
}

fn all<T>(rows: &[Folded], value: impl Fn(&Folded) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

async fn insert(conn: &mut PgConnection, rows: &[Folded]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into holds (wallet_id, sequence, user_id, currency, amount, captured, released, remaining, status, \
                            reference, placed_at, expires_at, stale_at, version, position, event_id, changed_at) \
         select w, q, u, c, a::numeric, k::numeric, l::numeric, m::numeric, s, r, b, x, z, v, n, e, h \
           from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], \
                       $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[], \
                       $13::timestamptz[], $14::bigint[], $15::bigint[], $16::uuid[], $17::timestamptz[]) \
                as y (w, q, u, c, a, k, l, m, s, r, b, x, z, v, n, e, h)",
    )
    .bind(all(rows, |row| row.step.hold.id.wallet.0))
    .bind(all(rows, |row| row.step.hold.id.sequence))
    .bind(all(rows, |row| row.owner))
    .bind(all(rows, |row| row.step.currency.code()))
    .bind(all(rows, |row| row.step.hold.amount.to_string()))
    .bind(all(rows, |row| row.step.hold.captured.to_string()))
    .bind(all(rows, |row| row.step.hold.released.to_string()))
    .bind(all(rows, |row| row.step.hold.remaining.to_string()))
    .bind(all(rows, |row| row.step.hold.status.as_str()))
    .bind(all(rows, |row| row.step.hold.reference.as_ref().map(ToString::to_string)))
    .bind(all(rows, |row| row.placed_at.map(Timestamp::to_datetime)))
    .bind(all(rows, |row| row.step.hold.expires_at.to_datetime()))
    .bind(all(rows, Folded::stale_at))
    .bind(all(rows, |row| row.version))
    .bind(all(rows, |row| row.position))
    .bind(all(rows, |row| row.event_id))
    .bind(all(rows, |row| row.changed_at.to_datetime()))
    .execute(conn)
    .await
    .map(|_| ())
}

async fn update(conn: &mut PgConnection, rows: &[Folded]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let updated = sqlx::query(
        "update holds set amount = a::numeric, captured = k::numeric, released = l::numeric, \
                remaining = m::numeric, status = s, expires_at = x, stale_at = coalesce(z, stale_at), version = v, \
                position = n, event_id = e, changed_at = h \
           from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], \
                       $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::bigint[], $12::uuid[], \
                       $13::timestamptz[]) as y (w, q, a, k, l, m, s, x, z, v, n, e, h) \
          where wallet_id = w and sequence = q",
    )
    .bind(all(rows, |row| row.step.hold.id.wallet.0))
    .bind(all(rows, |row| row.step.hold.id.sequence))
    .bind(all(rows, |row| row.step.hold.amount.to_string()))
    .bind(all(rows, |row| row.step.hold.captured.to_string()))
    .bind(all(rows, |row| row.step.hold.released.to_string()))
    .bind(all(rows, |row| row.step.hold.remaining.to_string()))
    .bind(all(rows, |row| row.step.hold.status.as_str()))
    .bind(all(rows, |row| row.step.hold.expires_at.to_datetime()))
    .bind(all(rows, Folded::stale_at))
    .bind(all(rows, |row| row.version))
    .bind(all(rows, |row| row.position))
    .bind(all(rows, |row| row.event_id))
    .bind(all(rows, |row| row.changed_at.to_datetime()))
    .execute(conn)
    .await?;
    // A hold that was never placed here: the rows are not what the checkpoint says.
    if usize::try_from(updated.rows_affected()) == Ok(rows.len()) {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}
