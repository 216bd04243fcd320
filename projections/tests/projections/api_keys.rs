//! API keys are what the events say, live and rebuilt; they go when they are revoked, and with their owner.

use crate::helpers::{World, drain, projections};
use domain::user::{ApiKeyChange, UserCommand};
use domain::{ApiKeyId, Scope, Sealed, Timestamp, UserId};
use projections::{ApiKeyRow, ApiKeyUse, RebuildOptions, rebuild};
use std::time::Duration;
use testkit::Scribe;
use uuid::Uuid;

const VERIFIED: RebuildOptions = RebuildOptions { verify: true };

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn key(n: u128) -> ApiKeyId {
    ApiKeyId(Uuid::from_u128(n))
}

fn sealed(text: &str) -> Sealed {
    Sealed::new(text.to_owned())
}

fn create(n: u128) -> UserCommand {
    UserCommand::CreateApiKey {
        key_id: key(n),
        name: sealed(&format!("key {n}")),
        scopes: [Scope::WalletRead, Scope::EventsRead].into_iter().collect(),
        expires_at: at(1_000),
        cidrs: (n % 2 == 1).then(|| sealed("10.0.0.0/8,::1/128")),
        at: at(1),
    }
}

fn change(n: u128, change: ApiKeyChange) -> UserCommand {
    UserCommand::ChangeApiKey { key_id: key(n), change, at: at(2) }
}

fn rotate(n: u128, generation: u32) -> UserCommand {
    let previous_for = Duration::from_mins(1);
    UserCommand::RotateApiKey { key_id: key(n), generation, previous_for, at: at(3) }
}

fn revoke(n: u128) -> UserCommand {
    UserCommand::RevokeApiKey { key_id: key(n), at: at(4) }
}

async fn play(world: &World, scribe: &mut Scribe, user: UserId, batch: usize, commands: &[UserCommand]) {
    for commands in commands.chunks(batch) {
        for command in commands {
            scribe.user(user, command.clone());
        }
        scribe.commit().await;
        drain(&mut world.follow("api_keys")).await;
    }
}

async fn keys(world: &World, user: UserId) -> Vec<ApiKeyRow> {
    world.read_models.api_keys_of(user, None).await.unwrap().value.keys
}

#[tokio::test]
async fn a_key_is_as_its_events_left_it_however_batches_are_cut() {
    let off = ApiKeyChange { is_active: Some(false), ..ApiKeyChange::default() };
    let renamed = ApiKeyChange {
        name: Some(sealed("another")),
        scopes: Some([Scope::WalletRead].into_iter().collect()),
        cidrs: Some(sealed("::1/128")),
        ..ApiKeyChange::default()
    };
    let history =
        [create(1), create(2), change(1, off), create(3), rotate(2, 1), change(1, renamed), revoke(3)];
    for batch in [1, 2, 3, history.len()] {
        let world = World::new().await;
        let mut scribe = Scribe::take(&world.journal).await;
        let (user, _) = scribe.register().await;
        let (other, _) = scribe.register().await;
        play(&world, &mut scribe, user, batch, &history).await;
        play(&world, &mut scribe, other, 1, &[create(9)]).await;
        let found = keys(&world, user).await;
        let [second, first] = found.as_slice() else { panic!("batches of {batch}: {found:?}") };
        assert_eq!((first.key_id, first.name.as_deref()), (key(1), Some("name: another")));
        assert_eq!((first.is_active, first.scopes.to_string()), (false, "wallet:read".to_owned()));
        assert_eq!((first.expires_at, first.created_at), (at(1_000), at(1)));
        assert_eq!(first.cidrs, ["cidrs: ::1/128"]);
        assert_eq!((second.key_id, second.name.as_deref()), (key(2), Some("name: key 2")));
        assert_eq!((second.is_active, second.previous_until), (true, Some(at(63))));
        assert!(second.cidrs.is_empty() && second.last_used_at.is_none());
        rebuild(&world.journal, &projections(), "api_keys", VERIFIED).await.unwrap();
    }
}

#[tokio::test]
async fn the_latest_use_stands_and_outlives_a_rebuild() {
    let world = World::new().await;
    let mut scribe = Scribe::take(&world.journal).await;
    let (user, _) = scribe.register().await;
    play(&world, &mut scribe, user, 9, &[create(1), create(2)]).await;
    let noted = |n, second| ApiKeyUse { key_id: key(n), owner: user, at: at(second) };
    for uses in [&[noted(1, 20), noted(2, 21), noted(3, 22)][..], &[noted(1, 10)], &[]] {
        world.read_models.note_api_key_uses(uses).await.unwrap();
    }
    rebuild(&world.journal, &projections(), "api_keys", VERIFIED).await.unwrap();
    let last: Vec<_> = keys(&world, user).await.iter().map(|row| row.last_used_at).collect();
    assert_eq!(last, [Some(at(21)), Some(at(20))]);
    assert_eq!(world.count("select count(*) from api_key_uses").await, 2, "nothing of what is not there");
    play(&world, &mut scribe, user, 1, &[revoke(1)]).await;
    assert_eq!(world.count("select count(*) from api_key_uses").await, 1);
}

#[tokio::test]
async fn nothing_is_left_of_the_keys_of_somebody_erased() {
    for batch in [1, 3] {
        let world = World::new().await;
        let mut scribe = Scribe::take(&world.journal).await;
        let (user, _) = scribe.register().await;
        let (other, _) = scribe.register().await;
        play(&world, &mut scribe, other, 1, &[create(9)]).await;
        play(&world, &mut scribe, user, 1, &[create(1)]).await;
        let noted = ApiKeyUse { key_id: key(1), owner: user, at: at(20) };
        world.read_models.note_api_key_uses(&[noted]).await.unwrap();
        play(&world, &mut scribe, user, batch, &[create(2), rotate(1, 1), UserCommand::Erase { at: at(5) }])
            .await;
        assert!(keys(&world, user).await.is_empty());
        assert_eq!(keys(&world, other).await.len(), 1);
        assert_eq!(world.count("select count(*) from api_key_uses").await, 0);
        rebuild(&world.journal, &projections(), "api_keys", VERIFIED).await.unwrap();
    }
}
