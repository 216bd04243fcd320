//! What may be done with wallets, and what comes of it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::money::Coin;
use super::paper::{Draft, Effect, Hold, HoldStatus, Line, Micros, Paper, Sheet, Status};
use super::wish::{Asked, Entry, Step, To, Wish};

/// The largest balance has twenty-eight digits.
const MOST: i128 = 10_i128.pow(28) - 1;

/// Why not: a code of the problems' table, and the facts that have to be told with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct No {
    pub(crate) code: &'static str,
    pub(crate) facts: Vec<(&'static str, String)>,
}

pub(super) type Told<T = ()> = Result<T, No>;

pub(super) fn no<T>(code: &'static str) -> Told<T> {
    Err(No { code, facts: Vec::new() })
}

impl No {
    pub(super) fn with(mut self, name: &'static str, fact: &impl ToString) -> Self {
        self.facts.push((name, fact.to_string()));
        self
    }
}

pub(super) fn saying(code: &'static str) -> No {
    No { code, facts: Vec::new() }
}

impl Paper {
    /// What a command comes to at a moment, on everything that was applied so far.
    pub(crate) fn decide(&self, asked: &Asked, now: Micros) -> Told<Draft> {
        self.decide_knowing(asked, now, i64::MAX)
    }

    /// The same by somebody who has looked up names, endings and what was undone at an earlier position.
    pub(crate) fn decide_knowing(&self, asked: &Asked, now: Micros, until: i64) -> Told<Draft> {
        let mut desk = Desk { paper: self, now, until, draft: Draft::default() };
        for (index, step) in asked.steps().iter().enumerate() {
            let told = desk.step(step);
            told.map_err(|no| if matches!(asked, Asked::Batch(_)) { no.with("index", &index) } else { no })?;
            desk.draft.steps.push(desk.draft.effects.len());
        }
        Ok(desk.draft)
    }
}

/// Where one command is worked out, on copies of the pages it needs.
pub(super) struct Desk<'a> {
    pub(super) paper: &'a Paper,
    pub(super) now: Micros,
    until: i64,
    pub(super) draft: Draft,
}

/// What an effect is about beside its balances.
#[derive(Default)]
pub(super) struct About {
    pub(super) minor: Option<i128>,
    pub(super) hold: Option<(i64, Hold)>,
    pub(super) counterparty: Option<Uuid>,
    pub(super) undone: Option<Entry>,
}

impl Desk<'_> {
    fn step(&mut self, step: &Step) -> Told {
        let Step { wish, expected_version, min_after, max_after } = step;
        self.versions_agree(wish, *expected_version)?;
        self.is_known(wish)?;
        match wish {
            Wish::Open { user, coin, id } => self.open(*user, *coin, *id)?,
            Wish::Deposit { wallet, coin, minor } => self.moved(*wallet, *coin, *minor, true)?,
            Wish::Withdraw { wallet, coin, minor } => self.moved(*wallet, *coin, *minor, false)?,
            Wish::Transfer { from, to, coin, minor } => self.transfer(*from, to, *coin, *minor)?,
            Wish::Hold { wallet, minor, ttl, .. } => self.hold(*wallet, *minor, *ttl)?,
            Wish::Capture { hold, minor, is_final, .. } => self.capture(*hold, *minor, *is_final)?,
            Wish::Release { hold } => self.release(*hold)?,
            Wish::Amend { hold, minor, .. } => self.amend(*hold, *minor)?,
            Wish::Extend { hold, ttl } => self.extend(*hold, *ttl)?,
            Wish::Reverse { transaction } => self.reverse(*transaction)?,
            Wish::Freeze { wallet } => self.stand(*wallet, Status::Frozen)?,
            Wish::Unfreeze { wallet } => self.stand(*wallet, Status::Active)?,
            Wish::Close { wallet } => self.close(*wallet)?,
        }
        let Some(wallet) = wish.wallet() else { return Ok(()) };
        let sheet = self.sheet(wallet)?;
        let available = sheet.available();
        if min_after.is_some_and(|min| available < min) || max_after.is_some_and(|max| max < available) {
            return Err(saying("balance_bounds").with("available_after", &sheet.coin.written(available)));
        }
        Ok(())
    }

    /// What never changes again is looked up first: who is called so, what a transaction was.
    fn is_known(&self, wish: &Wish) -> Told {
        match wish {
            Wish::Transfer { to: To::Name(name), coin, .. } => {
                self.called(name, *coin).map_or_else(|| no("recipient_not_found"), |_| Ok(()))
            }
            Wish::Reverse { transaction } => match self.paper.line(*transaction) {
                None => no("transaction_not_found"),
                Some(Line::Moved { .. } | Line::Half { .. }) => Ok(()),
                Some(Line::Hold { ended: Some((HoldStatus::Captured, at)), .. }) if *at <= self.until => {
                    Ok(())
                }
                Some(Line::Reversal | Line::Hold { .. }) => no("not_reversible"),
            },
            _ => Ok(()),
        }
    }

    fn called(&self, name: &str, coin: Coin) -> Option<Uuid> {
        let owner = self.paper.user_called(name)?;
        self.paper.wallet_of((owner, coin), self.until)
    }

    pub(super) fn sheet(&mut self, wallet: Uuid) -> Told<&mut Sheet> {
        if !self.draft.sheets.contains_key(&wallet) {
            let Some(sheet) = self.paper.sheet(wallet) else { return no("wallet_not_found") };
            self.draft.sheets.insert(wallet, sheet.clone());
        }
        self.draft.sheets.get_mut(&wallet).ok_or_else(|| saying("wallet_not_found"))
    }

    /// Writes the event down on a page that has changed. Returns its entry.
    pub(super) fn happened(&mut self, wallet: Uuid, kind: &'static str, about: About) -> Told<Entry> {
        let sheet = self.sheet(wallet)?;
        sheet.sequence += 1;
        let (sequence, after) = (sheet.sequence, sheet.balance());
        let About { minor, mut hold, counterparty, undone } = about;
        if let Some((_, hold)) = &mut hold {
            hold.version = sequence;
        }
        self.draft.effects.push(Effect { kind, minor, after, hold, counterparty, undone });
        Ok(Entry { wallet, sequence })
    }

    fn versions_agree(&mut self, wish: &Wish, expected: Option<i64>) -> Told {
        let (Some(expected), Some(wallet)) = (expected, wish.wallet()) else { return Ok(()) };
        let sheet = self.sheet(wallet)?;
        let actual = match wish.hold() {
            // One that is over says so itself.
            Some(hold) => match sheet.holds.get(&hold.sequence) {
                Some(hold) => hold.version,
                None => return Ok(()),
            },
            None => sheet.sequence,
        };
        if expected == actual {
            return Ok(());
        }
        Err(saying("version_mismatch").with("expected", &expected).with("actual", &actual))
    }

    fn open(&mut self, user: Uuid, coin: Coin, id: Option<Uuid>) -> Told {
        if self.paper.wallet_of((user, coin), self.until).is_some() {
            return no("wallet_exists");
        }
        let id = id.unwrap_or_default();
        let holds = BTreeMap::new();
        let sheet = Sheet { id, owner: user, coin, posted: 0, status: Status::Active, sequence: 0, holds };
        self.draft.sheets.insert(id, sheet);
        self.happened(id, "WalletOpened", About::default())?;
        Ok(())
    }

    fn credit(&mut self, wallet: Uuid, minor: i128) -> Told {
        let sheet = self.sheet(wallet)?;
        if sheet.status == Status::Closed {
            return no("wallet_closed");
        }
        if sheet.posted + minor > MOST {
            return no("balance_too_large");
        }
        sheet.posted += minor;
        Ok(())
    }

    /// Nothing leaves a wallet that is not active, and nothing of it is kept back.
    fn is_active(&mut self, wallet: Uuid) -> Told<&mut Sheet> {
        let sheet = self.sheet(wallet)?;
        match sheet.status {
            Status::Closed => no("wallet_closed"),
            Status::Frozen => no("wallet_frozen"),
            Status::Active => Ok(sheet),
        }
    }

    /// Money that is to leave, or to be kept back: it has to be there, and free.
    pub(super) fn may_spend(&mut self, wallet: Uuid, minor: i128) -> Told<&mut Sheet> {
        let sheet = self.is_active(wallet)?;
        let available = sheet.available();
        if minor > available {
            let (available, requested) = (sheet.coin.written(available), sheet.coin.written(minor));
            return Err(saying("insufficient_funds")
                .with("available", &available)
                .with("requested", &requested));
        }
        Ok(sheet)
    }

    fn same_coin(&mut self, wallet: Uuid, coin: Coin) -> Told {
        let sheet = self.sheet(wallet)?;
        if sheet.status == Status::Closed {
            return no("wallet_closed");
        }
        if sheet.coin == coin {
            return Ok(());
        }
        let code = sheet.coin.code;
        Err(saying("wrong_currency").with("currency", &code).with("requested", &coin.code))
    }

    fn moved(&mut self, wallet: Uuid, coin: Coin, minor: i128, is_credit: bool) -> Told {
        let kind = if is_credit {
            self.same_coin(wallet, coin)?;
            self.credit(wallet, minor)?;
            "WalletDeposited"
        } else {
            self.is_active(wallet)?;
            self.same_coin(wallet, coin)?;
            self.may_spend(wallet, minor)?.posted -= minor;
            "WalletWithdrawn"
        };
        let entry = self.happened(wallet, kind, About { minor: Some(minor), ..About::default() })?;
        self.draft.lines.push((entry, Line::Moved { minor, is_credit }));
        Ok(())
    }

    fn transfer(&mut self, from: Uuid, to: &To, coin: Coin, minor: i128) -> Told {
        let to = match to {
            To::Wallet(id) => *id,
            To::Name(name) => self.called(name, coin).ok_or_else(|| saying("recipient_not_found"))?,
        };
        if from == to {
            return no("same_wallet");
        }
        self.may_spend(from, minor)?.posted -= minor;
        let about =
            |counterparty| About { minor: Some(minor), counterparty: Some(counterparty), ..About::default() };
        let sent = self.happened(from, "TransferSent", about(to))?;
        let recipient = |no: No| match no.code {
            "wallet_not_found" | "wallet_closed" => saying("recipient_not_found"),
            _ => no,
        };
        self.same_coin(to, coin).map_err(recipient)?;
        self.credit(to, minor).map_err(recipient)?;
        let received = self.happened(to, "TransferReceived", about(from))?;
        self.draft.lines.push((sent, Line::Half { minor, is_sent: true, other: received }));
        self.draft.lines.push((received, Line::Half { minor, is_sent: false, other: sent }));
        Ok(())
    }

    fn reverse(&mut self, undone: Entry) -> Told {
        // Both halves of a transfer are one; it is written under the one that sent.
        let (claim, legs) = match self.paper.line(undone) {
            Some(Line::Moved { minor, is_credit }) => (undone, vec![(undone, *minor, !*is_credit, None)]),
            Some(Line::Half { minor, is_sent, other }) => {
                let (sent, received) = if *is_sent { (undone, *other) } else { (*other, undone) };
                let back = (received, *minor, false, Some(sent.wallet));
                (sent, vec![back, (sent, *minor, true, Some(received.wallet))])
            }
            Some(Line::Hold { captured, ended: Some((HoldStatus::Captured, _)) }) => {
                (undone, vec![(undone, *captured, true, None)])
            }
            None | Some(Line::Reversal | Line::Hold { .. }) => return no("not_reversible"),
        };
        let is_reversed = self.paper.reversed.get(&claim).is_some_and(|at| *at <= self.until);
        if is_reversed || self.draft.reversed.contains(&claim) {
            return no("already_reversed");
        }
        self.draft.reversed.push(claim);
        for (entry, minor, is_credit, counterparty) in legs {
            if is_credit {
                self.credit(entry.wallet, minor)?;
            } else {
                self.may_spend(entry.wallet, minor)?.posted -= minor;
            }
            let about = About { minor: Some(minor), counterparty, undone: Some(entry), hold: None };
            let reversal = self.happened(entry.wallet, "TransactionReversed", about)?;
            self.draft.lines.push((reversal, Line::Reversal));
        }
        Ok(())
    }

    /// A repeat is fine and leaves no event.
    fn stand(&mut self, wallet: Uuid, status: Status) -> Told {
        let sheet = self.sheet(wallet)?;
        if sheet.status == Status::Closed {
            return no("wallet_closed");
        }
        if sheet.status == status {
            return Ok(());
        }
        sheet.status = status;
        let kind = if status == Status::Frozen { "WalletFrozen" } else { "WalletUnfrozen" };
        self.happened(wallet, kind, About::default())?;
        Ok(())
    }

    fn close(&mut self, wallet: Uuid) -> Told {
        let sheet = self.sheet(wallet)?;
        if sheet.status == Status::Closed {
            return Ok(());
        }
        if sheet.posted != 0 || !sheet.holds.is_empty() {
            let (posted, held) = (sheet.coin.written(sheet.posted), sheet.coin.written(sheet.held()));
            return Err(saying("wallet_not_empty").with("posted", &posted).with("held", &held));
        }
        sheet.status = Status::Closed;
        self.happened(wallet, "WalletClosed", About::default())?;
        Ok(())
    }
}
