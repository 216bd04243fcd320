use super::*;
use std::collections::HashSet;

const LEAD: Duration = Duration::from_mins(10);
const LIFE: Duration = Duration::from_mins(15);

fn at(minutes: u64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000).plus(Duration::from_mins(minutes))
}

fn reread(ring: &KeyRing) -> KeyRing {
    KeyRing::from_json(&ring.to_json()).unwrap()
}

fn known(ring: &KeyRing, now: Timestamp) -> HashSet<String> {
    ring.verifying_keys(now, LIFE).map(|key| key.kid().to_owned()).collect()
}

#[test]
fn a_new_wrapping_key_is_active_and_the_one_before_still_unwraps() {
    let first = KeyRing::generate().unwrap();
    let second = reread(&first.with_new_wrapping_key(at(0)).unwrap());
    assert_ne!(second.active_wrapping_id(), first.active_wrapping_id());
    let names: Vec<&str> = second.wrapping_ids().collect();
    assert_eq!(names, [second.active_wrapping_id(), first.active_wrapping_id()]);
}

#[test]
fn a_prepared_key_unwraps_everywhere_before_it_wraps() {
    let first = KeyRing::generate().unwrap();
    let prepared = reread(&first.with_next_wrapping_key().unwrap());
    let next = prepared.next_wrapping_id().unwrap().to_owned();
    assert_eq!(prepared.active_wrapping_id(), first.active_wrapping_id());
    assert!(prepared.wrapping(&next).is_some());
    assert_eq!(prepared.with_next_wrapping_key().unwrap().to_json(), prepared.to_json(), "once is enough");
    let rotated = prepared.with_new_wrapping_key(at(0)).unwrap();
    assert_eq!((rotated.active_wrapping_id(), rotated.next_wrapping_id()), (next.as_str(), None));
    assert_eq!(rotated.wrapping_ids().count(), 2);
}

#[test]
fn a_key_is_dropped_only_when_nobody_can_still_be_wrapping_with_it() {
    let first = KeyRing::generate().unwrap();
    let second = first.with_new_wrapping_key(at(0)).unwrap();
    let wait = second.may_drop_wrapping_keys(at(0)).unwrap_err().wait;
    assert!(wait >= FINAL_AFTER, "{wait:?}");
    assert!(second.may_drop_wrapping_keys(at(0).plus(wait)).is_ok());
    assert!(first.may_drop_wrapping_keys(at(0)).is_ok(), "the first of all never took another's place");
}

#[test]
fn neither_the_active_key_nor_the_next_one_is_ever_dropped() {
    let ring = KeyRing::generate().unwrap().with_new_wrapping_key(at(0)).unwrap();
    let ring = ring.with_next_wrapping_key().unwrap();
    let all: Vec<String> = ring.wrapping_ids().map(str::to_owned).collect();
    assert_eq!(all.len(), 3);
    let left = reread(&ring.without_wrapping_keys(&all));
    assert_eq!(left.active_wrapping_id(), ring.active_wrapping_id());
    assert_eq!(left.next_wrapping_id(), ring.next_wrapping_id());
    assert_eq!(left.wrapping_ids().count(), 2);
}

#[test]
fn a_signing_key_is_known_before_it_signs_and_after_it_has_signed() {
    let first = KeyRing::generate().unwrap();
    let old = first.signing_key(at(0)).kid().to_owned();
    let ring = reread(&first.with_next_token_key(at(0), LEAD).unwrap());
    assert_eq!(ring.signing_key(at(9)).kid(), old);
    assert_eq!(known(&ring, at(0)).len(), 2, "the pending one is published at once");

    let new = ring.signing_key(at(10)).kid().to_owned();
    assert_ne!(new, old);
    assert!(known(&ring, at(25)).contains(&old), "its last token may still be alive");
    assert_eq!(known(&ring, at(26)), HashSet::from([new]));
}

#[test]
fn the_next_rotation_writes_down_what_the_clock_has_done() {
    let first = KeyRing::generate().unwrap();
    let second = first.with_next_token_key(at(0), LEAD).unwrap();
    let waiting = second.with_next_token_key(at(5), LEAD).unwrap_err();
    assert!(matches!(waiting, RotationError::KeyIsWaiting { signs_from, .. } if signs_from == at(10)));

    let third = reread(&second.with_next_token_key(at(20), LEAD).unwrap());
    let states = |state| third.token_keys().filter(|key| key.state() == state).count();
    assert_eq!(
        [TokenKeyState::Active, TokenKeyState::Pending, TokenKeyState::Retired].map(states),
        [1, 1, 1]
    );
    assert_eq!(third.signing_key(at(20)).kid(), second.signing_key(at(20)).kid());
    assert!(!known(&third, at(26)).contains(first.signing_key(at(0)).kid()));
    assert_eq!(third.without_spent_token_keys(at(25), LIFE).token_keys().count(), 3);
    assert_eq!(third.without_spent_token_keys(at(26), LIFE).token_keys().count(), 2);
}

#[test]
fn of_two_keys_whose_time_has_come_the_later_signs_and_the_other_retires() {
    let ring = KeyRing::generate().unwrap().with_next_token_key(at(0), LEAD).unwrap();
    let mut file: serde_json::Value = serde_json::from_str(&ring.to_json()).unwrap();
    let other = KeyRing::generate().unwrap().with_next_token_key(at(1), LEAD).unwrap();
    let other: serde_json::Value = serde_json::from_str(&other.to_json()).unwrap();
    for (kid, entry) in other["signing"].as_object().unwrap() {
        if entry["state"] == "pending" {
            file["signing"][kid] = entry.clone();
        }
    }
    let ring = KeyRing::from_json(&file.to_string()).unwrap();
    let signing = ring.signing_key(at(20)).kid().to_owned();
    let settled = ring.settled(at(20));
    assert_eq!(settled.signing_key(at(20)).kid(), signing);
    assert_eq!(settled.signing_key(at(30)).kid(), signing);
    assert!(settled.with_next_token_key(at(21), LEAD).is_ok());
}
