//! The list of what happened merges an account with its wallets, page by page, however long their histories are.

use crate::helpers::{World, drain};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::user::{PreferencesChange, Theme, UserCommand};
use domain::{Timestamp, UserId, WalletId};
use projections::{ActivityFilter, ActivityRow, Page, QueryError};
use std::time::{Duration, Instant};
use testkit::Scribe;

/// More than are looked at for one page.
const LONG: usize = 10_050;

fn theme(theme: Theme) -> UserCommand {
    let change = PreferencesChange { theme: Some(theme), ..PreferencesChange::default() };
    UserCommand::ChangePreferences { change, expected_version: None, at: Timestamp::default() }
}

fn of_type(name: &str) -> ActivityFilter {
    ActivityFilter { event_type: Some(name.to_owned()), ..ActivityFilter::default() }
}

fn positions(rows: &[ActivityRow]) -> Vec<i64> {
    rows.iter().map(|row| row.position).collect()
}

async fn page(
    world: &World,
    user: UserId,
    filter: &ActivityFilter,
    limit: u16,
    cursor: Option<String>,
) -> (Vec<ActivityRow>, Option<String>) {
    let page = Page { cursor, limit };
    let found = world.read_models.activity(user, filter.clone(), &page, None).await.unwrap().value.unwrap();
    assert!(found.items.len() <= usize::from(limit));
    (found.items, found.next_cursor)
}

/// Every row of the list, and how many pages it took.
async fn read_all(
    world: &World,
    user: UserId,
    filter: &ActivityFilter,
    limit: u16,
) -> (Vec<ActivityRow>, usize) {
    let (mut rows, mut pages, mut cursor) = (Vec::new(), 0, None);
    loop {
        let (items, next) = page(world, user, filter, limit, cursor).await;
        rows.extend(items);
        pages += 1;
        assert!(pages < 1_000, "it comes to an end");
        match next {
            Some(_) => cursor = next,
            None => return (rows, pages),
        }
    }
}

struct Ada {
    world: World,
    scribe: Scribe,
    id: UserId,
    wallets: Vec<WalletId>,
}

impl Ada {
    /// Somebody with three wallets, to whom all kinds of things have happened, and somebody else.
    async fn lively() -> Self {
        let world = World::new().await;
        let mut scribe = Scribe::take(&world.journal).await;
        let (id, first) = scribe.register().await;
        let (_, others) = scribe.register().await;
        let wallets = vec![first, scribe.open_wallet(id).await, scribe.open_wallet(id).await];
        for n in 0..12 {
            scribe.deposit(wallets[n % 3], 100).await;
            scribe.deposit(others, 100).await;
            if n % 4 == 0 {
                scribe.user(id, theme(if n % 8 == 0 { Theme::Dark } else { Theme::Light }));
                scribe.withdraw(wallets[n % 3], 50).await;
            }
        }
        let ada = Self { world, scribe, id, wallets };
        ada.follow().await;
        ada
    }

    async fn follow(&self) {
        drain(&mut self.world.follow("accounts")).await;
    }

    /// The positions of all that happened to her, newest first, by the journal alone.
    async fn truth(&self, and: &str) -> Vec<i64> {
        let sql = format!("select position from events where owner = $1 {and} order by position desc");
        sqlx::query_scalar(&sql).bind(self.id.0).fetch_all(self.world.journal.pool()).await.unwrap()
    }
}

#[tokio::test]
async fn pages_of_any_length_put_together_are_the_whole_of_it() {
    let ada = Ada::lively().await;
    let truth = ada.truth("").await;
    assert_eq!(truth.len(), 1 + 3 + 12 + 6);
    for limit in [1, 2, 3, 7, 21, 22, 23, 200] {
        let (rows, pages) = read_all(&ada.world, ada.id, &ActivityFilter::default(), limit).await;
        assert_eq!(positions(&rows), truth, "pages of {limit}");
        assert_eq!(pages, truth.len().div_ceil(usize::from(limit)));
    }
    for name in ["WalletDeposited", "WalletWithdrawn", "WalletOpened", "PreferencesChanged", "UserRegistered"]
    {
        let (rows, _) = read_all(&ada.world, ada.id, &of_type(name), 2).await;
        assert_eq!(positions(&rows), ada.truth(&format!("and event_type = '{name}'")).await, "{name}");
    }
    let (rows, _) = read_all(&ada.world, ada.id, &of_type("WalletWithdrawn"), 9).await;
    assert!(rows.iter().all(|row| ada.wallets.contains(&row.wallet_id.unwrap())));
    assert!(rows.iter().all(|row| row.actor == domain::Actor::user(ada.id.0)));
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_was_whatever_is_written_meanwhile() {
    let mut ada = Ada::lively().await;
    let truth = ada.truth("").await;
    let (first, next) = page(&ada.world, ada.id, &ActivityFilter::default(), 5, None).await;
    let (mut rows, mut next) = (first, next);
    while let Some(cursor) = next {
        ada.scribe.deposit(ada.wallets[0], 1).await;
        ada.scribe.user(ada.id, theme(if rows.len() % 2 == 0 { Theme::Light } else { Theme::Dark }));
        ada.scribe.commit().await;
        ada.follow().await;
        let (items, after) = page(&ada.world, ada.id, &ActivityFilter::default(), 5, Some(cursor)).await;
        rows.extend(items);
        next = after;
    }
    assert_eq!(positions(&rows), truth);
    assert!(ada.truth("").await.len() > truth.len());
}

#[tokio::test]
async fn what_the_account_has_not_heard_of_yet_is_not_listed_of_its_wallets_either() {
    let mut ada = Ada::lively().await;
    let truth = ada.truth("").await;
    let head = ada.scribe.position();
    ada.scribe.deposit(ada.wallets[0], 1).await;
    ada.scribe.user(ada.id, theme(Theme::Light));
    ada.scribe.commit().await;
    let page = Page::default();
    let found = ada.world.read_models.activity(ada.id, ActivityFilter::default(), &page, None).await.unwrap();
    assert_eq!((found.position, positions(&found.value.unwrap().items)), (head, truth));
}

#[tokio::test]
async fn times_cut_it_at_both_ends() {
    let ada = Ada::lively().await;
    // The scribe's clock stands still, so there is one moment, and before and after it.
    let at =
        ada.world.count("select (extract(epoch from max(recorded_at)) * 1000000)::bigint from events").await;
    let moment = |micros: i64| Some(Timestamp::from_micros(at + micros));
    let count = async |from: Option<Timestamp>, to: Option<Timestamp>| {
        let filter = ActivityFilter { event_type: None, from, to };
        read_all(&ada.world, ada.id, &filter, 10).await.0.len()
    };
    let all = ada.truth("").await.len();
    assert_eq!(count(moment(0), moment(1)).await, all);
    assert_eq!(count(moment(-1), None).await, all);
    assert_eq!(count(None, moment(1)).await, all);
    for (from, to) in [(moment(1), None), (None, moment(0)), (moment(0), moment(0)), (moment(1), moment(-1))]
    {
        assert_eq!(count(from, to).await, 0);
    }
}

#[tokio::test]
async fn a_rare_event_in_a_long_history_is_found_in_bounded_steps() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (id, wallet) = scribe.register().await;
    let other = scribe.open_wallet(id).await;
    scribe.deposit(wallet, 1_000).await;
    let first = scribe.withdraw(wallet, 1).await;
    scribe.deposits(wallet, 1, LONG).await;
    scribe.deposit(other, 1_000).await;
    let second = scribe.withdraw(other, 1).await;
    scribe.deposits(wallet, 1, LONG).await;
    drain(&mut world.follow("accounts")).await;
    // The first page finds nothing, because the wallet with the long history says nothing of what is further back.
    let (none, next) = page(&world, id, &of_type("WalletWithdrawn"), 10, None).await;
    assert!(none.is_empty() && next.is_some());
    let (rows, pages) = read_all(&world, id, &of_type("WalletWithdrawn"), 10).await;
    assert_eq!(positions(&rows), [second, first]);
    assert_eq!(pages, 3);
    let (rows, pages) = read_all(&world, id, &of_type("WalletOpened"), 10).await;
    assert_eq!((rows.len(), pages), (2, 3));
    // Without a type, a page takes no longer for it.
    let begun = Instant::now();
    let (rows, _) = page(&world, id, &ActivityFilter::default(), 10, None).await;
    assert_eq!(rows.len(), 10);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let (rows, pages) = read_all(&world, id, &of_type("UserRegistered"), 10).await;
    assert_eq!((rows.len(), pages), (1, 1));
}

#[tokio::test]
async fn a_cursor_brings_no_type_that_is_not_listed_and_nobody_elses_list() {
    let mut ada = Ada::lively().await;
    let (eve, _) = ada.scribe.register().await;
    ada.follow().await;
    let (_, next) = page(&ada.world, ada.id, &ActivityFilter::default(), 1, None).await;
    let plain = URL_SAFE_NO_PAD.decode(next.clone().unwrap()).unwrap();
    let mut forged: serde_json::Value = serde_json::from_slice(&plain).unwrap();
    forged["filter"]["event_type"] = "LoginSessionRefreshed".into();
    let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
    for (user, cursor) in [(eve, next), (ada.id, Some(forged))] {
        let page = Page { cursor, limit: 1 };
        let refused = ada.world.read_models.activity(user, ActivityFilter::default(), &page, None).await;
        assert!(matches!(refused.unwrap_err(), QueryError::BadCursor));
    }
}
