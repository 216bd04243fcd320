//! Arithmetic in decimals that is exact or says that it cannot be.
//!
//! `Decimal`'s own operators drop digits in silence when the result does not fit. Here a sum or a product is all of it or
//! [`Inexact`]; what cannot be exact, a division, is rounded by name and to a number of decimals.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// Of quantities, prices and amounts that trading deals with: what an exchange knows.
pub const DECIMALS: u32 = 8;
/// Beyond any market, and small enough that a price times a quantity fits.
pub const WHOLE_MAX: u64 = 1_000_000_000_000;
const SCALE_MAX: u32 = 28;
/// 96 bits.
const MANTISSA_MAX: i128 = (1 << 96) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number grew beyond what can be kept to the last digit")]
pub struct Inexact;

/// The same value, with as many decimals as it needs and no more: one way to write each number.
fn decimal(mut mantissa: i128, mut scale: u32) -> Result<Decimal, Inexact> {
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    if scale > SCALE_MAX || mantissa.abs() > MANTISSA_MAX {
        return Err(Inexact);
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| Inexact)
}

pub fn mul(left: Decimal, right: Decimal) -> Result<Decimal, Inexact> {
    let mantissa = left.mantissa().checked_mul(right.mantissa()).ok_or(Inexact)?;
    decimal(mantissa, left.scale() + right.scale())
}

pub fn add(left: Decimal, right: Decimal) -> Result<Decimal, Inexact> {
    let scale = left.scale().max(right.scale());
    let (left, right) = (at_scale(left, scale)?, at_scale(right, scale)?);
    decimal(left.checked_add(right).ok_or(Inexact)?, scale)
}

pub fn sub(left: Decimal, right: Decimal) -> Result<Decimal, Inexact> {
    add(left, -right)
}

pub fn sum(parts: impl IntoIterator<Item = Decimal>) -> Result<Decimal, Inexact> {
    parts.into_iter().try_fold(Decimal::ZERO, add)
}

fn at_scale(value: Decimal, scale: u32) -> Result<i128, Inexact> {
    let factor = 10_i128.checked_pow(scale - value.scale()).ok_or(Inexact)?;
    value.mantissa().checked_mul(factor).ok_or(Inexact)
}

/// Towards zero, to so many decimals.
pub fn floor_to(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::ToZero).normalize()
}

/// Away from zero: what somebody has to pay.
pub fn ceil_to(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::AwayFromZero).normalize()
}

/// To the nearest, halves to the even neighbour.
pub fn round_to(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointNearestEven).normalize()
}

/// `left / right`, towards zero, to so many decimals; nothing by nothing is nothing.
pub fn div_floor(left: Decimal, right: Decimal, decimals: u32) -> Result<Decimal, Inexact> {
    if right.is_zero() {
        return if left.is_zero() { Ok(Decimal::ZERO) } else { Err(Inexact) };
    }
    left.checked_div(right).map(|quotient| floor_to(quotient, decimals)).ok_or(Inexact)
}

/// The most of `step`s that fit into a value. A step of nothing is no rule.
pub fn floor_step(value: Decimal, step: Decimal) -> Result<Decimal, Inexact> {
    if step.is_zero() {
        return Ok(value.normalize());
    }
    let steps = value.checked_div(step).ok_or(Inexact)?.trunc();
    // The quotient is rounded where it has more digits than fit: never to more than there is.
    let floored = mul(steps, step)?;
    if floored > value { sub(floored, step) } else { Ok(floored) }
}

/// For statistics, which are no money.
pub fn to_f64(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn a_result_is_exact_or_none() {
        assert_eq!(mul(d("0.00000001"), d("0.00000001")), Ok(d("0.0000000000000001")));
        assert_eq!(mul(d("1000000000000"), d("1000000000000.12345678")), Ok(d("1000000000000123456780000")));
        assert_eq!(mul(d("123456789012.12345678"), d("123456789012.12345678")), Err(Inexact));
        assert_eq!(add(d("79228162514264337593543950335"), Decimal::ONE), Err(Inexact));
        assert_eq!(add(d("79228162514264337593543950335"), d("0.1")), Err(Inexact));
        assert_eq!(sub(d("1.10"), d("1.1")), Ok(Decimal::ZERO));
    }

    #[test]
    fn a_number_is_written_in_one_way() {
        assert_eq!(add(d("1.50"), d("1.500")).unwrap().to_string(), "3");
        assert_eq!(mul(d("2.50"), d("4")).unwrap().to_string(), "10");
    }

    #[test]
    fn steps_are_counted_downwards() {
        assert_eq!(floor_step(d("1.23456789"), d("0.001")), Ok(d("1.234")));
        assert_eq!(floor_step(d("0.0009"), d("0.001")), Ok(Decimal::ZERO));
        assert_eq!(floor_step(d("5"), Decimal::ZERO), Ok(d("5")));
        assert_eq!(div_floor(d("2"), d("3"), 8), Ok(d("0.66666666")));
        assert_eq!(div_floor(Decimal::ZERO, Decimal::ZERO, 8), Ok(Decimal::ZERO));
    }

    fn amounts() -> impl Strategy<Value = Decimal> {
        (-1_000_000_000_000_000_000_i64..1_000_000_000_000_000_000, 0_u32..=8)
            .prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
    }

    proptest! {
        #[test]
        fn sums_come_apart_again(left in amounts(), right in amounts()) {
            let sum = add(left, right).unwrap();
            prop_assert_eq!(sub(sum, right).unwrap(), left);
        }

        #[test]
        fn what_is_floored_is_no_more_and_less_than_a_step_away(
            value in 0_i64..1_000_000_000_000, scale in 0_u32..=8, step in 1_i64..100_000, places in 0_u32..=8
        ) {
            let (value, step) = (Decimal::new(value, scale), Decimal::new(step, places));
            let floored = floor_step(value, step).unwrap();
            prop_assert!(floored <= value && sub(value, floored).unwrap() < step);
        }
    }
}
