//! What was read with `min_position` is the fold of the journal at the position the answer names.

use super::Case;
use super::book::Book;
use crate::harness::cents;

pub(super) fn check(case: &Case, book: &Book<'_>, complaints: &mut Vec<String>) {
    for read in &case.pages.reads {
        let wallet = read.wallet;
        if read.position < read.min_position {
            complaints
                .push(format!("{wallet} was read at {}, {} was asked for", read.position, read.min_position));
        }
        let said = (cents::read(&read.posted), cents::read(&read.available), read.version);
        let balance = book.balance(wallet, read.position);
        let there = balance.map(|balance| (Some(balance.cents), Some(balance.cents), balance.sequence));
        if Some(said) != there {
            complaints.push(format!("{wallet} was read as {said:?} at {}, it was {there:?}", read.position));
        }
    }
}
