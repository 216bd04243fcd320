use super::slot::test_hooks::{fail, leave};
use super::*;

const A_WHILE: Duration = Duration::from_millis(10);

fn unknown(asked: Instant) -> Account {
    Account { id: Uuid::nil(), past: None, asked }
}

fn known(failures: u32, ago: Duration, asked: Instant) -> Account {
    Account { past: Some(Past { failures, ago }), ..unknown(asked) }
}

/// A slot after so many failures, the last of them at `now`.
fn after(failures: u32, now: Instant) -> Slot {
    let slot = Slot::default();
    for _ in 0..failures {
        fail(&slot, now);
    }
    slot
}

#[test]
fn five_failures_are_free_and_then_each_costs_twice_the_time() {
    let waits: Vec<u64> =
        [4, 5, 6, 7, 14, 15, 30, 99, 100, 1_000].map(|failures| wait_after(failures).as_secs()).to_vec();
    assert_eq!(waits, [0, 1, 2, 4, 512, 900, 900, 900, 900, 900]);
}

#[test]
fn parallel_guesses_get_no_further_than_those_one_after_the_other() {
    let (slot, now) = (Slot::default(), Instant::now());
    let steps: Vec<Step> = (0..50).map(|_| slot.step(&unknown(now), now)).collect();
    assert_eq!(steps.iter().filter(|step| **step == Step::Go).count(), 5);
    assert!(steps[5..].iter().all(|step| *step == Step::Wait));
    for _ in 0..5 {
        fail(&slot, now + A_WHILE);
    }
    // What they read before the failures is no news.
    assert_eq!(slot.step(&unknown(now), now + A_WHILE), Step::Refused(Duration::from_secs(1)));
}

#[test]
fn a_right_password_forgives_and_lets_the_next_try() {
    let now = Instant::now();
    let slot = after(4, now);
    assert_eq!(slot.step(&unknown(now), now), Step::Go);
    assert_eq!(slot.step(&unknown(now), now), Step::Wait);
    slot.forgive(now);
    leave(&slot);
    for _ in 0..5 {
        assert_eq!(slot.step(&unknown(now), now), Step::Go);
    }
}

#[test]
fn who_gives_up_half_way_has_not_failed() {
    let (slot, now) = (Slot::default(), Instant::now());
    for _ in 0..20 {
        assert_eq!(slot.step(&unknown(now), now), Step::Go);
        leave(&slot);
    }
}

#[test]
fn after_the_wait_one_at_a_time_may_try() {
    let now = Instant::now();
    let slot = after(7, now);
    let row = known(7, Duration::ZERO, now);
    assert_eq!(slot.step(&row, now), Step::Refused(Duration::from_secs(4)));
    let later = now + Duration::from_secs(4);
    assert_eq!(slot.step(&known(7, Duration::from_secs(4), later), later), Step::Go);
    assert_eq!(slot.step(&known(7, Duration::from_secs(4), later), later), Step::Wait);
    fail(&slot, later);
    assert_eq!(slot.step(&known(8, Duration::ZERO, later), later), Step::Refused(Duration::from_secs(8)));
}

#[test]
fn after_a_hundred_no_wait_is_long_enough() {
    let now = Instant::now();
    let much_later = now + Duration::from_hours(48);
    let row = known(100, Duration::from_hours(48), much_later);
    assert_eq!(Slot::default().step(&row, much_later), Step::Refused(WAIT_MAX));
}

#[test]
fn a_row_is_believed_by_a_process_that_has_just_started() {
    let now = Instant::now();
    let row = known(9, Duration::from_secs(6), now);
    assert_eq!(Slot::default().step(&row, now), Step::Refused(Duration::from_secs(10)));
}

#[test]
fn a_row_that_is_gone_was_forgiven_elsewhere() {
    let now = Instant::now();
    let slot = after(9, now);
    assert_eq!(slot.step(&unknown(now + A_WHILE), now + A_WHILE), Step::Go);
    // Free failures have no row, so its absence says nothing about them.
    let slot = after(4, now);
    assert_eq!(slot.step(&unknown(now + A_WHILE), now + A_WHILE), Step::Go);
    assert_eq!(slot.step(&unknown(now + A_WHILE), now + A_WHILE), Step::Wait);
}

#[test]
fn failures_that_were_free_are_told_here_and_the_others_by_their_row() {
    let now = Instant::now();
    let told = |failures| after(failures, now).unwritten().count;
    assert_eq!((told(0), told(1), told(4)), (0, 1, 4));
    assert_eq!(told(5), 0, "there is a row, or somebody else forgave them");
    let slot = after(2, now);
    assert!(slot.unwritten().last_at.is_some());
    slot.forgive(now);
    assert_eq!(slot.unwritten(), WrongPasswords::default());
}
