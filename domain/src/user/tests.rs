use super::*;
use crate::{ApiKeyId, Decide, LoginSessionId, Scope, Scopes, Sealed, SealedIn, Timestamp, UserId};
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

fn key(n: u128) -> ApiKeyId {
    ApiKeyId(Uuid::from_u128(n))
}

fn created(n: u128) -> UserEvent {
    UserEvent::ApiKeyCreated {
        key_id: key(n),
        name: sealed("k"),
        scopes: [Scope::WalletRead].into_iter().collect(),
        expires_at: at(1_000),
        cidrs: None,
        created_at: at(0),
    }
}

fn change_password(password_version: u64, except: Option<LoginSessionId>) -> UserCommand {
    let reason = PasswordChangeReason::Changed;
    UserCommand::ChangePassword { password_version, reason, except, at: at(9) }
}

#[test]
fn a_new_password_ends_the_other_sessions_and_is_set_once_per_version() {
    let changed = UserEvent::PasswordChanged {
        reason: PasswordChangeReason::Changed,
        password_version: 2,
        changed_at: at(9),
    };
    let given = vec![registered(), opened(1, 1, 1), opened(2, 2, 2)];
    Spec::with(())
        .given(given.clone())
        .when(change_password(1, Some(session(2))))
        .then_expect_events(vec![changed.clone(), ended(1, EndReason::PasswordChanged, 9)]);
    let after = given.into_iter().chain([changed]).collect();
    Spec::with(())
        .given(after)
        .when(change_password(1, None))
        .then_expect_error(UserRefusal::PasswordChanged);
}

#[test]
fn a_reset_switches_off_every_key_that_works_and_a_change_none() {
    let off = |n, second| UserEvent::ApiKeyChanged {
        key_id: key(n),
        change: ApiKeyChange { is_active: Some(false), ..ApiKeyChange::default() },
        changed_at: at(second),
    };
    let password = |reason| UserEvent::PasswordChanged { reason, password_version: 2, changed_at: at(9) };
    let given = vec![registered(), opened(1, 1, 1), created(1), created(2), created(3), off(2, 3)];
    let reset = UserCommand::ChangePassword {
        password_version: 1,
        reason: PasswordChangeReason::Reset,
        except: None,
        at: at(9),
    };
    let ended = ended(1, EndReason::PasswordChanged, 9);
    Spec::with(()).given(given.clone()).when(reset).then_expect_events(vec![
        password(PasswordChangeReason::Reset),
        off(1, 9),
        off(3, 9),
        ended.clone(),
    ]);
    Spec::with(())
        .given(given)
        .when(change_password(1, None))
        .then_expect_events(vec![password(PasswordChangeReason::Changed), ended]);
}

#[test]
fn an_address_is_proved_once_and_only_as_long_as_it_is_the_users() {
    let verify = |email_version| UserCommand::VerifyEmail { email_version, email: None, at: at(3) };
    let verified = UserEvent::EmailVerified { verified_at: at(3) };
    Spec::with(()).given(vec![registered()]).when(verify(1)).then_expect_events(vec![verified.clone()]);
    Spec::with(())
        .given(vec![registered(), verified.clone()])
        .when(verify(1))
        .then_expect_error(UserRefusal::EmailChanged);
    let moved = UserEvent::ProfileChanged {
        username: None,
        email: Some(sealed("e2")),
        name: None,
        name_removed: false,
        changed_at: at(2),
    };
    Spec::with(())
        .given(vec![registered(), moved.clone()])
        .when(verify(1))
        .then_expect_error(UserRefusal::EmailChanged);
    Spec::with(()).given(vec![registered(), moved]).when(verify(2)).then_expect_events(vec![verified]);
}

#[test]
fn a_suspension_ends_everything_and_lets_nobody_in_until_it_is_over() {
    let suspended = UserEvent::UserSuspended { suspended_at: at(5) };
    Spec::with(())
        .given(vec![registered(), opened(1, 1, 1)])
        .when(UserCommand::Suspend { at: at(5) })
        .then_expect_events(vec![suspended.clone(), ended(1, EndReason::Suspended, 5)]);
    let given = vec![registered(), created(1), suspended];
    for command in [
        open(2, 6),
        change_password(1, None),
        UserCommand::RotateApiKey { key_id: key(1), generation: 1, previous_for: POLICY.grace, at: at(6) },
    ] {
        Spec::with(()).given(given.clone()).when(command).then_expect_error(UserRefusal::Suspended);
    }
    Spec::with(()).given(given.clone()).when(UserCommand::Suspend { at: at(6) }).then_expect_events(vec![]);
    Spec::with(())
        .given(given)
        .when(UserCommand::Reactivate { at: at(7) })
        .then_expect_events(vec![UserEvent::UserReactivated { reactivated_at: at(7) }]);
}

#[test]
fn nothing_comes_after_an_erasure() {
    let erased = UserEvent::UserErased { erased_at: at(5) };
    Spec::with(())
        .given(vec![registered(), opened(1, 1, 1), created(1)])
        .when(UserCommand::Erase { at: at(5) })
        .then_expect_events(vec![ended(1, EndReason::Erased, 5), erased.clone()]);
    let given = vec![registered(), created(1), erased];
    for command in [
        open(2, 6),
        UserCommand::Erase { at: at(6) },
        UserCommand::Suspend { at: at(6) },
        UserCommand::Reactivate { at: at(6) },
        UserCommand::RevokeApiKey { key_id: key(1), at: at(6) },
        UserCommand::ChangeRoles { roles: vec![Role::Admin], at: at(6) },
    ] {
        Spec::with(()).given(given.clone()).when(command).then_expect_error(UserRefusal::NotFound);
    }
}

#[test]
fn other_roles_are_for_the_next_login() {
    let roles = vec![Role::User, Role::Admin];
    Spec::with(())
        .given(vec![registered(), opened(1, 1, 1)])
        .when(UserCommand::ChangeRoles { roles: roles.clone(), at: at(5) })
        .then_expect_events(vec![
            UserEvent::RolesChanged { roles, changed_at: at(5) },
            ended(1, EndReason::RolesChanged, 5),
        ]);
}

#[test]
fn there_are_only_so_many_keys() {
    let full = (0..25).map(created);
    let given: Vec<_> = [registered()].into_iter().chain(full).collect();
    let one_more = UserCommand::CreateApiKey {
        key_id: key(99),
        name: sealed("k"),
        scopes: [Scope::WalletRead].into_iter().collect(),
        expires_at: at(1_000),
        cidrs: None,
        at: at(0),
    };
    Spec::with(())
        .given(given.clone())
        .when(one_more.clone())
        .then_expect_error(UserRefusal::TooManyKeys { max: 25 });
    let revoked = UserEvent::ApiKeyRevoked { key_id: key(3), revoked_at: at(1) };
    let given = given.into_iter().chain([revoked]).collect();
    assert!(Spec::with(()).given(given).when(one_more).inspect_result().is_ok());
}

#[test]
fn a_rotation_leaves_the_secret_before_for_a_while_but_not_past_the_keys_end() {
    let rotate = |second, hours: u64| UserCommand::RotateApiKey {
        key_id: key(1),
        generation: 1,
        previous_for: Duration::from_secs(hours * 3_600),
        at: at(second),
    };
    let rotated = |until, second| UserEvent::ApiKeyRotated {
        key_id: key(1),
        generation: 2,
        previous_until: at(until),
        rotated_at: at(second),
    };
    let given = vec![registered(), created(1)];
    Spec::with(()).given(given.clone()).when(rotate(10, 0)).then_expect_events(vec![rotated(10, 10)]);
    Spec::with(()).given(given.clone()).when(rotate(10, 24)).then_expect_events(vec![rotated(1_000, 10)]);
    let given = given.into_iter().chain([rotated(10, 10)]).collect();
    Spec::with(()).given(given).when(rotate(11, 0)).then_expect_error(UserRefusal::KeyRotated);
}

#[test]
fn an_empty_change_of_profile_is_nothing() {
    let change = |remove_name| UserCommand::ChangeProfile {
        username: None,
        email: None,
        name: None,
        remove_name,
        at: at(5),
    };
    // There was no name.
    Spec::with(()).given(vec![registered()]).when(change(true)).then_expect_events(vec![]);
    Spec::with(()).given(vec![registered()]).when(change(false)).then_expect_events(vec![]);
}

#[test]
fn only_sessions_that_are_over_expire() {
    let expire = |second| UserCommand::ExpireSessions { at: at(second) };
    let history = || vec![registered(), opened(1, 1, 1), opened(2, 2, 2), refreshed(1, 2, 90)];
    Spec::with(()).given(history()).when(expire(101)).then_expect_events(vec![]);
    Spec::with(()).given(history()).when(expire(150)).then_expect_events(vec![ended(
        2,
        EndReason::Expired,
        150,
    )]);
    Spec::with(())
        .given(history())
        .when(expire(190))
        .then_expect_events(vec![ended(1, EndReason::Expired, 190), ended(2, EndReason::Expired, 190)]);
}

#[test]
fn preferences_that_are_so_already_are_nothing_to_do() {
    let dark = || PreferencesChange { theme: Some(Theme::Dark), ..PreferencesChange::default() };
    let changed = || UserEvent::PreferencesChanged {
        preferences: Preferences { theme: Theme::Dark, ..Preferences::default() },
        changed_at: at(5),
    };
    let change = || UserCommand::ChangePreferences { change: dark(), expected_version: None, at: at(5) };
    Spec::with(()).given(vec![registered()]).when(change()).then_expect_events(vec![changed()]);
    Spec::with(()).given(vec![registered(), changed()]).when(change()).then_expect_events(vec![]);
}

#[test]
fn preferences_have_a_version_that_a_login_leaves_alone() {
    let change = |theme, expected| UserCommand::ChangePreferences {
        change: PreferencesChange { theme: Some(theme), ..PreferencesChange::default() },
        expected_version: Some(expected),
        at: at(5),
    };
    let changed = UserEvent::PreferencesChanged {
        preferences: Preferences { theme: Theme::Dark, ..Preferences::default() },
        changed_at: at(5),
    };
    let stale = |expected, actual| UserRefusal::StalePreferences { expected, actual };
    let before = vec![registered(), opened(1, 1, 1)];
    Spec::with(())
        .given(before.clone())
        .when(change(Theme::Dark, 0))
        .then_expect_events(vec![changed.clone()]);
    Spec::with(()).given(before).when(change(Theme::Dark, 2)).then_expect_error(stale(2, 0));
    let after = vec![registered(), changed, opened(1, 6, 1)];
    Spec::with(()).given(after.clone()).when(change(Theme::Dark, 0)).then_expect_error(stale(0, 1));
    Spec::with(()).given(after).when(change(Theme::Dark, 1)).then_expect_events(vec![]);
}

#[test]
fn who_reads_everybodys_history_is_a_service() {
    let scopes: Scopes = [Scope::WalletRead, Scope::Audit].into_iter().collect();
    let create = UserCommand::CreateApiKey {
        key_id: key(1),
        name: sealed("k"),
        scopes,
        expires_at: at(1_000),
        cidrs: None,
        at: at(0),
    };
    let change = UserCommand::ChangeApiKey {
        key_id: key(1),
        change: ApiKeyChange { scopes: Some(scopes), ..ApiKeyChange::default() },
        at: at(1),
    };
    let refused = UserRefusal::ScopeNotAllowed { scope: Scope::Audit };
    Spec::with(()).given(vec![registered()]).when(create.clone()).then_expect_error(refused.clone());
    Spec::with(()).given(vec![registered(), created(1)]).when(change.clone()).then_expect_error(refused);
    let service = UserEvent::RolesChanged { roles: vec![Role::Service], changed_at: at(0) };
    let given = vec![registered(), service, created(1)];
    for command in [create, change] {
        assert!(Spec::with(()).given(given.clone()).when(command).inspect_result().is_ok());
    }
}

#[test]
fn a_key_is_as_its_last_change_left_it() {
    let mut user = User::default();
    let change = ApiKeyChange { name: Some(sealed("n")), is_active: Some(false), ..ApiKeyChange::default() };
    let changed = UserEvent::ApiKeyChanged { key_id: key(1), change, changed_at: at(1) };
    let rotated =
        UserEvent::ApiKeyRotated { key_id: key(1), generation: 2, previous_until: at(9), rotated_at: at(2) };
    for event in [registered(), created(1), changed, rotated] {
        user.evolve(&event);
    }
    let key = user.api_key(key(1)).unwrap();
    assert_eq!(key.name, SealedIn::new("ApiKeyChanged", sealed("n")));
    assert_eq!((key.is_active, key.expires_at, key.generation), (false, at(1_000), 2));
    assert_eq!(key.previous_until, Some(at(9)));
    let nothing =
        UserCommand::ChangeApiKey { key_id: key.key_id, change: ApiKeyChange::default(), at: at(3) };
    assert_eq!(user.decide(nothing), Ok(vec![]));
}

#[test]
fn a_new_password_voids_the_proof_of_an_address_that_was_asked_for_before() {
    let changed = UserEvent::PasswordChanged {
        reason: PasswordChangeReason::Reset,
        password_version: 2,
        changed_at: at(2),
    };
    let verify = UserCommand::VerifyEmail { email_version: 1, email: Some(sealed("e2")), at: at(3) };
    Spec::with(())
        .given(vec![registered(), changed])
        .when(verify)
        .then_expect_error(UserRefusal::EmailChanged);
}
