use super::*;
use std::sync::mpsc;

fn options(waiting_max: usize, wait_max: Duration) -> HasherOptions {
    HasherOptions { places: NonZeroUsize::MIN, waiting_max, wait_max }
}

fn hasher() -> Hasher {
    Hasher::new(options(8, WAIT_MAX)).unwrap()
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[tokio::test]
async fn a_password_is_verified_as_it_was_given() {
    let hasher = hasher();
    let stored = hasher.hash(secret("correct horse")).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    for (password, right) in [("correct horse", true), ("Correct horse", false), ("", false)] {
        let verified = hasher.verify(secret(password), Some(stored.clone())).await;
        assert_eq!(verified.unwrap(), right, "{password:?}");
    }
    assert_ne!(stored, hasher.hash(secret("correct horse")).await.unwrap());
}

#[tokio::test]
async fn nobody_has_a_password_and_it_takes_the_same_work_to_say_so() {
    let hasher = hasher();
    assert!(!hasher.verify(secret("correct horse"), None).await.unwrap());
    assert!(!hasher.verify(secret(""), None).await.unwrap());
    assert!(hasher.inner.nobodys.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

#[tokio::test]
async fn who_waits_too_long_is_sent_away() {
    let hasher = Hasher::new(options(8, Duration::ZERO)).unwrap();
    let _taken = hasher.wait_for_place().await.unwrap();
    let refused = hasher.hash(secret("correct horse")).await;
    assert!(matches!(refused, Err(HashError::Overloaded)));
    assert_eq!(hasher.inner.waiting.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn who_finds_a_full_queue_is_sent_away_at_once() {
    let hasher = Hasher::new(options(1, Duration::from_mins(1))).unwrap();
    let taken = hasher.wait_for_place().await.unwrap();
    let waiting = [hasher.clone(), hasher.clone()]
        .map(|hasher| tokio::spawn(async move { hasher.hash(secret("correct horse")).await }));
    while hasher.inner.waiting.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    let refused = hasher.hash(secret("correct horse")).await;
    assert!(matches!(refused, Err(HashError::Overloaded)));
    drop(taken);
    for waiting in waiting {
        assert!(waiting.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_keeps_its_place_until_its_work_is_done() {
    let hasher = hasher();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let (release, gate) = mpsc::channel::<()>();
    let given_up = {
        let hasher = hasher.clone();
        tokio::spawn(async move {
            let work = move |_: &mut Memory| {
                let _ = started.send(());
                let _ = gate.recv();
                Ok(())
            };
            hasher.run(work).await
        })
    };
    has_started.await.unwrap();
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    assert_eq!(hasher.inner.places.available_permits(), 0);
    release.send(()).unwrap();
    assert!(hasher.wait_for_place().await.is_ok());
}

#[tokio::test]
async fn a_stored_hash_cannot_ask_for_the_whole_machine() {
    let rest = "c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for planted in [
        format!("$argon2id$v=19$m=4194304,t=2,p=1${rest}"),
        format!("$argon2id$v=19$m=19456,t=99,p=1${rest}"),
        format!("$argon2id$v=19$m=19456,t=2,p=64${rest}"),
        format!("$argon2id$v=19$m=8,t=1,p=1${rest}"),
        format!("$argon2i$v=19$m=19456,t=2,p=1${rest}"),
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA".to_owned(),
        "hunter2hunter2".to_owned(),
        String::new(),
    ] {
        let verified = hasher().verify(secret("correct horse"), Some(planted.clone())).await;
        assert!(matches!(verified, Err(HashError::Unusable(_))), "{planted}");
    }
}

#[tokio::test]
async fn one_hash_says_nothing_about_the_next_in_the_same_memory() {
    let hasher = hasher();
    let salt = [7; SALT_LEN];
    let first = hasher.hash_salted(secret("correct horse"), salt).await.unwrap();
    hasher.verify(secret("another"), Some(first.clone())).await.unwrap();
    assert_eq!(hasher.hash_salted(secret("correct horse"), salt).await.unwrap(), first);
    assert_eq!(hasher.inner.memories.lock().unwrap().len(), 1);
    // What argon2 gives in memory of its own.
    let argon2 = argon2::Argon2::default();
    let mut tag = [0; 32];
    argon2.hash_password_into(b"correct horse", &salt, &mut tag).unwrap();
    let (_, written) = first.rsplit_once('$').unwrap();
    let mut buffer = [0; 64];
    assert_eq!(argon2::password_hash::phc::Output::new(&tag).unwrap().encode(&mut buffer).unwrap(), written);
}

#[test]
fn one_core_is_left_to_everything_else() {
    assert_eq!(HasherOptions::for_cores(8).places.get(), 7);
    assert_eq!(HasherOptions::for_cores(1).places.get(), 1);
}
