use crate::house::{Holder, House, Settings, context, registration};
use commands::password::NewPassword;
use commands::{Failure, Principal, Refusal};
use domain::wallet::WalletRefusal;
use futures::future::join_all;

/// A row the database itself declines: what it looks like from here is unforeseen.
const POISON: &str = "create function decline_poison() returns trigger language plpgsql as $$ begin \
        if new.payload::text like '%poison%' then raise exception 'declined' using errcode = '22000'; end if; \
        return new; end $$; \
    create trigger decline_poison before insert on events for each row execute function decline_poison();";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_one_command_of_a_batch_concerns_no_other() {
    let house = House::build().await;
    house.execute(POISON).await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let poor = Holder::register(&working.commands, "poor").await;
    let old = holder.deposit(&working.commands, "old", "5").await.unwrap();
    working.stop().await;

    let idle = house.idle(Settings::default()).await;
    let commands = idle.commands.clone();
    let twin = |key: &'static str, name: &'static str| {
        let commands = commands.clone();
        tokio::spawn(async move {
            commands
                .register(context(Principal::Anonymous, key), registration(name, "Twin@example.com"))
                .await
        })
    };
    let first = twin("twin-1", "castor");
    let second = twin("twin-2", "pollux");
    let spawn_deposit = |key: String, amount: &'static str, reference: Option<&'static str>| {
        let commands = commands.clone();
        tokio::spawn(async move { holder.deposit_for(&commands, &key, amount, reference).await })
    };
    let replayed = spawn_deposit("old".to_owned(), "5", None);
    let poisoned = spawn_deposit("poisoned".to_owned(), "1", Some("poison"));
    let too_large = {
        let commands = commands.clone();
        tokio::spawn(async move { poor.withdraw(&commands, "too-large", "0.01").await })
    };
    let good: Vec<_> = (0..100).map(|n| spawn_deposit(format!("good-{n}"), "1", None)).collect();
    idle.filled(105).await;
    let head = house.head().await;
    let working = idle.begin();

    let twins = [first.await.unwrap(), second.await.unwrap()];
    assert_eq!(twins.iter().filter(|twin| twin.is_ok()).count(), 1, "{twins:?}");
    let refused = twins.iter().find_map(|twin| twin.as_ref().err()).unwrap();
    assert!(matches!(refused, Failure::Refused { refusal: Refusal::EmailTaken, .. }), "{refused:?}");
    let replayed = replayed.await.unwrap().unwrap();
    assert!(replayed.replayed);
    assert_eq!(replayed.events, old.events);
    assert!(matches!(poisoned.await.unwrap(), Err(Failure::Unrecordable)));
    assert!(matches!(
        too_large.await.unwrap(),
        Err(Failure::Refused { refusal: Refusal::Wallet(WalletRefusal::InsufficientFunds { .. }), .. })
    ));
    for done in join_all(good).await {
        assert!(!done.unwrap().unwrap().replayed);
    }
    assert_eq!(house.folded(holder.wallet_id).await, "105.00");
    assert_eq!(house.head().await, head + 102, "a hundred deposits, a user and a wallet");
    house.assert_dense().await;
    // A claim that was taken in the database, not in memory, is refused and remembered as well.
    let late = working
        .commands
        .register(context(Principal::Anonymous, "late"), registration("late", "twin@example.com"));
    assert!(matches!(
        late.await,
        Err(Failure::Refused { refusal: Refusal::EmailTaken, replayed: false, .. })
    ));
    let again = working
        .commands
        .register(context(Principal::Anonymous, "late"), registration("late", "twin@example.com"));
    assert!(matches!(
        again.await,
        Err(Failure::Refused { refusal: Refusal::EmailTaken, replayed: true, .. })
    ));
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_that_is_out_of_step_starts_over_from_the_journal() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    holder.deposit(&working.commands, "a", "5").await.unwrap();
    // Behind the writer's back, beyond the head: nobody but a defect would.
    house
        .execute(
            "insert into events select aggregate_type, aggregate_id, 3, event_type, event_version, \
             replace(payload::text, '5.00', '9.00')::json, metadata, 1000000, gen_random_uuid(), owner, recorded_at \
             from events where sequence = 2 and aggregate_type = 'wallet'",
        )
        .await;
    let done = holder.deposit(&working.commands, "b", "1").await.unwrap();
    assert_eq!(done.events[0].sequence, 4);
    assert!(done.events[0].payload.contains(r#""posted_after":"10.00""#), "{}", done.events[0].payload);
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_taken_rolls_nothing_back() {
    let house = House::build().await;
    let working = house.work().await;
    Holder::register(&working.commands, "ada").await;
    house.count_tries().await;
    for n in 0..5 {
        let refused = working
            .commands
            .register(
                context(Principal::Anonymous, &format!("again-{n}")),
                registration("Ada", "new@example.com"),
            )
            .await;
        assert!(
            matches!(refused, Err(Failure::Refused { refusal: Refusal::UsernameTaken, .. })),
            "{refused:?}"
        );
    }
    assert_eq!(house.tries().await, 5, "each was written once, as refused, and the first time it was tried");
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_is_repeated_with_its_password_or_it_is_another() {
    let house = House::build().await;
    let working = house.work().await;
    let register = |password: &'static str| {
        let mut new = registration("ada", "ada@example.com");
        new.password = NewPassword::parse(password.into(), &new.username, &new.email, true).unwrap();
        working.commands.register(context(Principal::Anonymous, "key"), new)
    };
    assert!(!register("correct-horse-battery").await.unwrap().replayed);
    assert!(register("correct-horse-battery").await.unwrap().replayed);
    let other = register("wrong-horse-battery").await;
    assert!(matches!(other, Err(Failure::KeyReused)), "{other:?}");
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_never_runs_backwards_in_the_journal() {
    let house = House::build().await;
    let working = house.work().await;
    let holder = Holder::register(&working.commands, "ada").await;
    let before = holder.deposit(&working.commands, "a", "1").await.unwrap();
    house.pass(-3_600);
    let after = holder.deposit(&working.commands, "b", "1").await.unwrap();
    assert_eq!(after.events[0].recorded_at, before.events[0].recorded_at);
    working.stop().await;
}
