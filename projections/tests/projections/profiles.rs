//! What the journal says of a user, as one row; and the list that those rows make.

use crate::helpers::{World, drain, projections};
use domain::user::{Role, UserCommand, UserStatus};
use domain::{Sealed, Timestamp, UserId};
use projections::{ProfileRow, RebuildOptions, UserSearch, rebuild};
use testkit::Scribe;

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(1_763_722_900_000_000 + second * 1_000_000)
}

fn change(username: Option<&str>, email: Option<&str>, name: Option<&str>) -> UserCommand {
    let sealed = |text: &str| Sealed::new(text.to_owned());
    UserCommand::ChangeProfile {
        username: username.map(sealed),
        email: email.map(sealed),
        name: name.map(sealed),
        remove_name: false,
        at: at(1),
    }
}

fn remove_name() -> UserCommand {
    UserCommand::ChangeProfile { username: None, email: None, name: None, remove_name: true, at: at(2) }
}

async fn row(world: &World, user: UserId) -> ProfileRow {
    world.read_models.profile(user, None).await.unwrap().value.unwrap()
}

#[tokio::test]
async fn a_profile_follows_every_change_of_its_user() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (user, _) = scribe.register().await;
    let mut profiles = world.follow("profiles");
    drain(&mut profiles).await;

    scribe.user(user, UserCommand::VerifyEmail { email_version: 1, email: None, at: at(0) });
    scribe.user(user, change(Some("Bob"), None, Some("Bob B.")));
    scribe.commit().await;
    drain(&mut profiles).await;
    let found = row(&world, user).await;
    assert_eq!(found.username.as_deref(), Some("username: Bob"));
    assert_eq!(found.email, Some(format!("email: email of {user}")), "what was not named stayed");
    assert_eq!(found.name.as_deref(), Some("name: Bob B."));
    assert!(found.email_verified);
    assert_eq!((found.updated_at, found.version), (at(1), 3));

    scribe.user(user, change(None, Some("bob@example.com"), None));
    scribe.user(user, remove_name());
    scribe.user(user, UserCommand::ChangeRoles { roles: vec![Role::User, Role::Admin], at: at(3) });
    scribe.user(user, UserCommand::Suspend { at: at(4) });
    scribe.commit().await;
    drain(&mut profiles).await;
    let found = row(&world, user).await;
    assert_eq!(found.email.as_deref(), Some("email: bob@example.com"));
    assert!(!found.email_verified, "a new address is not verified");
    assert_eq!(found.name, None);
    assert_eq!(found.roles, [Role::User, Role::Admin]);
    assert_eq!((found.status, found.updated_at), (UserStatus::Suspended, at(4)));

    scribe.user(user, UserCommand::Reactivate { at: at(5) });
    scribe.commit().await;
    drain(&mut profiles).await;
    assert_eq!(row(&world, user).await.status, UserStatus::Active);
}

#[tokio::test]
async fn an_erased_user_leaves_a_row_without_a_person() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (user, _) = scribe.register().await;
    let mut profiles = world.follow("profiles");
    drain(&mut profiles).await;
    let before = row(&world, user).await;
    scribe.user(user, UserCommand::Erase { at: at(9) });
    scribe.commit().await;
    drain(&mut profiles).await;
    let erased = row(&world, user).await;
    assert_eq!((erased.username, erased.email, erased.name), (None, None, None));
    assert_eq!((erased.status, erased.version, erased.position), (UserStatus::Erased, 2, 3));
    assert_eq!((erased.created_at, erased.updated_at), (before.created_at, at(9)));
    let plain =
        "select count(*) from profiles where profiles::text like '%name%' or profiles::text like '%email%'";
    assert_eq!(world.count(plain).await, 0);
}

#[tokio::test]
async fn in_one_batch_or_in_many_it_comes_to_the_same() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let mut profiles = world.follow("profiles");
    let (ada, _) = scribe.register().await;
    let (bob, _) = scribe.register().await;
    let (eve, _) = scribe.register().await;
    for command in [
        change(Some("Ada"), Some("ada@example.com"), Some("Ada L.")),
        remove_name(),
        UserCommand::VerifyEmail { email_version: 2, email: None, at: at(3) },
        UserCommand::ChangeRoles { roles: vec![Role::Service], at: at(4) },
        UserCommand::Suspend { at: at(5) },
    ] {
        scribe.user(ada, command);
        scribe.commit().await;
        drain(&mut profiles).await;
    }
    scribe.user(bob, UserCommand::Erase { at: at(6) });
    scribe.user(eve, change(None, None, Some("Eve")));
    scribe.commit().await;
    drain(&mut profiles).await;
    // All of it in one batch: equal, row by row.
    let verified = RebuildOptions { verify: true };
    rebuild(&world.journal, &projections(), "profiles", verified).await.unwrap();
}

/// Twelve users; of `Search <n>`, every third is suspended.
async fn searched() -> (World, Vec<UserId>) {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let mut users = Vec::new();
    for n in 0..12 {
        let (user, _) = scribe.register().await;
        scribe.user(user, change(Some(&format!("Ada_{n}%")), Some(&format!("A{n}@x.org")), None));
        if n % 3 == 0 {
            scribe.user(user, UserCommand::Suspend { at: at(n) });
        }
        scribe.commit().await;
        users.push(user);
    }
    drain(&mut world.follow("profiles")).await;
    (world, users)
}

async fn found(world: &World, search: UserSearch) -> Vec<UserId> {
    let search = UserSearch { limit: 200, ..search };
    let page = world.read_models.search_users(&search, None).await.unwrap();
    page.value.0.iter().map(|row| row.user_id).collect()
}

fn newest_first(users: &[UserId], which: impl Fn(usize) -> bool) -> Vec<UserId> {
    users.iter().enumerate().rev().filter(|(n, _)| which(*n)).map(|(_, user)| *user).collect()
}

#[tokio::test]
async fn users_are_found_by_how_their_names_begin() {
    let (world, users) = searched().await;
    // The tests' plain words name their field first.
    let by_username = async |text: &str| {
        found(&world, UserSearch { username: Some(format!("username: {text}")), ..UserSearch::default() })
            .await
    };
    assert_eq!(by_username("").await, newest_first(&users, |_| true));
    assert_eq!(by_username("aDA_1").await, newest_first(&users, |n| n == 1 || n >= 10));
    assert_eq!(by_username("ada_1%").await, newest_first(&users, |n| n == 1));
    for nothing_special in ["%", "_", "a%", "ada__", "Ada_1_", "'", "\\", "ada_12"] {
        assert_eq!(by_username(nothing_special).await, [], "{nothing_special}");
    }
    let by_email = |text: &str| UserSearch { email: Some(format!("EMAIL: {text}")), ..UserSearch::default() };
    assert_eq!(found(&world, by_email("a7@")).await, newest_first(&users, |n| n == 7));
    let both = UserSearch { username: Some("username: ada_1".to_owned()), ..by_email("a11") };
    assert_eq!(found(&world, both).await, newest_first(&users, |n| n == 11));
}

#[tokio::test]
async fn users_are_found_by_status_and_by_when_they_came() {
    let (world, users) = searched().await;
    let suspended = UserSearch { status: Some(UserStatus::Suspended), ..UserSearch::default() };
    assert_eq!(found(&world, suspended).await, newest_first(&users, |n| n % 3 == 0));
    let created_at = row(&world, users[0]).await.created_at;
    let from = |at| UserSearch { created_from: Some(at), ..UserSearch::default() };
    let to = |at| UserSearch { created_to: Some(at), ..UserSearch::default() };
    assert_eq!(found(&world, from(created_at)).await.len(), 12);
    assert_eq!(found(&world, from(at(1))).await, []);
    assert_eq!(found(&world, to(created_at)).await, []);
    assert_eq!(found(&world, to(at(1))).await.len(), 12);
}

#[tokio::test]
async fn a_search_goes_on_where_its_page_ended() {
    let (world, users) = searched().await;
    let mut search = UserSearch { limit: 5, ..UserSearch::default() };
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = world.read_models.search_users(&search, None).await.unwrap();
        seen.extend(page.value.0.iter().map(|row| row.user_id));
        pages += 1;
        search.before = page.value.1;
        if search.before.is_none() {
            break;
        }
    }
    assert_eq!((seen, pages), (newest_first(&users, |_| true), 3));
}
