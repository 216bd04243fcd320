//! The vault over a real table of secrets: what opens, what reads as erased, and what is an error.

#![allow(clippy::unwrap_used)]

use commands::vault::{KeyRing, LiveRing, Vault, count_by_wrapping_key, rewrap};
use domain::{Sealed, Timestamp, UserId};
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

/// A ring in a file of its own, gone with the test.
struct RingFile(std::path::PathBuf);

impl RingFile {
    fn new(ring: &KeyRing) -> Self {
        let file = Self(std::env::temp_dir().join(format!("counterfoil-vault-{}.json", Uuid::new_v4())));
        file.put(ring);
        file
    }

    fn put(&self, ring: &KeyRing) {
        let beside = self.0.with_extension("new");
        std::fs::write(&beside, ring.to_json().as_bytes()).unwrap();
        std::fs::rename(beside, &self.0).unwrap();
    }
}

impl Drop for RingFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_key_that_was_wrapped_with_a_ring_not_read_yet_opens() {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres).await;
    let first = KeyRing::generate().unwrap();
    let file = RingFile::new(&first);
    // Nobody follows the file here: it is read because something in it is missed.
    let reader = Vault::following(LiveRing::open(file.0.clone()).unwrap(), journal.clone());
    let second = first.with_new_wrapping_key(Timestamp::default()).unwrap();
    file.put(&second);
    let ada = seal_name(&Vault::new(second, journal.clone()), &journal, "Ada").await;
    assert_eq!(open(&reader, &[ada]).await.unwrap(), [Some("Ada".to_owned())]);
}

#[tokio::test]
async fn nothing_new_is_wrapped_by_the_key_before_once_the_file_is_replaced() {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres).await;
    let first = KeyRing::generate().unwrap();
    let file = RingFile::new(&first);
    let vault = Vault::following(LiveRing::open(file.0.clone()).unwrap(), journal.clone());
    seal_name(&vault, &journal, "Ada").await;
    let second = first.with_new_wrapping_key(Timestamp::default()).unwrap();
    file.put(&second);
    seal_name(&vault, &journal, "Eve").await;
    let mut expected = [first.active_wrapping_id(), second.active_wrapping_id()].map(|id| (id.to_owned(), 1));
    expected.sort();
    assert_eq!(count_by_wrapping_key(&journal).await.unwrap(), expected);
}

#[tokio::test]
async fn wrapping_anew_goes_through_everybody_and_brings_nobody_back() {
    let postgres = Postgres::start().await;
    let journal = journal(&postgres).await;
    let first = KeyRing::generate().unwrap();
    let vault = Vault::new(first.clone(), journal.clone());
    // More than one statement's worth.
    let mut people = Vec::new();
    for _ in 0..1_100 {
        people.push(seal_name(&vault, &journal, "somebody").await);
    }
    let second = first.with_new_wrapping_key(Timestamp::default()).unwrap();
    let last = people.iter().max_by_key(|field| field.user.0).unwrap().user;
    let looked = std::cell::Cell::new(0);
    let done = rewrap(&second, &journal, |at| looked.set(at)).await.unwrap();
    assert_eq!((done.looked_at, done.rewrapped, looked.get()), (1_100, 1_100, 1_100));
    assert_eq!(rewrap(&second, &journal, |_| ()).await.unwrap().rewrapped, 0, "once is enough");

    // Who was erased after the last rotation.
    sqlx::query("delete from secrets where owner = $1").bind(last.0).execute(journal.pool()).await.unwrap();
    let third = second.with_new_wrapping_key(Timestamp::default()).unwrap();
    assert_eq!(rewrap(&third, &journal, |_| ()).await.unwrap().rewrapped, 1_099);
    let opened = open(&Vault::new(third, journal), &people).await.unwrap();
    assert_eq!(opened.iter().filter(|name| name.as_deref() == Some("somebody")).count(), 1_099);
}
