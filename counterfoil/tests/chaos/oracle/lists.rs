//! Every wallet's transactions, page by page: those on paper, each once, newest first, and each hold as it ended.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::clients::Desk;
use super::paper::{HoldStatus, Line, Paper};
use super::wish::Entry;
use crate::harness::http::{Ask, Http};

/// No divisor of most lengths, so that the last page is a short one.
const LIMIT: usize = 97;

pub(super) async fn check(desk: &Desk, paper: &Paper) -> Vec<String> {
    let mut line = Http::to(desk.town.node);
    let mut complaints = Vec::new();
    for sheet in paper.sheets() {
        let on_paper: BTreeMap<i64, (&str, &str)> =
            paper.lines_of(sheet.id).map(|(sequence, line)| (sequence, words(line))).collect();
        match listed(&mut line, desk, sheet.id).await {
            Ok(found) => {
                let found = found.iter().map(|(id, kind, status)| (*id, (kind.as_str(), status.as_str())));
                // Newest first: backwards, it is the order on paper.
                if !found.clone().rev().eq(on_paper) {
                    let found: Vec<_> = found.take(5).collect();
                    complaints.push(format!("{} has other transactions than on paper: {found:?}…", sheet.id));
                }
            }
            Err(why) => complaints.push(why),
        }
    }
    complaints
}

/// Type and status.
fn words(line: &Line) -> (&'static str, &'static str) {
    match line {
        Line::Moved { is_credit: true, .. } => ("deposit", "completed"),
        Line::Moved { .. } => ("withdrawal", "completed"),
        Line::Half { is_sent: true, .. } => ("transfer_out", "completed"),
        Line::Half { .. } => ("transfer_in", "completed"),
        Line::Reversal => ("reversal", "completed"),
        Line::Hold { ended, .. } => match ended {
            None | Some((HoldStatus::Active, _)) => ("hold", "pending"),
            Some((HoldStatus::Captured, _)) => ("hold", "completed"),
            Some((HoldStatus::Released, _)) => ("hold", "cancelled"),
            Some((HoldStatus::Expired, _)) => ("hold", "expired"),
        },
    }
}

type Listed = Vec<(i64, String, String)>;

async fn listed(line: &mut Http, desk: &Desk, wallet: Uuid) -> Result<Listed, String> {
    let mut found = Listed::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/wallets/{wallet}/transactions?limit={LIMIT}{cursor}");
        let reply = line.send(&Ask::get(&path).with_token(&desk.town.service)).await.unwrap();
        let items = reply.body["items"].as_array();
        let items = items.ok_or_else(|| format!("{path}: {} {}", reply.status, reply.body))?;
        for item in items {
            let text = |name: &str| item[name].as_str().unwrap_or_default();
            let id: Entry = text("id").parse().map_err(|()| format!("{item} is no transaction"))?;
            found.push((id.sequence, text("type").to_owned(), text("status").to_owned()));
        }
        match reply.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(found),
        }
    }
}
