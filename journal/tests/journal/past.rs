//! What had happened by then: found by halving, and the same as whoever reads everything finds.

use crate::helpers::fresh;
use domain::{AggregateKind, AggregateRef, WalletId};
use journal::Journal;
use std::time::Duration;
use testkit::Scribe;

async fn last(journal: &Journal, wallet: WalletId, position: i64) -> Option<i64> {
    let aggregate = AggregateRef { kind: AggregateKind::Wallet, id: wallet.0 };
    let found = journal.last_events_at(aggregate, position, 1).await.unwrap();
    found.first().map(|event| event.position)
}

#[tokio::test]
async fn the_last_event_of_a_wallet_is_found_at_every_position() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (_, ada) = scribe.register().await;
    let (_, eve) = scribe.register().await;
    for n in 0..20 {
        scribe.deposits(if n % 3 == 0 { ada } else { eve }, 1, 1 + n % 2).await;
    }
    let all = journal.read_after(0, 1_000).await.unwrap();
    for wallet in [ada, eve] {
        for position in 0..=scribe.position() {
            let of_wallet = all.iter().filter(|event| event.aggregate.id == wallet.0);
            let until = of_wallet.filter(|event| event.position <= position).map(|event| event.position);
            assert_eq!(last(&journal, wallet, position).await, until.max(), "at {position}");
        }
    }
    let aggregate = AggregateRef { kind: AggregateKind::Wallet, id: ada.0 };
    let newest = journal.last_events_at(aggregate, scribe.position(), 3).await.unwrap();
    let sequences: Vec<i64> = newest.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, [sequences[0], sequences[0] - 1, sequences[0] - 2], "newest first");
    assert_eq!(last(&journal, WalletId(uuid::Uuid::now_v7()), scribe.position()).await, None);
}

#[tokio::test]
async fn a_moment_is_a_position() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let began = scribe.now;
    assert_eq!(journal.position_at(began).await.unwrap(), 0, "an empty journal");
    let (_, wallet) = scribe.register().await;
    let minutes = |n: u64| began.plus(Duration::from_mins(n));
    for n in 1..=5 {
        scribe.now = minutes(n);
        scribe.deposits(wallet, 1, 2).await;
    }
    let moment = Duration::from_micros(1);
    for n in 0..=5_u64 {
        // Two events at each minute, those of the beginning among them.
        let position = 2 + 2 * i64::try_from(n).unwrap();
        assert_eq!(journal.position_at(minutes(n)).await.unwrap(), position, "at the moment itself");
        assert_eq!(journal.position_at(minutes(n).plus(moment)).await.unwrap(), position);
        assert_eq!(journal.position_before(minutes(n)).await.unwrap(), position - 2);
    }
    assert_eq!(journal.position_at(minutes(99)).await.unwrap(), scribe.position());
}
