//! What may be done with holds, and what comes of it.

use uuid::Uuid;

use super::paper::{Hold, HoldStatus, Line, Micros, Status};
use super::rules::{About, Desk, Told, no, saying};
use super::wish::Entry;

const SECOND: Micros = 1_000_000;
/// Active ones of one wallet.
const HOLDS_MAX: usize = 2_000;

impl Desk<'_> {
    pub(super) fn hold(&mut self, wallet: Uuid, minor: i128, ttl: i64) -> Told {
        let ends = self.now + ttl * SECOND;
        let sheet = self.may_spend(wallet, minor)?;
        if sheet.holds.len() >= HOLDS_MAX {
            return no("too_many_holds");
        }
        let version = sheet.sequence + 1;
        let status = HoldStatus::Active;
        let hold = Hold { total: minor, captured: 0, released: 0, left: minor, status, ends, version };
        sheet.holds.insert(version, hold.clone());
        let about = About { minor: Some(minor), hold: Some((version, hold)), ..About::default() };
        let entry = self.happened(wallet, "HoldPlaced", about)?;
        self.draft.lines.push((entry, Line::Hold { captured: 0, ended: None }));
        Ok(())
    }

    /// Out of its page, to be changed and put back.
    fn living(&mut self, id: Entry) -> Told<Hold> {
        let now = self.now;
        let is_hold = matches!(self.paper.line(id), Some(Line::Hold { .. }));
        let sheet = self.sheet(id.wallet)?;
        if sheet.status == Status::Closed {
            return no("wallet_closed");
        }
        match sheet.holds.get(&id.sequence) {
            Some(hold) if now < hold.ends => Ok(hold.clone()),
            Some(_) => Err(saying("hold_expired").with("hold_id", &id)),
            None if is_hold => Err(saying("hold_ended").with("hold_id", &id)),
            None => no("hold_not_found"),
        }
    }

    /// Puts a hold back: among the active ones, or among those that are over.
    fn put(&mut self, id: Entry, mut hold: Hold, kind: &'static str, minor: i128) -> Told {
        let sheet = self.sheet(id.wallet)?;
        hold.version = sheet.sequence + 1;
        if hold.status == HoldStatus::Active {
            sheet.holds.insert(id.sequence, hold.clone());
        } else {
            sheet.holds.remove(&id.sequence);
            self.draft.ended.push((id, hold.status, hold.captured));
        }
        let about = About { minor: Some(minor), hold: Some((id.sequence, hold)), ..About::default() };
        self.happened(id.wallet, kind, about)?;
        Ok(())
    }

    pub(super) fn capture(&mut self, id: Entry, minor: Option<i128>, is_final: bool) -> Told {
        // Whatever became of the hold.
        if self.sheet(id.wallet)?.status == Status::Frozen {
            return no("wallet_frozen");
        }
        let mut hold = self.living(id)?;
        let sheet = self.sheet(id.wallet)?;
        let taken = minor.unwrap_or(hold.left);
        if taken > hold.left {
            let (remaining, requested) = (sheet.coin.written(hold.left), sheet.coin.written(taken));
            return Err(saying("capture_too_large")
                .with("remaining", &remaining)
                .with("requested", &requested));
        }
        sheet.posted -= taken;
        hold.captured += taken;
        hold.left -= taken;
        if is_final {
            hold.released += hold.left;
            hold.left = 0;
        }
        if hold.left == 0 {
            hold.status = HoldStatus::Captured;
        }
        self.put(id, hold, "HoldCaptured", taken)
    }

    pub(super) fn release(&mut self, id: Entry) -> Told {
        let mut hold = self.living(id)?;
        let rest = hold.left;
        hold.released += rest;
        hold.left = 0;
        hold.status = HoldStatus::Released;
        self.put(id, hold, "HoldReleased", rest)
    }

    pub(super) fn amend(&mut self, id: Entry, total: i128) -> Told {
        let mut hold = self.living(id)?;
        let coin = self.sheet(id.wallet)?.coin;
        if total < hold.captured {
            let (captured, requested) = (coin.written(hold.captured), coin.written(total));
            return Err(saying("amend_below_captured")
                .with("captured", &captured)
                .with("requested", &requested));
        }
        let more = total - hold.total;
        if more > 0 {
            self.may_spend(id.wallet, more)?;
        }
        hold.left += more;
        hold.total = total;
        if hold.left == 0 {
            hold.status = HoldStatus::Captured;
        }
        self.put(id, hold, "HoldAmended", total)
    }

    /// Never shortens the lease.
    pub(super) fn extend(&mut self, id: Entry, ttl: i64) -> Told {
        let mut hold = self.living(id)?;
        hold.ends = hold.ends.max(self.now + ttl * SECOND);
        let total = hold.total;
        self.put(id, hold, "HoldExtended", total)
    }
}
