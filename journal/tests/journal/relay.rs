//! The stream is the journal, whatever happens to either.

use crate::helpers::{ONE_REPLICA, assert_stream_is_journal, drain, journal, nats, relay, stream};
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use journal::relay::{Outcome, RelayState, Verdict, check, reset};
use journal::{Lease, Nats, NatsOptions, Tail};
use std::time::Duration;
use testkit::{Postgres, Scribe, eventually};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn message_n_of_the_stream_is_event_n_of_the_journal() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 3_000).await;

    assert_eq!(check(&journal, &nats, PATIENCE).await.unwrap(), Verdict::Gone);
    let mut relay = relay(&journal, &nats);
    assert_eq!(relay.run_once().await.unwrap(), Outcome::Published(2_048));
    assert_eq!(check(&journal, &nats, PATIENCE).await.unwrap(), Verdict::Behind { at: 2_048 });
    assert_eq!(drain(&mut relay).await, Outcome::UpToDate);
    assert_eq!(check(&journal, &nats, PATIENCE).await.unwrap(), Verdict::InStep { at: 3_002 });
    assert_eq!(relay.status().borrow().state, RelayState::Ok);
    assert_stream_is_journal(&journal, &nats).await;
}

#[tokio::test]
async fn a_message_is_a_cloud_event_with_its_position() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    drain(&mut relay(&journal, &nats)).await;

    let event = &journal.read_after(1, 1).await.unwrap()[0];
    let message = stream(&nats).await.get_raw_message(2).await.unwrap();
    let header = |name: &str| message.headers.get(name).map(ToString::to_string).unwrap_or_default();
    assert_eq!(message.subject.as_str(), format!("counterfoil.events.wallet.{wallet}.WalletOpened"));
    assert_eq!(header("ce-specversion"), "1.0");
    assert_eq!(header("ce-id"), event.event_id.to_string());
    assert_eq!(header("ce-type"), "WalletOpened");
    assert_eq!(header("ce-source"), format!("/counterfoil/{}", journal.head().await.unwrap().journal_id));
    assert_eq!(header("ce-subject"), format!("wallet/{wallet}"));
    assert_eq!(header("ce-time"), event.recorded_at.to_string());
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("counterfoil-position"), "2");
    assert_eq!(header("Nats-Expected-Last-Sequence"), "1");
    assert_eq!(message.payload, event.to_public());
}

#[tokio::test]
async fn a_deleted_stream_is_made_again_from_the_beginning() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 50).await;
    let mut relay = relay(&journal, &nats);
    drain(&mut relay).await;

    nats.jetstream().delete_stream("COUNTERFOIL").await.unwrap();
    scribe.deposit(wallet, 100).await;
    assert_eq!(relay.run_once().await.unwrap(), Outcome::OutOfStep);
    assert_eq!(drain(&mut relay).await, Outcome::UpToDate);
    assert_stream_is_journal(&journal, &nats).await;
}

#[tokio::test]
async fn a_stream_that_takes_no_more_says_so_and_goes_on_once_it_does() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    let mut relay = relay(&journal, &nats);
    drain(&mut relay).await;
    let found = stream(&nats).await.cached_info().clone();
    let limited = |max_messages| Config { max_messages, discard: DiscardPolicy::New, ..found.config.clone() };
    nats.jetstream().update_stream(limited(5)).await.unwrap();
    scribe.deposits(wallet, 100, 20).await;

    assert_eq!(
        relay.run_once().await.unwrap(),
        Outcome::OutOfStep,
        "only the last of a run tells what became of it"
    );
    while let Ok(outcome) = relay.run_once().await {
        assert!(matches!(outcome, Outcome::Published(_) | Outcome::OutOfStep), "{outcome:?}");
    }
    let refused = relay.run_once().await.unwrap_err().to_string();
    assert!(refused.contains("maximum messages exceeded"), "{refused}");
    nats.jetstream().update_stream(limited(-1)).await.unwrap();
    assert_eq!(drain(&mut relay).await, Outcome::UpToDate);
    assert_stream_is_journal(&journal, &nats).await;
}

#[tokio::test]
async fn who_takes_over_counts_what_the_stream_lacks() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    let (mut one, mut other) = (relay(&journal, &nats), relay(&journal, &nats));
    drain(&mut one).await;
    let found = stream(&nats).await.cached_info().clone();
    let full = Config { max_messages: 2, discard: DiscardPolicy::New, ..found.config };
    nats.jetstream().update_stream(full).await.unwrap();
    scribe.deposits(wallet, 100, 20).await;
    assert_eq!(other.run_once().await.unwrap(), Outcome::StandingBy);
    assert_eq!(other.status().borrow().lag, 0, "it is not for this one to publish them");
    drop(one);
    eventually("the other tries", async || matches!(other.run_once().await, Ok(Outcome::OutOfStep))).await;
    assert_eq!(other.status().borrow().lag, 20);
}

#[tokio::test]
async fn a_purged_stream_is_made_again_from_the_beginning() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    drain(&mut relay(&journal, &nats)).await;

    stream(&nats).await.purge().await.unwrap();
    scribe.deposits(wallet, 100, 5).await;
    assert_eq!(
        drain(&mut relay(&journal, &nats)).await,
        Outcome::UpToDate,
        "the first relay's lead ended with it"
    );
    assert_stream_is_journal(&journal, &nats).await;
}

#[tokio::test]
async fn a_tail_that_the_broker_lost_is_published_again() {
    let (postgres, mut server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 10).await;
    let mut relay = relay(&journal, &nats);
    drain(&mut relay).await;

    // As after a power cut: what was on disk earlier is all there is.
    server.stop();
    let backup = server.store().with_extension("backup");
    copy(&server.store(), &backup);
    server.restart().await;
    scribe.deposits(wallet, 100, 20).await;
    drain(&mut relay).await;
    assert_stream_is_journal(&journal, &nats).await;
    server.kill();
    std::fs::remove_dir_all(server.store()).unwrap();
    copy(&backup, &server.store());
    server.restart().await;

    nats.wait_until_ready(PATIENCE).await.unwrap();
    assert_eq!(check(&journal, &nats, PATIENCE).await.unwrap(), Verdict::Behind { at: 12 });
    scribe.deposit(wallet, 100).await;
    assert_eq!(drain(&mut relay).await, Outcome::UpToDate);
    assert_stream_is_journal(&journal, &nats).await;
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    assert!(std::process::Command::new("cp").arg("-rp").arg(from).arg(to).status().unwrap().success());
}

#[tokio::test]
async fn a_journal_restored_to_an_earlier_copy_halts_until_a_person_decides() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let url = postgres.database().await;
    let nats = nats(&server).await;
    let first = journal(&url).await;
    let mut scribe = Scribe::take(&first).await;
    scribe.register().await;
    scribe.lease.release().await.unwrap();
    first.pool().close().await;
    let backup = postgres.copy_database(&url).await;
    let first = journal(&url).await;
    let mut scribe = Scribe::take(&first).await;
    scribe.register().await;
    drain(&mut relay(&first, &nats)).await;

    let restored = journal(&backup).await;
    let verdict = check(&restored, &nats, PATIENCE).await.unwrap();
    assert!(verdict.forbids_leading().is_some_and(|reason| reason.contains("restored")), "{verdict:?}");
    let mut relay = relay(&restored, &nats);
    assert!(matches!(drain(&mut relay).await, Outcome::Halted(_)));
    assert!(matches!(relay.status().borrow().state, RelayState::Halted { .. }));
    assert!(Lease::take(&restored, "a node").await.unwrap().is_none(), "nobody leads");

    drop(relay);
    assert_eq!(reset(&restored, &nats, ONE_REPLICA, |_| ()).await.unwrap(), 2);
    assert_stream_is_journal(&restored, &nats).await;
    assert!(Lease::take(&restored, "a node").await.unwrap().is_some());
}

#[tokio::test]
async fn other_events_at_the_same_position_halt() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let url = postgres.database().await;
    let backup = postgres.copy_database(&url).await;
    let nats = nats(&server).await;
    let (one, other) = (journal(&url).await, journal(&backup).await);
    Scribe::take(&one).await.register().await;
    Scribe::take(&other).await.register().await;
    drain(&mut relay(&one, &nats)).await;
    assert!(
        matches!(drain(&mut relay(&other, &nats)).await, Outcome::Halted(reason) if reason.contains("position 2"))
    );
    let stranger = journal(&postgres.database().await).await;
    assert!(
        matches!(drain(&mut relay(&stranger, &nats)).await, Outcome::Halted(reason) if reason.contains("mirrors"))
    );
}

#[tokio::test]
async fn the_stream_refuses_a_batch_with_a_hole_and_everything_after_it() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    drain(&mut relay(&journal, &nats)).await;
    scribe.deposits(wallet, 100, 10).await;

    let events = journal.read_after(0, 12).await.unwrap();
    // 1 and 2 are there already, 5 is left out.
    for event in events.iter().filter(|event| event.position != 5) {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Expected-Last-Sequence", (event.position - 1).to_string());
        headers.insert("ce-id", event.event_id.to_string());
        nats.client().publish_with_headers(event.subject(), headers, event.to_public().into()).await.unwrap();
    }
    nats.client().flush().await.unwrap();
    eventually("the stream took what came before the hole", async || {
        stream(&nats).await.cached_info().state.last_sequence == 4
    })
    .await;
    assert_eq!(drain(&mut relay(&journal, &nats)).await, Outcome::UpToDate);
    assert_stream_is_journal(&journal, &nats).await;
}

#[tokio::test]
async fn a_relay_that_stands_by_takes_over_and_counts_no_lag() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 3_000).await;
    let (mut one, mut other) = (relay(&journal, &nats), relay(&journal, &nats));
    assert!(matches!(one.run_once().await.unwrap(), Outcome::Published(_)));
    assert_eq!(other.run_once().await.unwrap(), Outcome::StandingBy);
    assert_eq!((one.status().borrow().lag, other.status().borrow().lag), (954, 0));
    drop(one);
    eventually("the other takes over", async || matches!(other.run_once().await, Ok(Outcome::UpToDate)))
        .await;
    assert_stream_is_journal(&journal, &nats).await;
}

#[tokio::test]
async fn two_relays_that_both_publish_never_double_a_message() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    let (mut one, mut other) = (relay(&journal, &nats), relay(&journal, &nats));
    drain(&mut one).await;
    // It goes on believing that it leads until it asks its session again.
    let end_its_session = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and \
                           (classid::bigint << 32 | objid::bigint) = x'434652454c415931'::bigint";
    sqlx::query(end_its_session).execute(journal.pool()).await.unwrap();
    eventually("both lead", async || matches!(other.run_once().await, Ok(Outcome::UpToDate))).await;

    let mut both_published = 0;
    for _ in 0..20 {
        scribe.deposits(wallet, 100, 500).await;
        let outcomes = tokio::join!(one.run_once(), other.run_once());
        let publishes = |outcome| matches!(outcome, Ok(Outcome::Published(_) | Outcome::OutOfStep));
        both_published += u32::from(publishes(outcomes.0) && publishes(outcomes.1));
    }
    assert!(both_published > 0, "both of them published at the same time");
    drain(&mut other).await;
    assert_stream_is_journal(&journal, &nats).await;
}

#[tokio::test]
async fn a_relay_that_is_cut_off_from_nats_leaves_the_lead_to_another() {
    let (postgres, mut near) = (Postgres::start().await, testkit::Nats::start().await);
    let far = testkit::Nats::start().await;
    let journal = journal(&postgres.database().await).await;
    let (near_nats, far_nats) = (nats(&near).await, nats(&far).await);
    Scribe::take(&journal).await.register().await;
    let (mut one, mut other) = (relay(&journal, &near_nats), relay(&journal, &far_nats));
    drain(&mut one).await;
    assert_eq!(other.run_once().await.unwrap(), Outcome::StandingBy);
    near.kill();
    eventually("the one that can publish leads", async || {
        one.run_once().await.ok();
        matches!(other.run_once().await, Ok(Outcome::UpToDate))
    })
    .await;
    assert!(matches!(one.status().borrow().state, RelayState::Down { .. }));
    assert_stream_is_journal(&journal, &far_nats).await;
}

#[tokio::test]
async fn a_stream_with_messages_missing_is_made_again() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 50).await;
    drain(&mut relay(&journal, &nats)).await;
    stream(&nats).await.purge().sequence(20).await.unwrap();
    assert_eq!(check(&journal, &nats, PATIENCE).await.unwrap(), Verdict::Gone);
    drain(&mut relay(&journal, &nats)).await;
    assert_stream_is_journal(&journal, &nats).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_halted_by_a_stream_that_is_made_anew_while_it_is_compared() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 500).await;
    let done = CancellationToken::new();
    // So many that some of them ask for the last message between its stream's deletion and its return.
    let comparing: Vec<_> = (0..8)
        .map(|_| {
            let (journal, nats, done) = (journal.clone(), nats.clone(), done.clone());
            tokio::spawn(async move {
                while !done.is_cancelled() {
                    let verdict = check(&journal, &nats, PATIENCE).await.unwrap();
                    assert_eq!(verdict.forbids_leading(), None);
                }
            })
        })
        .collect();
    let mut relay = relay(&journal, &nats);
    drain(&mut relay).await;
    let config = stream(&nats).await.cached_info().config.clone();
    for _ in 0..25 {
        nats.jetstream().delete_stream("COUNTERFOIL").await.unwrap();
        nats.jetstream().create_stream(config.clone()).await.unwrap();
        scribe.deposit(wallet, 100).await;
        drain(&mut relay).await;
    }
    done.cancel();
    for task in comparing {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_reset_waits_for_the_relay_that_fills_the_stream() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let journal = journal(&postgres.database().await).await;
    let nats = nats(&server).await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 10_000).await;
    let serving = relay(&journal, &nats);
    let mut status = serving.status();
    let cancel = CancellationToken::new();
    let running = tokio::spawn(serving.run(cancel.clone()));
    status.wait_for(|status| status.position == 10_002).await.unwrap();

    let mut seen = Vec::new();
    assert_eq!(reset(&journal, &nats, ONE_REPLICA, |at| seen.push(at)).await.unwrap(), 0);
    assert!(seen.is_sorted() && seen.last() == Some(&10_002), "{seen:?}");
    assert_stream_is_journal(&journal, &nats).await;
    cancel.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_halt_is_written_once_and_again_if_somebody_takes_it_back_too_early() {
    let (postgres, server) = (Postgres::start().await, testkit::Nats::start().await);
    let (one, other) = (journal(&postgres.database().await).await, journal(&postgres.database().await).await);
    let nats = nats(&server).await;
    Scribe::take(&one).await.register().await;
    drain(&mut relay(&one, &nats)).await;
    let mut relay = relay(&other, &nats);
    assert!(matches!(drain(&mut relay).await, Outcome::Halted(_)));
    let written = async || {
        let row = sqlx::query_scalar("select xmin::text from journal_head where halted is not null");
        row.fetch_optional(other.pool()).await.unwrap() as Option<String>
    };
    let first = written().await.unwrap();
    for _ in 0..3 {
        assert!(matches!(relay.run_once().await.unwrap(), Outcome::Halted(_)));
    }
    assert_eq!(written().await.as_ref(), Some(&first));
    other.resume().await.unwrap();
    assert!(matches!(relay.run_once().await.unwrap(), Outcome::Halted(_)));
    assert!(written().await.is_some_and(|now| now != first));
}

#[tokio::test]
async fn everything_starts_with_nats_down_and_catches_up_by_itself() {
    let (postgres, mut server) = (Postgres::start().await, testkit::Nats::start().await);
    server.kill();
    let journal = journal(&postgres.database().await).await;
    let nats = Nats::connect(&NatsOptions { url: server.url(), credentials: None }).await.unwrap();
    assert!(matches!(
        check(&journal, &nats, Duration::from_millis(50)).await.unwrap(),
        Verdict::Unreachable { .. }
    ));
    let tail = Tail::new(0);
    let relay = journal::relay::Relay::new(journal.clone(), nats.clone(), tail.clone(), ONE_REPLICA);
    let mut status = relay.status();
    let cancel = CancellationToken::new();
    let running = tokio::spawn(relay.run(cancel.clone()));
    let mut scribe = Scribe::take(&journal).await.feeding(&tail);
    let (_, wallet) = scribe.register().await;
    scribe.deposits(wallet, 100, 100).await;
    status.wait_for(|status| matches!(status.state, RelayState::Down { .. })).await.unwrap();

    server.restart().await;
    status.wait_for(|status| status.position == 102).await.unwrap();
    assert_eq!(status.borrow().state, RelayState::Ok);
    assert_stream_is_journal(&journal, &nats).await;
    cancel.cancel();
    running.await.unwrap();
}
