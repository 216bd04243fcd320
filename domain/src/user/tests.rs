use super::*;
use crate::{LoginSessionId, Sealed, Timestamp, UserId};
use cqrs_es::test::TestFramework;
use std::time::Duration;
use uuid::Uuid;

type Spec = TestFramework<User>;

const POLICY: SessionPolicy = SessionPolicy {
    idle: Duration::from_secs(100),
    absolute: Duration::from_secs(1_000),
    grace: Duration::from_secs(10),
    sessions_max: 2,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn session(n: u128) -> LoginSessionId {
    LoginSessionId(Uuid::from_u128(n))
}

fn sealed(text: &str) -> Sealed {
    Sealed::new(text.to_owned())
}

fn registered() -> UserEvent {
    UserEvent::UserRegistered {
        user_id: UserId(Uuid::from_u128(7)),
        username: sealed("u"),
        email: sealed("e"),
        name: None,
        roles: vec![Role::User],
        registered_at: at(0),
    }
}

fn opened(n: u128, second: i64, login_count: u64) -> UserEvent {
    UserEvent::LoginSessionOpened {
        session_id: session(n),
        ip: None,
        user_agent: None,
        opened_at: at(second),
        expires_at: at(second + 100),
        ends_at: at(second + 1_000),
        login_count,
    }
}

fn refreshed(n: u128, generation: u32, second: i64) -> UserEvent {
    UserEvent::LoginSessionRefreshed {
        session_id: session(n),
        generation,
        refreshed_at: at(second),
        expires_at: at(second + 100),
    }
}

fn ended(n: u128, reason: EndReason, second: i64) -> UserEvent {
    UserEvent::LoginSessionEnded { session_id: session(n), reason, ended_at: at(second) }
}

fn open(n: u128, second: i64) -> UserCommand {
    UserCommand::OpenSession {
        session_id: session(n),
        password_version: 1,
        ip: None,
        user_agent: None,
        policy: POLICY,
        at: at(second),
    }
}

fn refresh(n: u128, generation: u32, second: i64) -> UserCommand {
    UserCommand::RefreshSession { session_id: session(n), generation, policy: POLICY, at: at(second) }
}

#[test]
fn a_login_opens_a_session_and_is_counted() {
    Spec::with(()).given(vec![registered()]).when(open(1, 5)).then_expect_events(vec![opened(1, 5, 1)]);
}

#[test]
fn one_session_too_many_replaces_the_oldest() {
    Spec::with(())
        .given(vec![registered(), opened(1, 1, 1), opened(2, 2, 2)])
        .when(open(3, 3))
        .then_expect_events(vec![ended(1, EndReason::Replaced, 3), opened(3, 3, 3)]);
}

#[test]
fn an_expired_session_makes_room_before_a_live_one_does() {
    Spec::with(())
        .given(vec![registered(), opened(1, 1, 1), refreshed(1, 2, 90), opened(2, 2, 2)])
        .when(open(3, 150))
        .then_expect_events(vec![ended(2, EndReason::Expired, 150), opened(3, 150, 3)]);
}

#[test]
fn a_login_against_an_old_password_is_declined() {
    let UserCommand::OpenSession { session_id, ip, user_agent, policy, at, .. } = open(1, 5) else {
        unreachable!()
    };
    Spec::with(())
        .given(vec![registered()])
        .when(UserCommand::OpenSession { session_id, password_version: 0, ip, user_agent, policy, at })
        .then_expect_error(UserRefusal::PasswordChanged);
}

#[test]
fn a_refresh_moves_to_the_next_token() {
    Spec::with(())
        .given(vec![registered(), opened(1, 0, 1)])
        .when(refresh(1, 1, 50))
        .then_expect_events(vec![refreshed(1, 2, 50)]);
}

#[test]
fn a_refresh_never_outlives_the_absolute_end() {
    let given = vec![registered(), opened(1, 0, 1), refreshed(1, 2, 950)];
    let UserEvent::LoginSessionRefreshed { session_id, generation, refreshed_at, .. } = refreshed(1, 3, 990)
    else {
        unreachable!()
    };
    Spec::with(()).given(given).when(refresh(1, 2, 990)).then_expect_events(vec![
        UserEvent::LoginSessionRefreshed { session_id, generation, refreshed_at, expires_at: at(1_000) },
    ]);
}

#[test]
fn the_previous_token_is_answered_again_within_the_grace() {
    Spec::with(())
        .given(vec![registered(), opened(1, 0, 1), refreshed(1, 2, 50)])
        .when(refresh(1, 1, 60))
        .then_expect_events(vec![]);
}

#[test]
fn an_old_token_ends_the_session() {
    let given = vec![registered(), opened(1, 0, 1), refreshed(1, 2, 50)];
    Spec::with(()).given(given).when(refresh(1, 1, 61)).then_expect_events(vec![
        UserEvent::RefreshTokenReused { session_id: session(1), generation: 1 },
        ended(1, EndReason::TokenReused, 61),
    ]);
}

#[test]
fn an_idle_session_cannot_be_refreshed() {
    Spec::with(())
        .given(vec![registered(), opened(1, 0, 1)])
        .when(refresh(1, 1, 100))
        .then_expect_error(UserRefusal::SessionEnded);
}

#[test]
fn a_session_ends_once() {
    let end = UserCommand::EndSession { session_id: session(1), reason: EndReason::Logout, at: at(9) };
    Spec::with(())
        .given(vec![registered(), opened(1, 0, 1)])
        .when(end.clone())
        .then_expect_events(vec![ended(1, EndReason::Logout, 9)]);
    Spec::with(())
        .given(vec![registered(), opened(1, 0, 1), ended(1, EndReason::Logout, 9)])
        .when(end)
        .then_expect_events(vec![]);
}
