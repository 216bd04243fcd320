//! The test servers themselves.

use sqlx::{Connection, PgConnection};
use testkit::{Nats, Postgres};

#[tokio::test]
async fn a_database_is_fresh_and_migrated_and_survives_a_crash() {
    let mut postgres = Postgres::start().await;
    let (one, other) = (postgres.database().await, postgres.database().await);
    let id = async |url: &str| {
        let mut conn = PgConnection::connect(url).await.unwrap();
        let id: sqlx::types::Uuid =
            sqlx::query_scalar("select journal_id from journal_head").fetch_one(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        id
    };
    let before = id(&one).await;
    assert_ne!(before, id(&other).await);
    assert_eq!(before, id(&postgres.copy_database(&one).await).await);
    postgres.kill();
    postgres.restart().await;
    assert_eq!(before, id(&one).await);
}

#[tokio::test]
async fn nats_comes_back_at_the_same_address() {
    let mut nats = Nats::start().await;
    let (url, pid) = (nats.url(), nats.pid());
    nats.kill();
    nats.restart().await;
    assert_eq!(nats.url(), url);
    assert_ne!(nats.pid(), pid);
}
