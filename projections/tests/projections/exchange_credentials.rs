//! What may be told of credentials is what the events say, live and rebuilt; it goes with them, and with their owner.

use crate::helpers::{World, drain, projections};
use domain::user::{CredentialsHeld, Exchange, UserCommand};
use domain::{Sealed, Timestamp, UserId};
use projections::{CredentialsOf, RebuildOptions, rebuild};
use testkit::Scribe;

const VERIFIED: RebuildOptions = RebuildOptions { verify: true };

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn leave(exchange: Exchange, hint: &str, second: i64) -> UserCommand {
    let key_hint = Sealed::new(hint.to_owned());
    let permissions = vec!["spot".to_owned()];
    let credentials = Some(CredentialsHeld { key_hint, verified: second % 2 == 0, permissions });
    UserCommand::ChangeCredentials { exchange, credentials, at: at(second) }
}

fn remove(exchange: Exchange, second: i64) -> UserCommand {
    UserCommand::ChangeCredentials { exchange, credentials: None, at: at(second) }
}

async fn play(world: &World, scribe: &mut Scribe, user: UserId, batch: usize, commands: &[UserCommand]) {
    for commands in commands.chunks(batch) {
        for command in commands {
            scribe.user(user, command.clone());
        }
        scribe.commit().await;
        drain(&mut world.follow("exchange_credentials")).await;
    }
}

async fn held(world: &World, user: UserId) -> CredentialsOf {
    world.read_models.credentials_of(user, None).await.unwrap().value
}

#[tokio::test]
async fn the_newest_of_each_exchange_is_told_however_batches_are_cut() {
    let commands = [
        leave(Exchange::Binance, "first", 1),
        leave(Exchange::Coinmarketcap, "other", 2),
        leave(Exchange::Binance, "second", 3),
        remove(Exchange::Coinmarketcap, 4),
        remove(Exchange::Binance, 5),
        leave(Exchange::Binance, "third", 6),
    ];
    for batch in 1..=commands.len() {
        let world = World::new().await;
        let mut scribe = Scribe::take(&world.journal).await;
        let (user, _) = scribe.register().await;
        play(&world, &mut scribe, user, batch, &commands).await;
        let CredentialsOf { held, version } = held(&world, user).await;
        assert_eq!((held.len(), version), (1, 7), "{held:?}");
        assert_eq!(
            (held[0].exchange, held[0].key_hint.as_deref()),
            (Exchange::Binance, Some("key_hint: third"))
        );
        assert_eq!((held[0].verified, held[0].updated_at), (true, at(6)));
        assert_eq!(held[0].permissions, ["spot"]);
    }
}

#[tokio::test]
async fn an_erased_user_left_nothing_and_a_rebuilt_model_is_the_live_one() {
    for batch in [1, 9] {
        let world = World::new().await;
        let mut scribe = Scribe::take(&world.journal).await;
        let ((ada, _), (eve, _)) = (scribe.register().await, scribe.register().await);
        play(&world, &mut scribe, eve, batch, &[leave(Exchange::Binance, "hers", 1)]).await;
        let life = [leave(Exchange::Binance, "gone", 1), UserCommand::Erase { at: at(2) }];
        play(&world, &mut scribe, ada, batch, &life).await;
        assert_eq!(held(&world, ada).await.held, []);
        assert_eq!(held(&world, eve).await.held.len(), 1);
        let rebuilt =
            rebuild(&world.journal, &projections(), "exchange_credentials", VERIFIED).await.unwrap();
        assert!(rebuilt[0].verified);
    }
}
