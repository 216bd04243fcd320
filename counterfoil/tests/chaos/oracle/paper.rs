//! Many wallets as an auditor keeps them on paper: what stands in each, what each transaction was, and how it came to be.
//!
//! Written from what is promised outside; nothing here comes from the domain. `rules` says what may be done.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::money::Coin;
use super::wish::Entry;

/// A moment, in microseconds since 1970.
pub(crate) type Micros = i64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Frozen,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HoldStatus {
    Active,
    Captured,
    Released,
    Expired,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) total: i128,
    pub(crate) captured: i128,
    pub(crate) released: i128,
    pub(crate) left: i128,
    pub(crate) status: HoldStatus,
    pub(crate) ends: Micros,
    pub(crate) version: i64,
}

/// One wallet's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sheet {
    pub(crate) id: Uuid,
    pub(crate) owner: Uuid,
    pub(crate) coin: Coin,
    pub(crate) posted: i128,
    pub(crate) status: Status,
    /// Of its last event.
    pub(crate) sequence: i64,
    /// Those that are active, by the sequence of their placing.
    pub(crate) holds: BTreeMap<i64, Hold>,
}

/// From a position on, somebody has this wallet or none.
type Change = (i64, Option<Uuid>);

/// What an entry was, for who wants to undo it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Moved {
        minor: i128,
        is_credit: bool,
    },
    Half {
        minor: i128,
        is_sent: bool,
        other: Entry,
    },
    /// How and at which position it ended.
    Hold {
        captured: i128,
        ended: Option<(HoldStatus, i64)>,
    },
    Reversal,
}

/// What one event did, as its answer has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) kind: &'static str,
    pub(crate) minor: Option<i128>,
    /// The wallet after it.
    pub(crate) after: Balance,
    pub(crate) hold: Option<(i64, Hold)>,
    pub(crate) counterparty: Option<Uuid>,
    pub(crate) undone: Option<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) wallet: Uuid,
    pub(crate) coin: Coin,
    pub(crate) posted: i128,
    pub(crate) held: i128,
    pub(crate) status: Status,
    pub(crate) version: i64,
}

/// What a command would do: whole pages to be put in place of the old ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(super) sheets: BTreeMap<Uuid, Sheet>,
    pub(super) lines: Vec<(Entry, Line)>,
    pub(super) ended: Vec<(Entry, HoldStatus, i128)>,
    pub(super) reversed: Vec<Entry>,
    pub(crate) effects: Vec<Effect>,
    /// For each step, where its effects end.
    pub(crate) steps: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Paper {
    pub(super) sheets: HashMap<Uuid, Sheet>,
    pub(super) lines: HashMap<Entry, Line>,
    /// What was undone, and at which position.
    pub(super) reversed: HashMap<Entry, i64>,
    /// Who is called what.
    pub(super) names: HashMap<String, Uuid>,
    /// The wallet somebody has in a currency, from which position on: the newest comes last.
    pub(super) of_owner: HashMap<(Uuid, Coin), Vec<Change>>,
}

impl Status {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::Closed => "closed",
        }
    }
}

impl HoldStatus {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Captured => "captured",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

impl Sheet {
    pub(crate) fn held(&self) -> i128 {
        self.holds.values().map(|hold| hold.left).sum()
    }

    pub(crate) fn available(&self) -> i128 {
        self.posted - self.held()
    }

    pub(crate) fn balance(&self) -> Balance {
        let Self { id: wallet, coin, posted, status, sequence: version, .. } = *self;
        Balance { wallet, coin, posted, held: self.held(), status, version }
    }
}

impl Balance {
    pub(crate) fn available(&self) -> i128 {
        self.posted - self.held
    }
}

impl Paper {
    pub(crate) fn name(&mut self, name: &str, user: Uuid) {
        self.names.insert(name.to_owned(), user);
    }

    /// A new page, as registering somebody makes one.
    pub(crate) fn opened(&mut self, id: Uuid, owner: Uuid, coin: Coin, position: i64) {
        let holds = BTreeMap::new();
        let sheet = Sheet { id, owner, coin, posted: 0, status: Status::Active, sequence: 1, holds };
        self.sheets.insert(id, sheet);
        self.of_owner.entry((owner, coin)).or_default().push((position, Some(id)));
    }

    pub(crate) fn sheet(&self, wallet: Uuid) -> Option<&Sheet> {
        self.sheets.get(&wallet)
    }

    pub(crate) fn sheets(&self) -> impl Iterator<Item = &Sheet> {
        self.sheets.values()
    }

    /// How many were ever placed.
    pub(crate) fn holds(&self) -> usize {
        self.lines.values().filter(|line| matches!(line, Line::Hold { .. })).count()
    }

    /// By their sequence.
    pub(crate) fn lines_of(&self, wallet: Uuid) -> impl Iterator<Item = (i64, &Line)> {
        let own = self.lines.iter().filter(move |(entry, _)| entry.wallet == wallet);
        own.map(|(entry, line)| (entry.sequence, line))
    }

    pub(crate) fn line(&self, entry: Entry) -> Option<&Line> {
        self.lines.get(&entry)
    }

    /// Somebody's wallet in a currency, as it was at a position.
    pub(crate) fn wallet_of(&self, named: (Uuid, Coin), at: i64) -> Option<Uuid> {
        let changes = self.of_owner.get(&named)?;
        changes.iter().rev().find(|(since, _)| *since <= at)?.1
    }

    /// Where somebody's wallet in a currency became another or none.
    pub(crate) fn changes_of(&self, named: (Uuid, Coin)) -> impl Iterator<Item = i64> {
        self.of_owner.get(&named).into_iter().flatten().map(|(position, _)| *position)
    }

    pub(crate) fn user_called(&self, name: &str) -> Option<Uuid> {
        self.names.get(name).copied()
    }

    /// A hold whose lease is over is ended by the sweeper. The reason, if it may not.
    pub(crate) fn expire(&mut self, hold: Entry, now: Micros, position: i64) -> Result<Effect, String> {
        let sheet = self.sheets.get_mut(&hold.wallet).ok_or("of no wallet")?;
        let mut ended = sheet.holds.remove(&hold.sequence).ok_or("of a hold that is not active")?;
        if now < ended.ends {
            return Err(format!("{} microseconds before its lease is over", ended.ends - now));
        }
        sheet.sequence += 1;
        let rest = ended.left;
        ended = Hold {
            released: ended.released + rest,
            left: 0,
            status: HoldStatus::Expired,
            version: sheet.sequence,
            ..ended
        };
        let line = Line::Hold { captured: ended.captured, ended: Some((HoldStatus::Expired, position)) };
        self.lines.insert(hold, line);
        Ok(Effect {
            kind: "HoldExpired",
            minor: Some(rest),
            after: sheet.balance(),
            hold: Some((hold.sequence, ended)),
            counterparty: None,
            undone: None,
        })
    }

    /// Makes it so. `position`: of the last event.
    pub(crate) fn apply(&mut self, draft: Draft, position: i64) {
        for (id, sheet) in draft.sheets {
            let named = (sheet.owner, sheet.coin);
            let is_open = sheet.status != Status::Closed;
            let known = self.wallet_of(named, i64::MAX);
            if is_open && known.is_none() {
                self.of_owner.entry(named).or_default().push((position, Some(id)));
            } else if !is_open && known == Some(id) {
                self.of_owner.entry(named).or_default().push((position, None));
            }
            self.sheets.insert(id, sheet);
        }
        self.lines.extend(draft.lines);
        for (hold, status, captured) in draft.ended {
            self.lines.insert(hold, Line::Hold { captured, ended: Some((status, position)) });
        }
        self.reversed.extend(draft.reversed.into_iter().map(|undone| (undone, position)));
    }
}
