//! Every row of the read model is the fold, and so are the two other sums: what SQL makes of the journal, and what the
//! accepted commands come to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::Case;
use super::book::{Book, change};
use crate::harness::cents;
use crate::harness::record::{Intent, Said};

pub(super) fn check(case: &Case, book: &Book<'_>, complaints: &mut Vec<String>) {
    wallets(case, book, complaints);
    sums(case, book, complaints);
    transactions(case, book, complaints);
    let registered = book.events().iter().filter(|event| event.kind == "UserRegistered");
    let expected: BTreeSet<Uuid> = registered.map(|event| event.aggregate).collect();
    let found: BTreeSet<Uuid> = case.found.profiles.iter().copied().collect();
    if expected != found || found.len() != case.found.profiles.len() {
        complaints.push(format!(
            "{} users registered, {} profiles",
            expected.len(),
            case.found.profiles.len()
        ));
    }
}

fn wallets(case: &Case, book: &Book<'_>, complaints: &mut Vec<String>) {
    let mut rows: HashMap<Uuid, _> = case.found.wallets.iter().map(|row| (row.wallet, row)).collect();
    for (wallet, balance) in book.wallets() {
        let Some(row) = rows.remove(&wallet) else {
            complaints.push(format!("wallet {wallet} is not in the read model"));
            continue;
        };
        let all = Some(balance.cents);
        let owner = book.at(balance.position).map(|event| event.owner);
        let is_fold = (cents::read(&row.posted), cents::read(&row.available), cents::read(&row.held))
            == (all, all, Some(0))
            && (row.version, row.position, Some(row.user)) == (balance.sequence, balance.position, owner);
        if !is_fold {
            complaints.push(format!("the read model has {row:?}, the journal {balance:?} of {owner:?}"));
        }
    }
    complaints
        .extend(rows.keys().map(|wallet| format!("the read model has wallet {wallet}, the journal not")));
}

fn sums(case: &Case, book: &Book<'_>, complaints: &mut Vec<String>) {
    let mut accepted: BTreeMap<Uuid, i64> = BTreeMap::new();
    for command in &case.pages.commands {
        if !command.settled().any(|heard| matches!(heard.said, Said::Accepted { .. })) {
            continue;
        }
        match command.intent {
            Intent::Deposit { wallet, cents } => *accepted.entry(wallet).or_default() += cents,
            Intent::Withdraw { wallet, cents } => *accepted.entry(wallet).or_default() -= cents,
            Intent::Register { .. } => {}
        }
    }
    let sql: HashMap<Uuid, &str> =
        case.found.sums.iter().map(|(wallet, sum)| (*wallet, sum.as_str())).collect();
    for (wallet, balance) in book.wallets() {
        let by_answers = accepted.get(&wallet).copied().unwrap_or(0);
        let by_sql = sql.get(&wallet).and_then(|sum| cents::read(sum));
        if by_answers != balance.cents || by_sql != Some(balance.cents) {
            let cents = balance.cents;
            complaints
                .push(format!("{wallet} holds {cents}, {by_answers} by the answers, {by_sql:?} by SQL"));
        }
    }
}

fn transactions(case: &Case, book: &Book<'_>, complaints: &mut Vec<String>) {
    let movements = book.events().iter().filter_map(|event| Some((event, change(event)?)));
    let mut rows = case.found.transactions.iter();
    for (event, change) in movements {
        let Some(row) = rows.next() else {
            return complaints.push(format!("the transaction at position {} is missing", event.position));
        };
        let kind = if change >= 0 { "deposit" } else { "withdrawal" };
        let same = (row.position, row.wallet, row.sequence, row.kind.as_str())
            == (event.position, event.aggregate, event.sequence, kind)
            && cents::read(&row.amount) == Some(change.abs())
            && cents::read(&row.posted_after) == cents::read(event.text("posted_after"))
            && row.reference.as_deref() == event.data["reference"].as_str();
        if !same {
            return complaints.push(format!("the read model has {row:?}, the journal {event:?}"));
        }
    }
    complaints.extend(rows.next().map(|row| format!("{row:?} is no movement of the journal")));
}
