//! Who is erased, and who is not.

use crate::house::{House, context, half_in_bitcoin, person};
use commands::sessions::{SessionWish, StartWish};
use commands::users::{ExchangeCredentials, Unverified};
use domain::UserId;
use domain::user::{Exchange, TradingMode};

async fn credentials(house: &House, user: UserId) {
    let credentials = ExchangeCredentials { key: "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv".into(), secret: None };
    let context = context(person(user), "leave");
    let left = house.commands.leave_credentials(context, user, Exchange::Binance, credentials, &Unverified);
    left.await.unwrap();
}

/// Its account at the exchange is claimed by a key that nobody has any more, and nobody remembers it.
#[tokio::test]
async fn whoever_has_a_live_session_is_not_erased_though_its_credentials_are_gone() {
    let house = House::that_remembers(Some(1)).await;
    let (ada, _) = house.register("ada").await;
    credentials(&house, ada).await;
    let live = house.start(ada, StartWish { mode: Some(TradingMode::Live), ..half_in_bitcoin() }).await;
    house.commands.remove_credentials(context(person(ada), "remove"), ada, Exchange::Binance).await.unwrap();
    let (eve, _) = house.register("eve").await;
    for _ in 0..3 {
        house.start(eve, half_in_bitcoin()).await;
    }
    let refused = house.commands.erase(context(person(ada), "erase"), ada).await.unwrap_err();
    assert!(refused.to_string().contains("session"), "{refused}");
    house.ask(live, SessionWish::Stop { reason: "enough".to_owned() }).await.unwrap();
    house.commands.erase(context(person(ada), "erase again"), ada).await.unwrap();
}
