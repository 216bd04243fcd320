//! Any history of all commands, against a model in plain integers that shares no code with the wallet.

use super::*;
use crate::{CaptureId, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The last amounts below what a balance can be: sums of them run into the bound.
const HUGE: i128 = 10_i128.pow(28) - 1;

#[derive(Clone, Debug)]
enum Step {
    Deposit(i128),
    Withdraw(i128),
    Send(i128),
    Receive(i128),
    Place(i128, i64),
    Capture { which: usize, minor: Option<i128>, is_final: bool },
    Release(usize),
    Amend(usize, i128),
    Extend(usize, i64),
    Expire,
    Reverse(i128, bool),
    Freeze(bool),
    Wait(i64),
}

fn amount() -> impl Strategy<Value = i128> {
    prop_oneof![8 => 1_i128..5_000, 1 => Just(HUGE)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => amount().prop_map(Step::Deposit),
        2 => amount().prop_map(Step::Withdraw),
        2 => amount().prop_map(Step::Send),
        2 => amount().prop_map(Step::Receive),
        6 => (amount(), 1_i64..30).prop_map(|(minor, lease)| Step::Place(minor, lease)),
        4 => (0_usize..8, proptest::option::of(amount()), any::<bool>())
            .prop_map(|(which, minor, is_final)| Step::Capture { which, minor, is_final }),
        2 => (0_usize..8).prop_map(Step::Release),
        2 => (0_usize..8, amount()).prop_map(|(which, minor)| Step::Amend(which, minor)),
        2 => (0_usize..8, 1_i64..30).prop_map(|(which, lease)| Step::Extend(which, lease)),
        2 => Just(Step::Expire),
        1 => (amount(), any::<bool>()).prop_map(|(minor, is_credit)| Step::Reverse(minor, is_credit)),
        1 => any::<bool>().prop_map(Step::Freeze),
        3 => (1_i64..10).prop_map(Step::Wait),
    ]
}

/// A wallet as an auditor keeps it on paper.
#[derive(Debug, Default)]
struct Paper {
    posted: i128,
    /// What is left of each hold, when it ends, what was captured and let go of it.
    holds: BTreeMap<i64, PaperHold>,
    is_frozen: bool,
    events: i64,
    now: i64,
}

#[derive(Debug)]
struct PaperHold {
    total: i128,
    captured: i128,
    left: i128,
    ends: i64,
}

impl Paper {
    fn held(&self) -> i128 {
        self.holds.values().map(|hold| hold.left).sum()
    }

    fn available(&self) -> i128 {
        self.posted - self.held()
    }

    fn living(&mut self, hold: i64) -> Option<&mut PaperHold> {
        self.holds.get_mut(&hold).filter(|hold| self.now < hold.ends)
    }

    fn credit(&mut self, minor: i128) -> bool {
        let fits = self.posted + minor <= HUGE;
        self.posted += if fits { minor } else { 0 };
        fits
    }

    fn debit(&mut self, minor: i128) -> bool {
        let may = !self.is_frozen && minor <= self.available();
        self.posted -= if may { minor } else { 0 };
        may
    }

    /// How many events come of it; nothing, if it is declined.
    fn take(&mut self, step: &Step, hold: i64) -> Option<i64> {
        let (frozen, available) = (self.is_frozen, self.available());
        let done = match step {
            Step::Deposit(minor) | Step::Receive(minor) | Step::Reverse(minor, true) => self.credit(*minor),
            Step::Withdraw(minor) | Step::Send(minor) | Step::Reverse(minor, false) => self.debit(*minor),
            Step::Place(minor, lease) => {
                let may = !frozen && *minor <= available;
                if may {
                    let ends = self.now + lease;
                    let placed = PaperHold { total: *minor, captured: 0, left: *minor, ends };
                    self.holds.insert(self.events + 1, placed);
                }
                may
            }
            Step::Capture { minor, is_final, .. } => {
                if frozen {
                    return None;
                }
                let taken = self.living(hold).and_then(|hold| {
                    let taken = minor.unwrap_or(hold.left);
                    (taken <= hold.left).then(|| {
                        hold.left = if *is_final { 0 } else { hold.left - taken };
                        hold.captured += taken;
                        taken
                    })
                })?;
                self.posted -= taken;
                true
            }
            Step::Release(_) => self.living(hold).map(|hold| hold.left = 0).is_some(),
            Step::Amend(_, total) => {
                let hold = self.living(hold)?;
                let more = total - hold.total;
                let may = *total >= hold.captured && (more <= 0 || !frozen && more <= available);
                if may {
                    hold.left += more;
                    hold.total = *total;
                }
                may
            }
            Step::Extend(_, lease) => {
                let until = self.now + lease;
                self.living(hold).map(|hold| hold.ends = hold.ends.max(until)).is_some()
            }
            Step::Expire => {
                let before = self.holds.len();
                let now = self.now;
                self.holds.retain(|_, hold| now < hold.ends);
                let gone = i64::try_from(before - self.holds.len()).unwrap();
                self.events += gone;
                return Some(gone);
            }
            Step::Freeze(freeze) => {
                let changes = i64::from(frozen != *freeze);
                self.is_frozen = *freeze;
                self.events += changes;
                return Some(changes);
            }
            Step::Wait(seconds) => {
                self.now += seconds;
                return Some(0);
            }
        };
        if !done {
            return None;
        }
        self.holds.retain(|_, hold| hold.left > 0);
        self.events += 1;
        Some(1)
    }
}

fn command(step: &Step, hold: i64, now: i64) -> Option<WalletCommand> {
    let at = Timestamp::from_micros(now * 1_000_000);
    let money = |minor: &i128| Money::from_minor(*minor, Currency::USD).unwrap();
    let movement = |minor: &i128| Movement { amount: money(minor), currency: Currency::USD, reference: None };
    let counterparty = WalletId(Uuid::from_u128(7));
    let lease = |seconds: &i64| Lease::of_seconds(*seconds).unwrap();
    Some(match step {
        Step::Deposit(minor) => WalletCommand::Deposit(movement(minor)),
        Step::Withdraw(minor) => WalletCommand::Withdraw(movement(minor)),
        Step::Send(minor) => WalletCommand::Send(Transfer { movement: movement(minor), counterparty }),
        Step::Receive(minor) => WalletCommand::Receive(Transfer { movement: movement(minor), counterparty }),
        Step::Place(minor, seconds) => {
            WalletCommand::PlaceHold(PlaceHold { movement: movement(minor), lease: lease(seconds), at })
        }
        Step::Capture { minor, is_final, .. } => WalletCommand::Capture(Capture {
            hold,
            capture_id: CaptureId::parse("c").unwrap(),
            amount: minor.as_ref().map(money),
            is_final: *is_final,
            at,
        }),
        Step::Release(_) => WalletCommand::Release { hold, at },
        Step::Amend(_, minor) => WalletCommand::Amend { hold, amount: money(minor), at },
        Step::Extend(_, seconds) => WalletCommand::Extend { hold, lease: lease(seconds), at },
        Step::Expire => WalletCommand::ExpireHolds { at },
        Step::Reverse(minor, is_credit) => WalletCommand::Reverse(Reversal {
            transaction: EntryId { wallet: WalletId(Uuid::from_u128(1)), sequence: 2 },
            amount: money(minor),
            currency: Currency::USD,
            is_credit: *is_credit,
            counterparty: None,
            reference: None,
        }),
        Step::Freeze(true) => WalletCommand::Freeze,
        Step::Freeze(false) => WalletCommand::Unfreeze,
        Step::Wait(_) => return None,
    })
}

fn agree(live: &Wallet, paper: &Paper) -> Result<(), TestCaseError> {
    let account = live.account().unwrap();
    prop_assert_eq!(account.posted.minor(), paper.posted);
    prop_assert_eq!(account.held.minor(), paper.held());
    prop_assert_eq!(account.available().minor(), paper.available());
    prop_assert!(paper.available() >= 0, "never below zero");
    prop_assert_eq!(account.posted.scale(), 2);
    prop_assert_eq!(account.held.scale(), 2);
    let left: Vec<(i64, i128, i128)> =
        paper.holds.iter().map(|(id, hold)| (*id, hold.left, hold.captured)).collect();
    let holds: Vec<(i64, i128, i128)> = account
        .holds()
        .map(|hold| (hold.id.sequence, hold.remaining.minor(), hold.captured.minor()))
        .collect();
    prop_assert_eq!(holds, left);
    for hold in account.holds() {
        let parts = hold.captured.minor() + hold.released.minor() + hold.remaining.minor();
        prop_assert_eq!(parts, hold.amount.minor());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_history_is_what_an_auditor_writes_down(steps in proptest::collection::vec(step(), 1..120)) {
        let mut live = Wallet::default();
        let mut history = vec![opened()];
        live.evolve(&history[0]);
        let mut paper = Paper { events: 1, ..Paper::default() };
        let mut placed: Vec<i64> = Vec::new();
        for step in &steps {
            // Ended holds are asked for as well, and now and then what never was one.
            let which = match step {
                Step::Capture { which, .. } | Step::Release(which) | Step::Amend(which, _) | Step::Extend(which, _) => *which,
                _ => 0,
            };
            let hold = placed.iter().rev().nth(which).copied().unwrap_or(1);
            let asked = command(step, hold, paper.now);
            let expected = paper.take(step, hold);
            let Some(asked) = asked else { continue };
            let before = live.clone();
            let decided = live.decide(asked);
            prop_assert_eq!(decided.as_ref().map(Vec::len).ok(), expected.map(|n| usize::try_from(n).unwrap()), "{:?}", step);
            prop_assert_eq!(&live, &before, "deciding changes nothing");
            for event in decided.unwrap_or_default() {
                live.evolve(&event);
                if matches!(event, WalletEvent::HoldPlaced(_)) {
                    placed.push(i64::try_from(history.len()).unwrap() + 1);
                }
                history.push(event);
            }
            agree(&live, &paper)?;
        }
        let mut replayed = Wallet::default();
        for event in &history {
            replayed.evolve(event);
        }
        prop_assert_eq!(&replayed, &live, "a replay is the same wallet");
        let stored = serde_json::to_string(&live).unwrap();
        prop_assert_eq!(serde_json::from_str::<Wallet>(&stored).unwrap(), live, "and so is a snapshot");
    }
}
