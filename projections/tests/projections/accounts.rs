//! Sessions, preferences and activity are what the events say, live and rebuilt, and an erasure takes what is personal.

use crate::helpers::{World, drain, projections};
use domain::user::{
    EndReason, PasswordChangeReason, Preferences, PreferencesChange, SessionPolicy, Theme, UserCommand,
};
use domain::{LoginSessionId, Sealed, Timestamp, UserId};
use projections::{ActivityFilter, LoginSessionRow, Page, QueryError, RebuildOptions, rebuild};
use std::time::Duration;
use testkit::Scribe;
use uuid::Uuid;

const VERIFIED: RebuildOptions = RebuildOptions { verify: true };
const POLICY: SessionPolicy = SessionPolicy {
    idle: Duration::from_secs(100),
    absolute: Duration::from_secs(1_000),
    grace: Duration::ZERO,
    sessions_max: 3,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn session(n: u128) -> LoginSessionId {
    LoginSessionId(Uuid::from_u128(n))
}

fn open(n: u128, second: i64) -> UserCommand {
    UserCommand::OpenSession {
        session_id: session(n),
        password_version: 1,
        ip: Some(Sealed::new(format!("address {n}"))),
        user_agent: (n % 2 == 1).then(|| Sealed::new(format!("browser {n}"))),
        policy: POLICY,
        at: at(second),
    }
}

fn refresh(n: u128, generation: u32, second: i64) -> UserCommand {
    UserCommand::RefreshSession { session_id: session(n), generation, policy: POLICY, at: at(second) }
}

fn end(n: u128, second: i64) -> UserCommand {
    UserCommand::EndSession { session_id: session(n), reason: EndReason::Logout, at: at(second) }
}

fn dark(second: i64) -> UserCommand {
    let change = PreferencesChange { theme: Some(Theme::Dark), ..PreferencesChange::default() };
    UserCommand::ChangePreferences { change, expected_version: None, at: at(second) }
}

/// Commits commands of one user, so many to a batch, and lets the projection follow.
async fn play(world: &World, scribe: &mut Scribe, user: UserId, batch: usize, commands: &[UserCommand]) {
    for commands in commands.chunks(batch) {
        for command in commands {
            scribe.user(user, command.clone());
        }
        scribe.commit().await;
        drain(&mut world.follow("accounts")).await;
    }
}

async fn sessions(world: &World, user: UserId, second: i64) -> Vec<LoginSessionRow> {
    let found = world.read_models.login_sessions(user, at(second), &Page::default(), None).await.unwrap();
    found.value.unwrap().items
}

async fn rebuilt_equals_live(world: &World) {
    rebuild(&world.journal, &projections(), "accounts", VERIFIED).await.unwrap();
}

#[tokio::test]
async fn a_session_stands_there_from_its_opening_to_its_end_however_batches_are_cut() {
    let history =
        [open(1, 1), open(2, 2), refresh(1, 1, 50), open(3, 51), end(2, 52), refresh(1, 2, 60), end(3, 61)];
    for batch in [1, 2, 3, history.len()] {
        let world = World::new().await;
        let mut scribe = Scribe::take(&world.journal).await;
        let (user, _) = scribe.register().await;
        play(&world, &mut scribe, user, batch, &history).await;
        let open = sessions(&world, user, 70).await;
        let [only] = open.as_slice() else { panic!("batches of {batch}: {open:?}") };
        assert_eq!((only.session_id, only.opened_at, only.last_seen_at), (session(1), at(1), at(60)));
        assert_eq!((only.expires_at, only.ends_at), (at(160), at(1_001)));
        let plain = (only.ip.as_deref(), only.user_agent.as_deref());
        assert_eq!(plain, (Some("ip: address 1"), Some("user_agent: browser 1")));
        assert!(sessions(&world, user, 160).await.is_empty(), "over, though nobody has ended it yet");
        rebuilt_equals_live(&world).await;
    }
}

#[tokio::test]
async fn sessions_are_listed_page_by_page_for_whom_they_belong_to() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (ada, _) = scribe.register().await;
    let (eve, _) = scribe.register().await;
    play(&world, &mut scribe, ada, 9, &[open(1, 1), open(2, 2), open(3, 3)]).await;
    play(&world, &mut scribe, eve, 9, &[open(4, 4)]).await;
    let page = async |user, cursor| {
        let page = Page { cursor, limit: 2 };
        world.read_models.login_sessions(user, at(5), &page, None).await.map(|found| found.value)
    };
    let first = page(ada, None).await.unwrap().unwrap();
    let ids = |rows: &[LoginSessionRow]| rows.iter().map(|row| row.session_id).collect::<Vec<_>>();
    assert_eq!(ids(&first.items), [session(3), session(2)]);
    let second = page(ada, first.next_cursor.clone()).await.unwrap().unwrap();
    assert_eq!((ids(&second.items), second.next_cursor), (vec![session(1)], None));
    let foreign = page(eve, first.next_cursor).await.unwrap_err();
    assert!(matches!(foreign, QueryError::BadCursor), "{foreign}");
    assert_eq!(page(UserId(Uuid::nil()), None).await.unwrap(), None);
    let owner = async |n| world.read_models.login_session_owner(session(n), None).await.unwrap().value;
    assert_eq!((owner(1).await, owner(4).await, owner(5).await), (Some(ada), Some(eve), None));
}

#[tokio::test]
async fn whose_sessions_are_over_is_found_and_the_oldest_first() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (ada, _) = scribe.register().await;
    let (eve, _) = scribe.register().await;
    play(&world, &mut scribe, ada, 9, &[open(1, 10), open(2, 20)]).await;
    play(&world, &mut scribe, eve, 9, &[open(4, 5), open(5, 50)]).await;
    let over = async |second, limit| {
        world.read_models.users_with_sessions_over(at(second), limit, None).await.unwrap()
    };
    assert!(over(104, 10).await.is_empty());
    assert_eq!(over(105, 10).await, [eve]);
    assert_eq!(over(130, 10).await, [eve, ada]);
    assert_eq!(over(130, 1).await, [eve]);
}

#[tokio::test]
async fn preferences_are_the_defaults_until_they_are_changed() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (user, _) = scribe.register().await;
    drain(&mut world.follow("accounts")).await;
    let read = async || world.read_models.preferences(user, None).await.unwrap().value.unwrap();
    let first = read().await;
    assert_eq!((first.preferences, first.version), (Preferences::default(), 0));
    play(&world, &mut scribe, user, 2, &[open(1, 1), dark(2), end(1, 3)]).await;
    let now = read().await;
    assert_eq!(now.preferences, Preferences { theme: Theme::Dark, ..Preferences::default() });
    // However often they signed in meanwhile.
    assert_eq!((now.version, now.position), (1, 4));
    let unknown = world.read_models.preferences(UserId(Uuid::nil()), None).await.unwrap();
    assert_eq!(unknown.value, None);
    rebuilt_equals_live(&world).await;
    assert_eq!(read().await, now);
}

#[tokio::test]
async fn what_happened_says_who_and_from_where() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (user, _) = scribe.register().await;
    let password = UserCommand::ChangePassword {
        password_version: 1,
        reason: PasswordChangeReason::Reset,
        except: None,
        at: at(7),
    };
    let history = [open(1, 1), refresh(1, 1, 5), refresh(1, 1, 6), open(2, 6), password];
    play(&world, &mut scribe, user, 1, &history).await;
    let ask = async |filter: ActivityFilter, page: &Page| {
        world.read_models.activity(user, filter, page, None).await.map(|found| found.value.unwrap())
    };
    let all = ask(ActivityFilter::default(), &Page::default()).await.unwrap().items;
    let short: Vec<_> =
        all.iter().map(|row| (row.event_type.as_str(), row.ip.as_deref(), row.reason.as_deref())).collect();
    let (one, two) = (Some("ip: address 1"), Some("ip: address 2"));
    let expected = [
        ("LoginSessionEnded", two, Some("password_changed")),
        ("PasswordChanged", None, Some("reset")),
        ("LoginSessionOpened", two, None),
        ("LoginSessionEnded", one, Some("token_reused")),
        ("RefreshTokenReused", one, None),
        ("LoginSessionOpened", one, None),
        ("WalletOpened", None, None),
        ("UserRegistered", None, None),
    ];
    assert_eq!(short, expected);
    assert!(all.iter().all(|row| row.actor == domain::Actor::user(user.0)));

    let ended = ActivityFilter { event_type: Some("LoginSessionEnded".to_owned()), ..Default::default() };
    let first = ask(ended, &Page { cursor: None, limit: 1 }).await.unwrap();
    let page = Page { cursor: first.next_cursor, limit: 1 };
    let second = ask(ActivityFilter::default(), &page).await.unwrap();
    assert_eq!((second.items[0].ip.as_deref(), second.next_cursor), (one, None), "the cursor's filter holds");
    let written_at = all[0].recorded_at;
    let before = ActivityFilter { to: Some(written_at), ..Default::default() };
    assert!(ask(before, &Page::default()).await.unwrap().items.is_empty());
    let since = ActivityFilter { from: Some(written_at), ..Default::default() };
    assert_eq!(ask(since, &Page::default()).await.unwrap().items.len(), all.len());
    rebuilt_equals_live(&world).await;
}

#[tokio::test]
async fn an_erasure_leaves_nothing_personal() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (ada, _) = scribe.register().await;
    let (eve, _) = scribe.register().await;
    play(&world, &mut scribe, eve, 9, &[open(4, 4)]).await;
    let erase = UserCommand::Erase { at: at(9) };
    play(&world, &mut scribe, ada, 2, &[open(1, 1), end(1, 2), open(3, 3), dark(4), erase]).await;
    let personal = "select count(*) from activity where ip is not null or user_id is null";
    assert_eq!(world.count(personal).await, 1, "eve's is still there");
    assert_eq!(world.count("select count(*) from login_sessions").await, 1);
    assert_eq!(world.read_models.preferences(ada, None).await.unwrap().value, None);
    let page = Page::default();
    assert_eq!(world.read_models.login_sessions(ada, at(5), &page, None).await.unwrap().value, None);
    let left = world.read_models.activity(ada, ActivityFilter::default(), &page, None).await.unwrap();
    let left = left.value.unwrap().items;
    assert_eq!((left.len(), left[0].event_type.as_str()), (8, "UserErased"));
    rebuilt_equals_live(&world).await;
}
