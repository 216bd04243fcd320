//! The vault over a real table of secrets: what opens, what reads as erased, and what is an error.

#![allow(clippy::unwrap_used)]

use commands::vault::{KeyRing, Vault};
use domain::{Sealed, UserId};
use journal::{Journal, JournalOptions, OpenError, OpenSealed, SealedField, SecretRow};
use testkit::Postgres;
use uuid::Uuid;

/// As the read side asks.
async fn open(vault: &Vault, fields: &[SealedField]) -> Result<Vec<Option<String>>, OpenError> {
    OpenSealed::open_many(vault, fields).await
}

async fn journal(postgres: &Postgres) -> Journal {
    let database_url = postgres.database().await;
    Journal::connect(&JournalOptions { database_url, connections_max: 2 }).await.unwrap()
}

async fn store(journal: &Journal, row: &SecretRow) {
    sqlx::query("insert into secrets (owner, kind, name, version, value) values ($1, $2, $3, $4, $5)")
        .bind(row.owner)
        .bind(row.kind)
        .bind(&row.name)
        .bind(row.version)
        .bind(&row.value)
        .execute(journal.pool())
        .await
        .unwrap();
}

/// Registers somebody: their key is stored, their name sealed.
async fn seal_name(vault: &Vault, journal: &Journal, name: &str) -> SealedField {
    let user = UserId(Uuid::now_v7());
    let (key, row) = vault.new_user_key(user).unwrap();
    store(journal, &row).await;
    let value = vault.seal(&key, user, "UserRegistered", "name", name).unwrap();
    SealedField { user, event_type: "UserRegistered", field: "name", value }
}

#[tokio::test]
async fn what_was_sealed_opens_in_the_order_asked() {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres).await;
    let ring = KeyRing::generate().unwrap();
    let writer = Vault::new(ring.clone(), journal.clone());
    let ada = seal_name(&writer, &journal, "Ada").await;
    let eve = seal_name(&writer, &journal, "Eve").await;
    let nobody = SealedField { user: UserId(Uuid::now_v7()), ..eve.clone() };
    // Another process: it has seen none of the keys.
    let reader = Vault::new(ring, journal);
    let opened = open(&reader, &[eve, nobody, ada.clone(), ada]).await.unwrap();
    let [eve, nobody, ada, again] = opened.as_slice() else { panic!("{opened:?}") };
    assert_eq!([eve, ada, again].map(Option::as_deref), [Some("Eve"), Some("Ada"), Some("Ada")]);
    assert_eq!(*nobody, None);
}

#[tokio::test]
async fn a_destroyed_data_key_reads_as_erased() {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres).await;
    let vault = Vault::new(KeyRing::generate().unwrap(), journal.clone());
    let ada = seal_name(&vault, &journal, "Ada").await;
    sqlx::query("delete from secrets where owner = $1")
        .bind(ada.user.0)
        .execute(journal.pool())
        .await
        .unwrap();
    vault.forget_user(ada.user);
    assert!(vault.user_key(ada.user).await.unwrap().is_none());
    assert_eq!(open(&vault, &[ada]).await.unwrap(), [None]);
}

#[tokio::test]
async fn what_should_open_and_does_not_is_an_error_and_not_an_erasure() {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres).await;
    let vault = Vault::new(KeyRing::generate().unwrap(), journal.clone());
    let ada = seal_name(&vault, &journal, "Ada").await;
    let moved = SealedField { field: "email", ..ada.clone() };
    let cut = SealedField { value: Sealed::new(ada.value.sealed[..40].to_owned()), ..ada.clone() };
    for broken in [moved, cut] {
        assert!(open(&vault, &[broken]).await.is_err());
    }
    let stranger = Vault::new(KeyRing::generate().unwrap(), journal);
    assert!(open(&stranger, &[ada]).await.is_err());
}
