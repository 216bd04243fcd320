//! The books as the journal alone tells them, and what has to be true of any books.
//!
//! Folded from the events' own data, without the rules: where `judge` asks whether each answer was right, this asks
//! whether what was written is sound.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::money::Coin;
use super::paper::Paper;
use crate::harness::evidence::Event;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    books: HashMap<Uuid, Book>,
    /// What came in from the world of a currency, less what went out to it.
    world: BTreeMap<&'static str, i128>,
    reversed: HashSet<String>,
    /// A half whose other half has to be the next event: wallet, counterparty, what it posted.
    half: Option<(Uuid, String, i128)>,
}

#[derive(Debug)]
struct Book {
    coin: Coin,
    posted: i128,
    sequence: i64,
    left: BTreeMap<String, i128>,
    ended: HashSet<String>,
    is_frozen: bool,
    is_closed: bool,
}

type Sound<T = ()> = Result<T, String>;

impl Ledger {
    pub(crate) fn post(&mut self, event: &Event) -> Sound {
        if event.aggregate_type != "wallet" {
            return Ok(());
        }
        self.sound(event).map_err(|why| format!("{why}: {event:?}"))
    }

    fn sound(&mut self, event: &Event) -> Sound {
        if event.kind == "WalletOpened" {
            let coin = Coin::called(event.text("currency")).ok_or("an unknown currency")?;
            let book = Book {
                coin,
                posted: 0,
                sequence: 1,
                left: BTreeMap::new(),
                ended: HashSet::new(),
                is_frozen: false,
                is_closed: false,
            };
            let is_first = event.sequence == 1 && self.books.insert(event.aggregate, book).is_none();
            return ensure(is_first, "opened twice");
        }
        let book = self.books.get_mut(&event.aggregate).ok_or("a wallet that was never opened")?;
        ensure(!book.is_closed, "an event after the closing")?;
        book.sequence += 1;
        ensure(event.sequence == book.sequence, "the sequence has a hole")?;
        let was_frozen = book.is_frozen;
        let posts = book.follow(event)?;
        ensure(!(was_frozen && posts < 0), "a debit of a frozen wallet")?;
        book.posted += posts;
        let held: i128 = book.left.values().sum();
        let available = book.posted - held;
        ensure(available >= 0, "below zero")?;
        let said = |name: &str| book.coin.read(event.text(name));
        ensure(said("posted_after") == Some(book.posted), "posted_after is not the sum")?;
        ensure(said("available_after") == Some(available), "held is not the sum of what is left in holds")?;
        let code = book.coin.code;
        self.both_sides(event, posts, code)?;
        if event.kind == "TransactionReversed" {
            ensure(self.reversed.insert(event.text("transaction").to_owned()), "reversed twice")?;
        }
        Ok(())
    }

    /// What one wallet gives another gets: right beside it, or the world.
    fn both_sides(&mut self, event: &Event, posts: i128, code: &'static str) -> Sound {
        let counterparty = event.text("counterparty").to_owned();
        match (self.half.take(), counterparty.is_empty()) {
            (None, true) => *self.world.entry(code).or_default() += posts,
            (None, false) => self.half = Some((event.aggregate, counterparty, posts)),
            (Some((wallet, other, gave)), _) => {
                let is_its_other_half = other == event.aggregate.to_string()
                    && counterparty == wallet.to_string()
                    && gave + posts == 0;
                ensure(is_its_other_half, "half of a transfer without the other")?;
            }
        }
        Ok(())
    }

    /// All that has to be true whenever one looks.
    pub(crate) fn audit(&self, paper: &Paper) -> Sound {
        ensure(self.half.is_none(), "a transfer ends in the middle")?;
        let mut sums = self.world.clone();
        for book in self.books.values() {
            *sums.entry(book.coin.code).or_default() -= book.posted;
        }
        for (code, sum) in sums {
            ensure(sum == 0, &format!("the trial balance of {code} is {sum}"))?;
        }
        ensure(paper.sheets().count() == self.books.len(), "other wallets than on paper")?;
        for sheet in paper.sheets() {
            let book = self.books.get(&sheet.id).ok_or("a wallet is only on paper")?;
            let held: i128 = book.left.values().sum();
            let same = (book.posted, held, book.sequence) == (sheet.posted, sheet.held(), sheet.sequence)
                && book.left.len() == sheet.holds.len();
            ensure(same, &format!("{sheet:?} is on paper, {book:?} in the journal"))?;
        }
        Ok(())
    }
}

impl Book {
    /// By how much an event changes what is posted. What it does to holds is done.
    fn follow(&mut self, event: &Event) -> Sound<i128> {
        let amount = || self.coin.read(event.text("amount")).ok_or("an amount that is none");
        Ok(match event.kind.as_str() {
            "WalletDeposited" | "TransferReceived" => amount()?,
            "TransactionReversed" if event.text("direction") == "credit" => amount()?,
            "WalletWithdrawn" | "TransferSent" | "TransactionReversed" => -amount()?,
            "WalletFrozen" | "WalletUnfrozen" => {
                self.is_frozen = event.kind == "WalletFrozen";
                0
            }
            "WalletClosed" => {
                ensure(self.posted == 0 && self.left.is_empty(), "closed, and not empty")?;
                self.is_closed = true;
                0
            }
            kind if kind.starts_with("Hold") => {
                let amount = amount()?;
                self.hold(event, amount)?
            }
            _ => return Err("an event of no known kind".to_owned()),
        })
    }

    fn hold(&mut self, event: &Event, amount: i128) -> Sound<i128> {
        let hold = &event.data["hold"];
        let text = |name: &str| hold[name].as_str().unwrap_or_default();
        let part = |name: &str| self.coin.read(text(name)).filter(|part| *part >= 0).ok_or("a part is none");
        let (total, captured) = (part("amount")?, part("captured")?);
        let (released, left) = (part("released")?, part("remaining")?);
        ensure(captured + released + left == total, "the parts of the hold are not the whole")?;
        let (id, is_active) = (text("id").to_owned(), text("status") == "active");
        ensure(is_active == (left > 0), "what is left, and whether it is active")?;
        let before = self.left.remove(&id);
        let is_placed = event.kind == "HoldPlaced";
        ensure(is_placed == before.is_none(), "a hold that was not active")?;
        ensure(!self.ended.contains(&id), "a hold that had ended")?;
        let is_over = is_over(event, text("expires_at"));
        match event.kind.as_str() {
            "HoldExpired" => ensure(is_over, "expired before its time")?,
            _ => ensure(!is_over, "a step of a hold whose lease was over")?,
        }
        if is_active {
            self.left.insert(id, left);
        } else {
            self.ended.insert(id);
        }
        let takes = if event.kind == "HoldCaptured" { amount } else { 0 };
        if takes > 0 {
            ensure(takes <= before.unwrap_or_default(), "more was captured than was left")?;
        }
        Ok(-takes)
    }
}

fn is_over(event: &Event, expires_at: &str) -> bool {
    let format = &time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(expires_at, format).is_ok_and(|ends| event.recorded_at >= ends)
}

fn ensure(is_so: bool, else_say: &str) -> Sound {
    if is_so { Ok(()) } else { Err(else_say.to_owned()) }
}
