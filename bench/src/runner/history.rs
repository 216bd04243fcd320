//! The pages of a long history: does the last one cost more than the first?
//!
//! The cursor of the last page is come by as any client comes by it: page after page, from the newest transaction to the
//! oldest. That walk also tells whether all of them are there. Then both pages are read in turns.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::bench::Bench;
use crate::client::Client;
use crate::error::{BenchError, Doing, Result};
use crate::load::Histogram;
use crate::report::number;
use crate::seed::long;

/// The most there is in a page: the walk takes as few as it can.
const LONGEST_PAGE: usize = 200;
/// What is measured has as many as a page has if nobody asks for more.
const USUAL_PAGE: usize = 50;
/// Reads before those that count.
const WARMING: usize = 20;
/// A walk over pages that cost more the deeper they lie would never end.
const WALK_PATIENCE: Duration = Duration::from_mins(2);

#[derive(Deserialize)]
struct PageBody {
    items: Vec<IgnoredAny>,
    next_cursor: Option<String>,
}

/// A history, for who may read it.
struct Pages<'a> {
    client: Client,
    path: String,
    token: &'a str,
}

/// What came of walking through all of it.
struct Walk {
    transactions: usize,
    pages: usize,
    /// Leads to the oldest transactions: one usual page of them and no more than a long one besides.
    cursor: String,
}

pub(crate) async fn pages(bench: &mut Bench) -> Result<()> {
    bench.progress.doing("first and last page of a long history");
    bench.even_start().await?;
    let long = long(&bench.size);
    let path = format!("/api/v1/wallets/{}/transactions", long.id);
    let mut pages = Pages { client: bench.server()?.client()?, path, token: &bench.users[long.owner].token };
    let started = Instant::now();
    let walk = pages.walk().await?;
    let walked = started.elapsed().as_secs_f64();
    let (first, last) = pages.compare(&walk.cursor, bench.times.pages)?;

    // All but the opening of the wallet.
    let wanted = usize::try_from(long.events).unwrap_or(usize::MAX) - 1;
    if walk.transactions < wanted {
        let complaint = format!("{} of {wanted} transactions are in the pages", walk.transactions);
        bench.count_errors(1, &[complaint]);
    }
    let report = &mut bench.report;
    report.set("history_transactions", json!(walk.transactions));
    report.figure("history_walk_s", walked);
    report.figure("history_walk_pages_per_s", crate::load::rate(walk.pages as u64, walked));
    for (name, latency) in [("history_first", &first), ("history_last", &last)] {
        report.latencies(name, latency);
        report.figure(&format!("{name}_page_ms"), crate::load::millis(latency.percentile(0.5)));
    }
    report.ratio("history_last_vs_first", "history_last_page_ms", "history_first_page_ms");
    let told = |key: &str| report.number(key).map(number).unwrap_or_default();
    let (first, last) = (told("history_first_page_ms"), told("history_last_page_ms"));
    bench.progress.tell(&format!("a page of a long history: the first {first} ms, the last {last} ms"));
    Ok(())
}

impl Pages<'_> {
    async fn walk(&mut self) -> Result<Walk> {
        let started = Instant::now();
        let mut walk = Walk { transactions: 0, pages: 0, cursor: String::new() };
        let mut next = String::new();
        loop {
            // It is a long time without rest for whoever else waits, for a signal above all.
            tokio::task::yield_now().await;
            if started.elapsed() > WALK_PATIENCE {
                let (what, seconds) = ("paging through a history".to_owned(), WALK_PATIENCE.as_secs());
                return Err(BenchError::TooSlow { what, seconds });
            }
            let (page, _) = self.page(LONGEST_PAGE, &next)?;
            walk.transactions += page.items.len();
            walk.pages += 1;
            if page.items.len() >= USUAL_PAGE {
                walk.cursor = next;
            }
            match page.next_cursor {
                Some(cursor) => next = cursor,
                None => return Ok(walk),
            }
        }
    }

    /// Microseconds of the first page and of the one a cursor leads to, so many times.
    fn compare(&mut self, cursor: &str, times: usize) -> Result<(Histogram, Histogram)> {
        let (mut first, mut last) = (Histogram::default(), Histogram::default());
        for turn in 0..WARMING + times {
            let mut pair = [("", &mut first), (cursor, &mut last)];
            // Who goes first changes, so that neither always follows the other.
            pair.rotate_left(turn % 2);
            for (cursor, latency) in pair {
                let (page, took) = self.page(USUAL_PAGE, cursor)?;
                if page.items.len() != USUAL_PAGE {
                    let (got, path) = (page.items.len(), &self.path);
                    return Err(BenchError::Unusable(format!("{path}: {got} transactions in a page")));
                }
                if turn >= WARMING {
                    latency.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
                }
            }
        }
        Ok((first, last))
    }

    /// A page and how long it took until all of it was there; reading what it says is not part of that.
    fn page(&mut self, limit: usize, cursor: &str) -> Result<(PageBody, Duration)> {
        let cursor = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
        let path = format!("{}?limit={limit}{cursor}", self.path);
        let started = Instant::now();
        let (status, body) = self.client.get_bytes(&path, Some(self.token))?;
        let took = started.elapsed();
        if status != 200 {
            let body = String::from_utf8_lossy(&body).into_owned();
            return Err(BenchError::Answer { request: path, status, body });
        }
        Ok((serde_json::from_slice(&body).doing("reading a page")?, took))
    }
}
