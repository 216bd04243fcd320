//! What is to go wrong, as a test says it in a setting.
//!
//! Chance is a function of seed and order: the same orders meet the same fate in whatever sequence they come.

use super::Pauses;
use crate::hash;
use domain::Currency;
use domain::trading::{Intent, OrderId};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

/// Shares are kept in millionths.
const WHOLE: u32 = 1_000_000;

/// `reject=0.05,drop_request=0.01,drop_response=0.1,unavailable=0.2,delay_ms=500,hang=BTC,pause_in=<directory>,seed=7`,
/// any of them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    seed: u64,
    reject: u32,
    drop_request: u32,
    drop_response: u32,
    unavailable: u32,
    /// Before an order is sent.
    pub delay: Duration,
    hang: BTreeSet<Currency>,
    pub pauses: Pauses,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no fault: give reject, drop_request, drop_response or unavailable (=<share from 0 to 1>), \
     delay_ms=<milliseconds>, hang=<asset>, pause_in=<directory> or seed=<whole number>"
)]
pub struct BadFaults(String);

/// What becomes of an order by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chance {
    Reject,
    DropRequest,
    DropResponse,
}

impl FromStr for Faults {
    type Err = BadFaults;

    fn from_str(text: &str) -> Result<Self, BadFaults> {
        let mut faults = Self::default();
        for fault in text.split(',').map(str::trim).filter(|fault| !fault.is_empty()) {
            faults.take(fault).ok_or_else(|| BadFaults(fault.to_owned()))?;
        }
        Ok(faults)
    }
}

impl Faults {
    fn take(&mut self, fault: &str) -> Option<()> {
        let (name, value) = fault.split_once(['=', ':'])?;
        match name {
            "seed" => self.seed = value.parse().ok()?,
            "reject" => self.reject = share(value)?,
            "drop_request" => self.drop_request = share(value)?,
            "drop_response" => self.drop_response = share(value)?,
            "unavailable" => self.unavailable = share(value)?,
            "delay_ms" => self.delay = Duration::from_millis(value.parse().ok()?),
            "hang" => {
                self.hang.insert(Currency::parse(value).ok()?);
            }
            "pause_in" if !value.is_empty() => self.pauses = Pauses::within(value),
            _ => return None,
        }
        Some(())
    }

    /// Whether orders in this asset are never answered.
    pub(super) fn hangs(&self, intent: &Intent) -> bool {
        self.hang.contains(&intent.asset)
    }

    pub(super) fn befalls(&self, chance: Chance, order_id: OrderId) -> bool {
        let (name, share) = match chance {
            Chance::Reject => (0_u8, self.reject),
            Chance::DropRequest => (1, self.drop_request),
            Chance::DropResponse => (2, self.drop_response),
        };
        let of_each = hash::mixed(self.seed ^ u64::from(name));
        hash::named(of_each, order_id.0.as_bytes()) % u64::from(WHOLE) < u64::from(share)
    }

    /// Whether the question with this number is not answered: another one about the same order may be.
    pub(super) fn is_unavailable(&self, question: u64) -> bool {
        hash::named(self.seed, &question.to_be_bytes()) % u64::from(WHOLE) < u64::from(self.unavailable)
    }
}

fn share(text: &str) -> Option<u32> {
    let share = Decimal::from_str_exact(text).ok()?;
    let millionths = share.checked_mul(Decimal::from(WHOLE))?.trunc().to_u32()?;
    (!share.is_sign_negative() && millionths <= WHOLE).then_some(millionths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn met(text: &str, chance: Chance) -> Vec<u32> {
        let faults: Faults = text.parse().unwrap();
        let orders = (0..1_000).map(|leg| (leg, OrderId::of(Uuid::from_u128(1), leg)));
        orders.filter(|(_, id)| faults.befalls(chance, *id)).map(|(leg, _)| leg).collect()
    }

    #[test]
    fn the_same_seed_is_the_same_fate() {
        let dropped = met("drop_response=0.1,seed=7", Chance::DropResponse);
        assert!((60..140).contains(&dropped.len()), "{}", dropped.len());
        assert_eq!(met("seed=7,drop_response=0.1,reject=0.5", Chance::DropResponse), dropped);
        assert_ne!(met("drop_response=0.1,seed=8", Chance::DropResponse), dropped);
        assert_ne!(met("reject=0.1,seed=7", Chance::Reject), dropped);
    }

    #[test]
    fn nothing_and_everything_are_shares_too() {
        assert!(met("", Chance::Reject).is_empty());
        assert!(met("reject=0", Chance::Reject).is_empty());
        assert_eq!(met("reject=1", Chance::Reject).len(), 1_000);
    }

    #[test]
    fn what_is_no_fault_is_named() {
        for bad in
            ["reject", "reject=1.1", "reject=-0.1", "delay_ms=x", "hang=NOPE", "explode=1", "pause_in="]
        {
            let error = format!("seed=1, {bad}").parse::<Faults>().unwrap_err();
            assert_eq!(error, BadFaults(bad.to_owned()));
        }
    }
}
