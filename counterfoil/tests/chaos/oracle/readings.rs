//! The read models at rest: every wallet and hold is as it stands on paper, and all postings together come to nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::{Connection, PgConnection, Row};
use testkit::eventually_within;
use uuid::Uuid;

use super::money::Coin;
use super::paper::{HoldStatus, Line, Paper};
use super::wish::Entry;

const SWEPT_WITHIN: Duration = Duration::from_mins(1);

/// The sweeper has its own time: there is nothing to look at before it has nothing to do.
pub(super) async fn nothing_is_due(database_url: &str) {
    let mut conn = PgConnection::connect(database_url).await.unwrap();
    let sql = "select position = (select position from journal_head) and not exists \
                   (select from holds where status = 'active' and expires_at < now() + interval '1 minute') \
               from projection_checkpoints where name = 'wallets'";
    eventually_within(SWEPT_WITHIN, "every lease that is over is ended", async || {
        sqlx::query_scalar::<_, bool>(sql).fetch_one(&mut conn).await.unwrap()
    })
    .await;
    conn.close().await.unwrap();
}

pub(super) async fn check(paper: &Paper, database_url: &str) -> Vec<String> {
    let mut conn = PgConnection::connect(database_url).await.unwrap();
    let mut complaints = Vec::new();
    wallets(paper, &mut conn, &mut complaints).await;
    holds(paper, &mut conn, &mut complaints).await;
    postings(&mut conn, &mut complaints).await;
    conn.close().await.unwrap();
    complaints
}

async fn wallets(paper: &Paper, conn: &mut PgConnection, complaints: &mut Vec<String>) {
    let sql = "select wallet_id, posted::text as posted, held::text as held, available::text as available, status, version \
               from wallets";
    let rows = sqlx::query(sql).fetch_all(&mut *conn).await.unwrap();
    let mut found: BTreeMap<Uuid, _> = rows
        .iter()
        .map(|row| {
            let text = |name: &str| row.get::<String, _>(name);
            let amounts = [text("posted"), text("held"), text("available")];
            (row.get("wallet_id"), (amounts, text("status"), row.get::<i64, _>("version")))
        })
        .collect();
    for sheet in paper.sheets() {
        let amounts = [sheet.posted, sheet.held(), sheet.available()].map(|minor| sheet.coin.written(minor));
        let expected = (amounts, sheet.status.word().to_owned(), sheet.sequence);
        let row = found.remove(&sheet.id);
        if row.as_ref() != Some(&expected) {
            complaints.push(format!("the read model has {row:?} of {}, on paper {expected:?}", sheet.id));
        }
    }
    // An admin and a service have wallets, too, and nothing in them.
    for (id, (amounts, ..)) in found {
        if amounts[0] != "0.00" {
            complaints.push(format!("wallet {id} is only in the read model, with {amounts:?}"));
        }
    }
}

async fn holds(paper: &Paper, conn: &mut PgConnection, complaints: &mut Vec<String>) {
    let sql = "select wallet_id, sequence, currency, captured::text as captured, remaining::text as remaining, status \
               from holds";
    let rows = sqlx::query(sql).fetch_all(&mut *conn).await.unwrap();
    for row in &rows {
        let id = Entry { wallet: row.get("wallet_id"), sequence: row.get("sequence") };
        let currency = Coin::called(row.get("currency")).unwrap();
        let amount = |name: &str| currency.read(row.get(name));
        let (captured, left) = (amount("captured"), amount("remaining"));
        let status: &str = row.get("status");
        let expected = match paper.line(id) {
            Some(Line::Hold { ended: Some((status, _)), captured }) => Some((status.word(), *captured, 0)),
            Some(Line::Hold { ended: None, .. }) => {
                let hold = paper.sheet(id.wallet).and_then(|sheet| sheet.holds.get(&id.sequence));
                hold.map(|hold| (HoldStatus::Active.word(), hold.captured, hold.left))
            }
            _ => None,
        };
        if expected.map(|(status, captured, left)| (status, Some(captured), Some(left)))
            != Some((status, captured, left))
        {
            complaints.push(format!(
                "the read model has {id} {status} {captured:?} {left:?}, on paper {expected:?}"
            ));
        }
    }
    let on_paper = paper.holds();
    if rows.len() != on_paper {
        complaints.push(format!("{} holds in the read model, {on_paper} on paper", rows.len()));
    }
}

/// What is posted in wallets is what came from the world, in every currency.
async fn postings(conn: &mut PgConnection, complaints: &mut Vec<String>) {
    let sql = "with posted as (select currency, sum(posted) as total from wallets group by currency), \
                    moved as (select currency, sum(case when is_credit then amount else -amount end) as total \
                              from transactions where is_credit is not null group by currency) \
               select currency, posted.total::text as posted, moved.total::text as moved \
               from posted full join moved using (currency) \
               where coalesce(posted.total, 0) <> coalesce(moved.total, 0)";
    for row in sqlx::query(sql).fetch_all(&mut *conn).await.unwrap() {
        let text = |name: &str| row.get::<Option<String>, _>(name);
        complaints.push(format!(
            "{:?} is posted in wallets, {:?} in transactions of {:?}",
            text("posted"),
            text("moved"),
            text("currency")
        ));
    }
}
