//! What a process beside the leader hands over is decided as if it had been asked there.

use crate::house::{Holder, House, Idle, Settings, Working, context};
use commands::password::{Hasher, HasherOptions, NewPassword};
use commands::sessions::StartWish;
use commands::users::{Registration, RoleGiven};
use commands::vault::{KeyRing, Vault};
use commands::{Commands, Context, Done, Failure, HandOver, HandedOver, Principal, Refusal, WriteSide};
use domain::trading::{SessionCommand, TradingSession};
use domain::user::{Role, User};
use domain::wallet::WalletRefusal;
use domain::{Email, Timestamp, TradingSessionId, Username};
use futures::future::join_all;
use std::time::Instant;
use testkit::eventually;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn operator() -> Context {
    Context {
        principal: Principal::System,
        key: None,
        correlation_id: Uuid::new_v4(),
        expected_version: None,
        received: Instant::now(),
    }
}

fn registration(name: &str) -> Registration {
    let username = Username::parse(name).unwrap();
    let email = email(name);
    let password = NewPassword::parse("correct horse".to_owned().into(), &username, &email, true).unwrap();
    Registration { username, email, password, name: None, currency: None, roles: vec![Role::Admin] }
}

fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).unwrap()
}

/// A process beside the leader: the way in, and what keeps it going.
struct Beside {
    commands: Commands,
    task: JoinHandle<()>,
    cancel: CancellationToken,
}

impl Beside {
    async fn of(house: &House, ring: &str) -> Self {
        let journal = house.another_connection().await;
        let vault = Vault::new(KeyRing::from_json(ring).unwrap(), journal.clone());
        let hasher = Hasher::new(HasherOptions::default()).unwrap();
        let parts = WriteSide { journal, tail: house.tail.clone(), vault, hasher };
        let (commands, hand_over) = HandOver::new(parts, house.options());
        let cancel = CancellationToken::new();
        let task = tokio::spawn(hand_over.run(cancel.clone()));
        Self { commands, task, cancel }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }
}

/// Who leads, and takes what is handed over.
struct Leader {
    working: Working,
    taking: JoinHandle<()>,
    cancel: CancellationToken,
}

impl Leader {
    async fn of(house: &House) -> Self {
        Self::begin(house.idle(Settings::default()).await)
    }

    fn begin(idle: Idle) -> Self {
        let (working, cancel) = (idle.begin(), CancellationToken::new());
        let handed_over = HandedOver::new(working.commands.clone(), working.state.clone());
        let taking = tokio::spawn(handed_over.run(cancel.clone()));
        Self { working, taking, cancel }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.taking.await.unwrap();
        self.working.stop().await;
    }
}

async fn waiting(house: &House) -> i64 {
    let sql = "select count(*) from handed_over";
    sqlx::query_scalar(sql).fetch_one(house.journal.pool()).await.unwrap()
}

/// The answer is what the journal says.
async fn assert_complete(house: &House, done: &Done, events: usize) {
    assert_eq!(done.events.len(), events);
    let first = done.position - i64::try_from(events).unwrap();
    let stored = house.journal.read_after(first, i64::try_from(events).unwrap()).await.unwrap();
    for (told, stored) in done.events.iter().zip(&stored) {
        assert_eq!(
            (told.position, &told.event_id, told.data()),
            (stored.position, &stored.event_id, stored.data())
        );
    }
    if let Some(user) = &done.user {
        let id = user.person().unwrap().user_id.0;
        let then = house.journal.load_at::<User>(id, done.position).await.unwrap();
        assert_eq!((&**user, done.user_version), (&then.state, then.sequence));
    }
    if let Some(session) = &done.session {
        let id = session.session().unwrap().session_id.0;
        let then = house.journal.load_at::<TradingSession>(id, done.position).await.unwrap();
        assert_eq!((&**session, done.session_version), (&then.state, then.sequence));
    }
}

#[tokio::test]
async fn what_is_handed_over_is_decided_by_the_leader() {
    let house = House::build().await;
    let leader = Leader::of(&house).await;
    let beside = Beside::of(&house, house.ring()).await;

    let done = beside.commands.register(operator(), registration("ada")).await.unwrap();
    assert_eq!((done.position, done.user_version), (2, 1));
    assert_complete(&house, &done, 2).await;
    let ada = beside.commands.user_with_email(&email("ADA")).await.unwrap().unwrap();
    assert_eq!(beside.commands.user_with_email(&email("eve")).await.unwrap(), None);

    let refused = beside.commands.register(operator(), registration("ada")).await.unwrap_err();
    assert!(matches!(refused, Failure::Refused { refusal: Refusal::EmailTaken, .. }), "{refused}");

    let given = beside.commands.give_role(operator(), ada, Role::Service).await.unwrap();
    assert_eq!((given, house.head().await), (RoleGiven::Now, 3));
    let given = beside.commands.give_role(operator(), ada, Role::Admin).await.unwrap();
    assert_eq!((given, house.head().await), (RoleGiven::Already, 3));

    beside.stop().await;
    assert_eq!(waiting(&house).await, 0, "what is answered is gone");
    leader.stop().await;
}

#[tokio::test]
async fn many_are_handed_over_at_once_and_each_answer_is_whole() {
    let house = House::build().await;
    let leader = Leader::of(&house).await;
    let (one, other) = (Beside::of(&house, house.ring()).await, Beside::of(&house, house.ring()).await);
    let ada = Holder::register(&leader.working.commands, "ada").await;
    let start = async |n: usize| {
        let wish = StartWish::default();
        let context = context(ada.principal(), &format!("start {n}"));
        let done = one.commands.start_session(context, ada.user_id, wish, &|_| true).await.unwrap();
        assert_complete(&house, &done, done.events.len()).await;
        TradingSessionId(done.events[0].aggregate.id)
    };
    let sessions = [start(0).await, start(1).await, start(2).await];

    let drive = async |n: usize| {
        let through = if n.is_multiple_of(2) { &one } else { &other };
        // Never what it is already, in whichever order they come: that would be no event.
        let interval_s = 3_601 + u32::try_from(n).unwrap();
        let command = SessionCommand::SetInterval { interval_s, at: Timestamp::default() };
        through.commands.drive_session(sessions[n % 3], command).await.unwrap()
    };
    let done = join_all((0..600).map(drive)).await;
    for done in &done {
        assert_complete(&house, done, 1).await;
    }
    one.stop().await;
    other.stop().await;
    house.assert_dense().await;
    assert_eq!(waiting(&house).await, 0);
    leader.stop().await;
}

#[tokio::test]
async fn a_refusal_keeps_its_facts_and_a_repeat_is_told_as_one() {
    let house = House::build().await;
    let leader = Leader::of(&house).await;
    let beside = Beside::of(&house, house.ring()).await;
    let ada = Holder::register(&leader.working.commands, "ada").await;

    let done = ada.deposit(&beside.commands, "in", "10").await.unwrap();
    let again = ada.deposit(&beside.commands, "in", "10").await.unwrap();
    assert_eq!((done.replayed, again.replayed, again.position), (false, true, done.position));
    assert_complete(&house, &again, 1).await;
    let other = ada.deposit(&beside.commands, "in", "11").await.unwrap_err();
    assert!(matches!(other, Failure::KeyReused), "{other}");

    let here = ada.withdraw(&leader.working.commands, "here", "11").await.unwrap_err().to_string();
    for was_refused in [false, true] {
        let refused = ada.withdraw(&beside.commands, "out", "11").await.unwrap_err();
        assert_eq!(refused.to_string(), here);
        let Failure::Refused { refusal, position, replayed } = refused else { panic!("{refused}") };
        assert!(matches!(refusal, Refusal::Wallet(WalletRefusal::InsufficientFunds { .. })), "{refusal}");
        assert_eq!((position, replayed), (done.position, was_refused));
    }
    beside.stop().await;
    leader.stop().await;
}

#[tokio::test]
async fn without_the_key_ring_nothing_is_handed_over() {
    let house = House::build().await;
    let leader = Leader::of(&house).await;
    let stranger = KeyRing::generate().unwrap().to_json().to_string();
    let beside = Beside::of(&house, &stranger).await;
    let refused = beside.commands.register(operator(), registration("eve")).await.unwrap_err();
    assert!(refused.to_string().contains("another key ring"), "{refused}");
    assert_eq!(house.head().await, 0);
    beside.stop().await;
    leader.stop().await;
}

#[tokio::test]
async fn without_the_key_ring_nothing_is_answered() {
    let house = House::build().await;
    let beside = Beside::of(&house, house.ring()).await;
    let asking = tokio::spawn({
        let commands = beside.commands.clone();
        async move { commands.register(operator(), registration("ada")).await }
    });
    eventually("it is given", async || waiting(&house).await == 1).await;
    house.execute("update handed_over set taken = true, outcome = '\"InFlight\"'").await;
    let failure = asking.await.unwrap().unwrap_err();
    assert!(failure.to_string().contains("another key ring"), "{failure}");
    beside.stop().await;
}

#[tokio::test]
async fn what_is_given_while_nobody_leads_is_decided_by_who_leads_next() {
    let house = House::build().await;
    let beside = Beside::of(&house, house.ring()).await;
    let asking = tokio::spawn({
        let commands = beside.commands.clone();
        async move { commands.register(operator(), registration("ada")).await }
    });
    eventually("it is given", async || waiting(&house).await == 1).await;
    let leader = Leader::of(&house).await;
    let done = asking.await.unwrap().unwrap();
    assert_complete(&house, &done, 2).await;
    beside.stop().await;
    leader.stop().await;
}

#[tokio::test]
async fn what_somebody_gave_who_is_gone_is_decided_once_and_does_not_stay() {
    let house = House::build().await;
    let beside = Beside::of(&house, house.ring()).await;
    let asking = tokio::spawn({
        let commands = beside.commands.clone();
        async move { commands.register(operator(), registration("ada")).await }
    });
    eventually("it is given", async || waiting(&house).await == 1).await;
    beside.task.abort();
    let failure = asking.await.unwrap().unwrap_err();
    assert!(matches!(failure, Failure::OutcomeUnknown), "{failure}");

    let leader = Leader::of(&house).await;
    let answered = "select count(*) from handed_over where taken and outcome is not null and envelope = ''";
    eventually("it is decided", async || {
        sqlx::query_scalar::<_, i64>(answered).fetch_one(house.journal.pool()).await.unwrap() == 1
    })
    .await;
    assert_eq!(house.head().await, 2);
    leader.stop().await;
    // A while later.
    house.execute("update handed_over set handed_at = handed_at - interval '2 minutes'").await;
    let next = Leader::of(&house).await;
    eventually("it is swept away", async || waiting(&house).await == 0).await;
    assert_eq!(house.head().await, 2);
    next.stop().await;
}

#[tokio::test]
async fn what_nobody_takes_is_taken_back_and_what_nobody_answers_is_unknown() {
    let house = House::build().await;
    let beside = Beside::of(&house, house.ring()).await;
    let ask = |name| beside.commands.register(operator(), registration(name));
    let take_one = async {
        eventually("both are given", async || waiting(&house).await == 2).await;
        house.execute("update handed_over set taken = true where id = (select max(id::text)::uuid from handed_over)").await;
    };
    let (ada, eve, ()) = tokio::join!(ask("ada"), ask("eve"), take_one);
    let mut failures = [ada.unwrap_err(), eve.unwrap_err()];
    failures.sort_by_key(|failure| matches!(failure, Failure::OutcomeUnknown));
    assert!(matches!(failures, [Failure::Unavailable { .. }, Failure::OutcomeUnknown]), "{failures:?}");
    // Somebody who leads by now finds nothing.
    let working = house.work().await;
    let mut taking = HandedOver::new(working.commands.clone(), working.state.clone());
    working.leads().await;
    assert_eq!(taking.run_once().await.unwrap(), 0);
    assert_eq!(house.head().await, 0);
    working.stop().await;
    beside.stop().await;
}
