use crate::house::{Holder, House, Settings};
use commands::{CommandStatus, Failure, WARY_FOR};
use futures::future::join_all;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_under_the_same_key_has_one_effect_and_one_answer() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let first = holder.deposit(&working.commands, "k", "5").await.unwrap();
    let refused = holder.withdraw(&working.commands, "r", "9").await.unwrap_err();
    working.stop().await;
    for wary_for in [Duration::ZERO, Duration::from_mins(1)] {
        let working = house.idle(Settings { wary_for, ..Settings::default() }).await.begin();
        let again = holder.deposit(&working.commands, "k", "5").await.unwrap();
        assert!(again.replayed);
        assert_eq!((again.position, &again.events), (first.position, &first.events));
        assert!(matches!(holder.deposit(&working.commands, "k", "6").await, Err(Failure::KeyReused)));
        // The money would be there now; the answer stays what it was.
        let Failure::Refused { refusal, position, .. } = &refused else { panic!("{refused:?}") };
        holder.deposit(&working.commands, &format!("more-{wary_for:?}"), "10").await.unwrap();
        match holder.withdraw(&working.commands, "r", "9").await {
            Err(Failure::Refused { refusal: same, position: then, replayed: true }) => {
                assert_eq!((&same, then), (refusal, *position));
            }
            other => panic!("{other:?}"),
        }
        working.stop().await;
    }
    assert_eq!(house.folded(holder.wallet_id).await, "25.00");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_with_one_key_one_is_done_and_the_others_are_told_so() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let commands = &working.commands;
    let outcomes = join_all((0..50).map(|_| holder.deposit(commands, "same", "5"))).await;
    let fresh = outcomes.iter().filter(|o| o.as_ref().is_ok_and(|done| !done.replayed)).count();
    assert_eq!(fresh, 1);
    assert!(outcomes.iter().all(|o| matches!(o, Ok(_) | Err(Failure::InFlight))));
    assert_eq!(house.folded(holder.wallet_id).await, "5.00");
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_tells_what_became_of_its_command() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let done = holder.deposit(&working.commands, "yes", "5").await.unwrap();
    let _ = holder.withdraw(&working.commands, "no", "6").await;
    let status = |key: &'static str| working.commands.status(holder.principal(), key);
    assert_eq!(status("yes").await.unwrap(), CommandStatus::Committed { position: done.position, events: 1 });
    assert!(
        matches!(status("no").await.unwrap(), CommandStatus::Refused { position, .. } if position == done.position)
    );
    assert_eq!(status("never").await.unwrap(), CommandStatus::Unknown);
    let stranger = commands::Principal::Anonymous;
    assert_eq!(
        working.commands.status(stranger, "yes").await.unwrap(),
        CommandStatus::Unknown,
        "another's key"
    );
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_old_keys_costs_no_roll_backs() {
    let house = House::build().await;
    let working = house.idle(Settings { wary_for: WARY_FOR, ..Settings::default() }).await.begin();
    let holder = Holder::register(&working.commands, "ada").await;
    house.count_tries().await;
    let commands = &working.commands;
    let deposit = |n: i32| async move { holder.deposit(commands, &format!("k{n}"), "1").await };
    join_all((0..500).map(deposit)).await.into_iter().for_each(|o| drop(o.unwrap()));
    let replays = join_all((0..500).map(deposit)).await;
    assert!(replays.into_iter().all(|o| o.unwrap().replayed));
    assert_eq!(house.folded(holder.wallet_id).await, "500.00");
    assert_eq!(house.tries().await, 500, "no replay was ever part of a batch that had to be rolled back");
    working.stop().await;
}
