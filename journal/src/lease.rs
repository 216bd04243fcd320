//! The right to write.
//!
//! A session advisory lock makes it fast to see that somebody leads; the epoch in `journal_head` makes it safe: whoever
//! takes the lead moves it, and from that moment the old leader's batches are refused, whatever the old leader believes.

use crate::append::{self, AppendError, Batch};
use crate::head::HEAD_COLUMNS;
use crate::{Head, Journal, JournalError};
use sqlx::{Connection, PgConnection, Row};

/// "COUNTERF" in ASCII. Advisory locks are per database, and a database holds one journal.
const LEAD_LOCK: i64 = 0x434f_554e_5445_5246;
/// A leader silent for longer may be stopped or cut off: its epoch may be taken without the lock.
pub const SILENCE_MAX_MS: i64 = 3_000;

#[derive(Debug)]
pub struct Lease {
    conn: PgConnection,
    head: Head,
    locked: bool,
}

/// What became of a batch whose commit was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    Committed,
    NotCommitted,
    /// Somebody else leads now, so it cannot be told from here.
    Fenced,
}

impl Lease {
    /// Takes the lead, if nobody has it. `leader` is where others can reach us and differs with every start, so that a
    /// recovery that was itself cut off knows its own epoch again.
    pub async fn take(journal: &Journal, leader: &str) -> Result<Option<Self>, JournalError> {
        let mut conn = journal.connection().await?;
        let locked = try_lock(&mut conn).await?;
        let row = sqlx::query(&format!(
            "update journal_head set epoch = epoch + 1, leader = $1, beat = clock_timestamp() \
             where halted is null and ($2 or beat < clock_timestamp() - $3 * interval '1 millisecond') \
             returning {HEAD_COLUMNS}"
        ))
        .bind(leader)
        .bind(locked)
        .bind(SILENCE_MAX_MS)
        .fetch_optional(&mut conn)
        .await?;
        let Some(row) = row else {
            conn.close().await?;
            return Ok(None);
        };
        let head = Head::from_row(&row)?;
        Ok(Some(Self { conn, head, locked }))
    }

    /// The journal's end as this leader left it.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Says that we are still here; false if we no longer lead.
    pub async fn beat(&mut self) -> Result<bool, JournalError> {
        if !self.locked {
            self.locked = try_lock(&mut self.conn).await?;
        }
        let done = sqlx::query(
            "update journal_head set beat = clock_timestamp() where epoch = $1 and halted is null",
        )
        .bind(self.head.epoch)
        .execute(&mut self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Writes a batch at the journal's end, whole or not at all.
    pub async fn append(&mut self, batch: &Batch) -> Result<(), AppendError> {
        append::append(&mut self.conn, self.head.epoch, self.head.batch, batch).await?;
        self.advance(batch);
        if !self.locked {
            // Whoever took over from a silent leader gets the lock when that one is gone: nobody else may, meanwhile.
            // If it cannot be asked, the next statement on this connection will say why.
            self.locked = try_lock(&mut self.conn).await.unwrap_or(false);
        }
        Ok(())
    }

    fn advance(&mut self, batch: &Batch) {
        self.head.batch += 1;
        self.head.position += i64::try_from(batch.events.len()).unwrap_or(i64::MAX);
        self.head.recorded_at = batch.recorded_at;
    }

    /// After [`AppendError::Unknown`]: moves the epoch, which waits for the old transaction and shuts it out, and
    /// reads from the batch number whether it is in.
    pub async fn recover(&mut self, journal: &Journal, batch: &Batch) -> Result<Recovery, JournalError> {
        self.conn = journal.connection().await?;
        self.locked = try_lock(&mut self.conn).await?;
        let row = sqlx::query(
            "update journal_head set epoch = epoch + 1, beat = clock_timestamp() \
             where leader = $1 and epoch >= $2 and halted is null returning epoch, batch",
        )
        .bind(&self.head.leader)
        .bind(self.head.epoch)
        .fetch_optional(&mut self.conn)
        .await?;
        let Some(row) = row else {
            return Ok(Recovery::Fenced);
        };
        self.head.epoch = row.try_get("epoch")?;
        let reached: i64 = row.try_get("batch")?;
        if reached == self.head.batch {
            Ok(Recovery::NotCommitted)
        } else if reached == self.head.batch + 1 {
            self.advance(batch);
            Ok(Recovery::Committed)
        } else {
            // The database went back to an earlier copy while we led: nothing we hold in memory is sure any more.
            Ok(Recovery::Fenced)
        }
    }

    /// Steps down: the next leader need not wait for a silence, nor for this connection to be gone.
    pub async fn release(mut self) -> Result<(), JournalError> {
        sqlx::query("select pg_advisory_unlock_all()").execute(&mut self.conn).await?;
        Ok(self.conn.close().await?)
    }
}

async fn try_lock(conn: &mut PgConnection) -> Result<bool, JournalError> {
    Ok(sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(LEAD_LOCK).fetch_one(conn).await?)
}
