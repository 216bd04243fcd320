//! Somebody's own events, merged from the histories of what is theirs.

use crate::helpers::fresh;
use domain::AggregateKind;
use journal::{Journal, OwnerQuery};
use testkit::Scribe;

/// What the question asks for, answered the slow way.
async fn picked(journal: &Journal, owner: domain::UserId, query: &OwnerQuery) -> Vec<i64> {
    let all = journal.read_after(query.after, i64::MAX).await.unwrap();
    let wanted = all.iter().filter(|event| {
        event.owner == owner
            && query.aggregate.is_none_or(|kind| event.aggregate.kind == kind)
            && query.event_type.as_ref().is_none_or(|wanted| *wanted == event.event_type)
    });
    wanted.map(|event| event.position).take(usize::try_from(query.limit).unwrap()).collect()
}

#[tokio::test]
async fn own_events_are_those_of_all_ones_aggregates_in_the_journals_order() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (ada, first) = scribe.register().await;
    let (_, foreign) = scribe.register().await;
    let second = scribe.open_wallet(ada).await;
    // Histories of different lengths that take turns in the journal.
    for round in 0..12 {
        scribe.deposits(first, 100, round % 5 + 1).await;
        scribe.deposits(foreign, 100, 2).await;
        scribe.deposits(second, 100, (round * 7) % 3).await;
        scribe.withdraw(first, 10).await;
    }
    let head = scribe.position();
    let kinds = [None, Some(AggregateKind::Wallet), Some(AggregateKind::User)];
    let types = [None, Some("WalletWithdrawn".to_owned()), Some("UserRegistered".to_owned())];
    for after in 0..=head + 1 {
        for (limit, aggregate) in [1, 3, 500].into_iter().zip(kinds.into_iter().cycle()) {
            for event_type in types.clone() {
                let query = OwnerQuery { after, limit, event_type, aggregate };
                let own = journal.read_owner(ada, &query).await.unwrap();
                let positions: Vec<i64> = own.iter().map(|event| event.position).collect();
                assert_eq!(positions, picked(&journal, ada, &query).await, "{query:?}");
            }
        }
    }
    let nobody = domain::UserId(uuid::Uuid::nil());
    let query = OwnerQuery { limit: 10, ..OwnerQuery::default() };
    assert!(journal.read_owner(nobody, &query).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_owners_aggregates_are_found_by_their_first_events() {
    let (_postgres, journal) = fresh().await;
    let mut scribe = Scribe::take(&journal).await;
    let (ada, first) = scribe.register().await;
    scribe.register().await;
    scribe.deposits(first, 100, 3).await;
    let second = scribe.open_wallet(ada).await;
    let opened = journal.first_events_of(ada, AggregateKind::Wallet).await.unwrap();
    let ids: Vec<_> = opened.iter().map(|event| (event.aggregate.id, event.sequence)).collect();
    assert_eq!(ids, [(first.0, 1), (second.0, 1)]);
}
