//! One key, one request, one answer: the same request again, another one, and many at once, for every kind of command,
//! right away and after whatever can come between: a change of fortune, a restart, a takeover, years.

use crate::house::{Holder, House, Settings, Working, context, movement};
use commands::wallets::{Aim, CaptureWish, Wish};
use commands::{Authority, Bounds, Commands, Failure, Outcome, Refusal};
use domain::wallet::Lease;
use domain::{CaptureId, Currency, Money, Reference};
use futures::future::join_all;
use std::time::Duration;

const AT_ONCE: usize = 8;
const TEN_YEARS: i64 = 10 * 365 * 24 * 60 * 60;
/// More than is there at first, and less than is there later.
const TOO_MUCH: &str = "1000000";
const TOO_MUCH_OTHER: &str = "1000001";
/// Never there.
const NEVER: &str = "9999999999";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Deposit,
    Withdraw,
    WithdrawTooMuch,
    Transfer,
    TransferToNobody,
    Hold,
    Capture,
    CaptureTooMuch,
    ReleaseEnded,
    Amend,
    Extend,
    Reverse,
    /// Accepted, and leaves nothing behind.
    Unfreeze,
    CloseFull,
    Batch,
    BatchTooMuch,
}

const ALL: [Kind; 16] = [
    Kind::Deposit,
    Kind::Withdraw,
    Kind::WithdrawTooMuch,
    Kind::Transfer,
    Kind::TransferToNobody,
    Kind::Hold,
    Kind::Capture,
    Kind::CaptureTooMuch,
    Kind::ReleaseEnded,
    Kind::Amend,
    Kind::Extend,
    Kind::Reverse,
    Kind::Unfreeze,
    Kind::CloseFull,
    Kind::Batch,
    Kind::BatchTooMuch,
];

/// Which of two requests that differ in one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    This,
    Other,
}

/// Ada with money, a hold that is open and one that has ended, and Eve with an empty wallet.
#[derive(Clone, Copy)]
struct World {
    ada: Holder,
    open: i64,
    ended: i64,
    deposit: i64,
}

fn dollars(amount: &str) -> Money {
    Money::parse(amount, Currency::USD).unwrap()
}

fn lease(seconds: i64) -> Lease {
    Lease::of_seconds(seconds).unwrap()
}

impl World {
    async fn make(commands: &Commands) -> Self {
        let ada = Holder::register(commands, "ada").await;
        Holder::register(commands, "eve").await;
        ada.deposit(commands, "first", "1000").await.unwrap();
        let deposit = ada.deposit(commands, "to be undone", "10").await.unwrap().events[0].sequence;
        let placed = || Aim::Hold { movement: movement("20", None), lease: lease(600) };
        let open = ada.ask(commands, "open", placed()).await.unwrap().events[0].sequence;
        let ended = ada.ask(commands, "ended", placed()).await.unwrap().events[0].sequence;
        ada.ask(commands, "end", Aim::Release { hold: ended }).await.unwrap();
        Self { ada, open, ended, deposit }
    }

    fn aim(self, kind: Kind, variant: Variant) -> Aim {
        let either = |this: &'static str, other: &'static str| match variant {
            Variant::This => this,
            Variant::Other => other,
        };
        let small = movement(either("1", "2"), None);
        let capture = |id: &str, amount: &str| {
            let (capture_id, amount) = (CaptureId::parse(id).unwrap(), Some(dollars(amount)));
            Aim::Capture(CaptureWish { hold: self.open, capture_id, amount, is_final: false })
        };
        match kind {
            Kind::Deposit | Kind::Batch | Kind::BatchTooMuch => Aim::Deposit(small),
            Kind::Withdraw => Aim::Withdraw(small),
            Kind::WithdrawTooMuch => Aim::Withdraw(movement(either(TOO_MUCH, TOO_MUCH_OTHER), None)),
            Kind::Transfer => Aim::Transfer { to: "eve".to_owned(), movement: small },
            Kind::TransferToNobody => Aim::Transfer { to: "grace".to_owned(), movement: small },
            Kind::Hold => Aim::Hold { movement: small, lease: lease(60) },
            Kind::Capture => capture("fill", either("1", "2")),
            Kind::CaptureTooMuch => capture("much", either("500", "501")),
            Kind::ReleaseEnded => {
                Aim::Release { hold: if variant == Variant::This { self.ended } else { self.open } }
            }
            Kind::Amend => Aim::Amend { hold: self.open, amount: dollars(either("30", "31")) },
            Kind::Extend => Aim::Extend {
                hold: self.open,
                lease: lease(if variant == Variant::This { 700 } else { 701 }),
            },
            Kind::Reverse => {
                let reference = Some(Reference::parse(either("oops", "again")).unwrap());
                Aim::Reverse { sequence: self.deposit, ending: None, reference }
            }
            Kind::Unfreeze if variant == Variant::Other => Aim::Freeze,
            Kind::Unfreeze => Aim::Unfreeze,
            Kind::CloseFull if variant == Variant::Other => Aim::Unfreeze,
            Kind::CloseFull => Aim::Close,
        }
    }

    async fn ask(self, commands: &Commands, key: &str, kind: Kind, variant: Variant) -> Outcome {
        let first = self.ada.wish(self.aim(kind, variant));
        let second = match kind {
            Kind::Batch => Aim::Transfer { to: "eve".to_owned(), movement: movement("3", None) },
            Kind::BatchTooMuch => Aim::Withdraw(movement(TOO_MUCH, None)),
            _ => return commands.ask_wallet(context(self.ada.principal(), key), first).await,
        };
        commands.batch(context(self.ada.principal(), key), vec![first, self.ada.wish(second)]).await
    }
}

fn key(kind: Kind) -> String {
    format!("{kind:?}")
}

/// What an answer is, but for whether it is a repeat.
fn told(outcome: &Outcome) -> Result<(i64, Vec<String>), (Refusal, i64)> {
    match outcome {
        Ok(done) => Ok((done.position, done.events.iter().map(|event| event.to_public()).collect())),
        Err(Failure::Refused { refusal, position, .. }) => Err((refusal.clone(), *position)),
        Err(other) => panic!("{other:?}"),
    }
}

fn is_repeat(outcome: &Outcome) -> bool {
    match outcome {
        Ok(done) => done.replayed,
        Err(Failure::Refused { replayed, .. }) => *replayed,
        Err(_) => false,
    }
}

/// Every command once, under a key of its own. In an order in which each can do what it is there for.
async fn first_answers(world: World, commands: &Commands) -> Vec<(Kind, Outcome)> {
    let mut answers = Vec::new();
    for kind in ALL {
        let outcome = world.ask(commands, &key(kind), kind, Variant::This).await;
        assert!(!is_repeat(&outcome), "{kind:?}: {outcome:?}");
        assert_eq!(outcome.is_err(), is_refused(kind), "{kind:?}: {outcome:?}");
        answers.push((kind, outcome));
    }
    answers
}

const fn is_refused(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::WithdrawTooMuch
            | Kind::TransferToNobody
            | Kind::CaptureTooMuch
            | Kind::ReleaseEnded
            | Kind::CloseFull
            | Kind::BatchTooMuch
    )
}

/// The matrix at one moment: nothing that is asked under a known key has any effect.
async fn holds(house: &House, world: World, commands: &Commands, first: &[(Kind, Outcome)], when: &str) {
    let head = house.head().await;
    for (kind, outcome) in first {
        let again = world.ask(commands, &key(*kind), *kind, Variant::This).await;
        assert_eq!(told(&again), told(outcome), "{kind:?} {when}");
        assert!(is_repeat(&again), "{kind:?} {when}: {again:?}");
        let other = world.ask(commands, &key(*kind), *kind, Variant::Other).await;
        assert!(matches!(other, Err(Failure::KeyReused)), "{kind:?} {when}: {other:?}");
        let name = key(*kind);
        let many = (0..AT_ONCE).map(|_| world.ask(commands, &name, *kind, Variant::This));
        let many = join_all(many).await;
        assert!(many.iter().any(is_repeat), "{kind:?} {when}");
        for outcome_of_one in many.iter().filter(|outcome| !matches!(outcome, Err(Failure::InFlight))) {
            assert!(is_repeat(outcome_of_one), "{kind:?} {when}: {outcome_of_one:?}");
            assert_eq!(told(outcome_of_one), told(outcome), "{kind:?} {when}");
        }
    }
    assert_eq!(house.head().await, head, "{when}");
    // And under a key that is new, of many at once one is decided, and the others are told what it was.
    for (name, aim) in [
        ("in", Aim::Deposit(movement("1", None))),
        ("much", Aim::Withdraw(movement(NEVER, None))),
        ("across", Aim::Transfer { to: "eve".to_owned(), movement: movement("1", None) }),
    ] {
        let name = format!("{name} {when}");
        let many = (0..AT_ONCE).map(|_| world.ada.ask(commands, &name, aim.clone()));
        let many = join_all(many).await;
        let (busy, answered): (Vec<_>, Vec<_>) =
            many.into_iter().partition(|outcome| matches!(outcome, Err(Failure::InFlight)));
        assert_eq!(answered.iter().filter(|outcome| !is_repeat(outcome)).count(), 1, "{name}");
        assert!(answered.iter().all(|outcome| told(outcome) == told(&answered[0])), "{name}");
        assert_eq!(busy.len() + answered.len(), AT_ONCE);
    }
    assert_eq!(house.head().await, head + 3, "{when}");
}

async fn again(house: &House, wary_for: Duration) -> Working {
    let working = house.idle(Settings { wary_for, ..Settings::default() }).await.begin();
    working.leads().await;
    working
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_good_for_one_request_and_one_answer_whatever_comes_between() {
    let house = House::build().await;
    let working = house.work().await;
    let world = World::make(&working.commands).await;
    let first = first_answers(world, &working.commands).await;
    holds(&house, world, &working.commands, &first, "right away").await;

    // What was refused could be done now, and what was done could not be any more.
    world.ada.deposit(&working.commands, "rich", "5000000").await.unwrap();
    Holder::register(&working.commands, "grace").await;
    let release = Aim::Release { hold: world.open };
    world.ada.ask(&working.commands, "released", release).await.unwrap();
    holds(&house, world, &working.commands, &first, "when all has changed").await;

    working.stop().await;
    for wary_for in [Duration::ZERO, Duration::from_mins(1)] {
        let working = again(&house, wary_for).await;
        holds(&house, world, &working.commands, &first, &format!("after a restart, wary for {wary_for:?}"))
            .await;
        working.stop().await;
    }

    let leading = again(&house, Duration::ZERO).await;
    let next = house.idle(Settings { wary_for: Duration::ZERO, ..Settings::default() }).await.begin();
    leading.stop().await;
    next.leads().await;
    holds(&house, world, &next.commands, &first, "after a takeover").await;

    house.pass(TEN_YEARS);
    holds(&house, world, &next.commands, &first, "ten years later").await;
    next.stop().await;
    house.assert_dense().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_ones_own_and_bounds_are_part_of_a_request() {
    let house = House::build().await;
    let working = house.work().await;
    let commands = &working.commands;
    let (ada, eve) = (Holder::register(commands, "ada").await, Holder::register(commands, "eve").await);
    assert!(!ada.deposit(commands, "same", "5").await.unwrap().replayed);
    assert!(!eve.deposit(commands, "same", "5").await.unwrap().replayed, "another's key of the same letters");
    let bounded = |bounds: Bounds| {
        let wish = Wish { bounds, ..ada.wish(Aim::Withdraw(movement("1", None))) };
        commands.ask_wallet(context(ada.principal(), "bounded"), wish)
    };
    let least = |amount: &str| Bounds { min_available_after: Some(dollars(amount)), ..Bounds::default() };
    let refused = bounded(least("5")).await;
    assert!(matches!(refused, Err(Failure::Refused { refusal: Refusal::OutOfBounds { .. }, .. })));
    assert!(matches!(bounded(least("4")).await, Err(Failure::KeyReused)), "it would be possible with these");
    assert!(matches!(bounded(Bounds::default()).await, Err(Failure::KeyReused)));
    ada.deposit(commands, "more", "100").await.unwrap();
    let again = bounded(least("5")).await;
    assert_eq!(told(&again), told(&refused));
    // Who asks is no part of it: an admin's reach does not make another request.
    let wish = Wish {
        authority: Authority::Anybody,
        bounds: least("5"),
        ..ada.wish(Aim::Withdraw(movement("1", None)))
    };
    let same = commands.ask_wallet(context(ada.principal(), "bounded"), wish).await;
    assert_eq!(told(&same), told(&refused));
    working.stop().await;
}
