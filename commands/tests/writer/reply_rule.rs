use crate::house::{Holder, House, Settings};
use commands::Failure;

/// Fails the whole batch, as a full disk would, while `trouble` is there.
const DISK_FULL: &str = "create table trouble (); \
    create function fail_in_trouble() returns trigger language plpgsql as $$ begin \
        if to_regclass('trouble') is not null then raise exception 'no space' using errcode = '53100'; end if; \
        return new; end $$; \
    create trigger fail_in_trouble before insert on events for each row execute function fail_in_trouble();";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_answered_as_if_a_failed_commit_stood() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    working.stop().await;
    house.execute(DISK_FULL).await;

    let idle = house.idle(Settings::default()).await;
    let commands = idle.commands.clone();
    // The refusal rests on a balance that the deposit before it made.
    let accepted = tokio::spawn({
        let commands = commands.clone();
        async move { holder.deposit(&commands, "in", "5").await }
    });
    idle.filled(1).await;
    let refused = tokio::spawn({
        let commands = commands.clone();
        async move { holder.withdraw(&commands, "out", "5.01").await }
    });
    idle.filled(2).await;
    let head = house.head().await;
    let working = idle.begin();
    for outcome in [accepted.await.unwrap(), refused.await.unwrap()] {
        assert!(matches!(outcome, Err(Failure::Unavailable { .. })), "{outcome:?}");
    }
    assert_eq!(house.head().await, head);

    house.execute("drop table trouble").await;
    let after = holder.withdraw(&commands, "out", "0.01").await;
    assert!(matches!(after, Err(Failure::Refused { .. })), "nothing of the lost deposit is left: {after:?}");
    holder.deposit(&commands, "in", "5").await.unwrap();
    assert_eq!(house.folded(holder.wallet_id).await, "5.00");
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_moves_the_fence_like_an_acceptance() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    // Somebody else takes over without our noticing.
    house.execute("update journal_head set epoch = epoch + 1, leader = 'another'").await;
    let outcome = holder.withdraw(&working.commands, "out", "1").await;
    assert!(
        matches!(outcome, Err(Failure::Unavailable { .. })),
        "a refusal of a dead leader is worth nothing: {outcome:?}"
    );
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_waited_too_long_has_no_effect() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    working.stop().await;
    let idle = house.idle(Settings::default()).await;
    let commands = idle.commands.clone();
    let waiting = tokio::spawn(async move { holder.deposit(&commands, "late", "5").await });
    idle.filled(1).await;
    house.pass(60);
    let working = idle.begin();
    assert!(matches!(waiting.await.unwrap(), Err(Failure::Unavailable { .. })));
    assert_eq!(house.folded(holder.wallet_id).await, "0");
    working.stop().await;
}
