use super::*;
use serde_json::{Value, json};

fn file_of(ring: &KeyRing) -> Value {
    serde_json::from_str(&ring.to_json()).unwrap()
}

fn refused(file: &Value) -> KeyRingError {
    KeyRing::from_json(&file.to_string()).unwrap_err()
}

fn fresh() -> String {
    SecretKey::generate().unwrap().to_base64().to_string()
}

fn waiting_key() -> TokenKey {
    let times = TokenKeyTimes::default();
    TokenKey::new(SecretKey::generate().unwrap(), TokenKeyState::Pending, times).unwrap()
}

#[test]
fn a_ring_reads_back_as_it_was_written() {
    let ring = KeyRing::generate().unwrap();
    let text = ring.to_json();
    assert_eq!(KeyRing::from_json(&text).unwrap().to_json(), text);
}

#[test]
fn an_older_key_still_unwraps_and_the_active_one_wraps() {
    let mut file = file_of(&KeyRing::generate().unwrap());
    let old = file["active"].as_str().unwrap().to_owned();
    file["keys"]["k-new"] = json!(fresh());
    file["active"] = json!("k-new");
    let ring = KeyRing::from_json(&file.to_string()).unwrap();
    assert_eq!(ring.active_wrapping().id, "k-new");
    assert!(ring.wrapping(&old).is_some());
    assert!(ring.wrapping("k-none").is_none());
}

#[test]
fn a_pending_token_key_is_published_and_does_not_sign() {
    let mut file = file_of(&KeyRing::generate().unwrap());
    let pending = waiting_key();
    file["signing"][pending.kid()] = json!({"seed": *pending.seed().to_base64(), "state": "pending"});
    let ring = KeyRing::from_json(&file.to_string()).unwrap();
    assert_ne!(ring.signing_key(Timestamp::MAX).kid(), pending.kid());
    assert_eq!(ring.token_keys().count(), 2);
}

#[test]
fn a_ring_that_is_not_whole_is_refused_with_what_is_wrong() {
    let whole = file_of(&KeyRing::generate().unwrap());
    let with = |change: &dyn Fn(&mut Value)| {
        let mut file = whole.clone();
        change(&mut file);
        refused(&file)
    };
    let shared = whole["index_key"].clone();
    let kid = whole["signing"].as_object().unwrap().keys().next().unwrap().clone();
    assert!(matches!(with(&|file| file["active"] = json!("k-none")), KeyRingError::NoActiveKey));
    assert!(matches!(
        with(&|file| file["refresh_key"] = json!("short")),
        KeyRingError::BadKey { name } if name == "refresh_key"
    ));
    assert!(matches!(with(&|file| file["request_key"] = shared.clone()), KeyRingError::SharedKey));
    assert!(matches!(
        with(&|file| file["signing"][&kid]["state"] = json!("retired")),
        KeyRingError::NotOneSigningKey { active: 0 }
    ));
    assert!(matches!(
        with(&|file| file["signing"][&kid]["seed"] = json!(fresh())),
        KeyRingError::WrongName { .. }
    ));
    assert!(matches!(
        with(&|file| file["keys"]["a name with spaces"] = json!(fresh())),
        KeyRingError::BadName
    ));
    assert!(matches!(with(&|file| file["extra"] = json!(1)), KeyRingError::Unreadable { .. }));
}

#[test]
fn no_error_and_no_debug_shows_a_key() {
    let ring = KeyRing::generate().unwrap();
    let file = file_of(&ring);
    let secret = file["index_key"].as_str().unwrap().to_owned();
    let misplaced = [
        json!({"keys": secret}),
        json!({"active": secret, "keys": {&secret: secret}}),
        json!({secret.as_str(): 1}),
        json!({"active": {"index_key": secret}}),
    ];
    for wrong in &misplaced {
        let mut broken = file.clone();
        for (name, value) in wrong.as_object().unwrap() {
            broken[name] = value.clone();
        }
        let said = refused(&broken);
        assert!(!format!("{said} {said:?}").contains(&secret), "{said}");
    }
    assert!(!format!("{ring:?}").contains(&secret));
}
