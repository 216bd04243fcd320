//! Numbers with sixteen decimals, to the last of them: as many as a price times a quantity has. Counted here with whole
//! numbers, so that nothing comes from what is to be checked.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exact(i128);

const DECIMALS: usize = 16;
const ONE: i128 = 10_i128.pow(16);
/// The finest that prices, quantities and fees are.
const FINE: i128 = 10_i128.pow(8);
/// Of every asset that is traded here.
const TICK: i128 = 10_i128.pow(14);

impl Exact {
    pub(super) const ZERO: Self = Self(0);

    pub(super) fn read(text: &str) -> Option<Self> {
        let (digits, sign) = text.strip_prefix('-').map_or((text, 1), |digits| (digits, -1));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > DECIMALS || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let fraction: i128 = format!("{fraction:0<DECIMALS$}").parse().ok()?;
        Some(Self(sign * (whole.parse::<i128>().ok()?.checked_mul(ONE)? + fraction)))
    }

    pub(super) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Of two with eight decimals.
    pub(super) fn times(self, other: Self) -> Self {
        assert!(self.0 % FINE == 0 && other.0 % FINE == 0, "{self} times {other} has too many decimals");
        Self((self.0 / FINE) * (other.0 / FINE))
    }

    /// So many parts of a whole, to the nearest eighth decimal, halves to the even one.
    pub(super) fn share(self, part: Self, whole: Self) -> Self {
        let (parts, unit) = (self.0 * (part.0 / FINE), whole.0 / FINE * FINE);
        let (floor, rest) = (parts / unit, parts % unit);
        let is_up = 2 * rest > unit || (2 * rest == unit && floor % 2 == 1);
        Self((floor + i128::from(is_up)) * FINE)
    }

    /// Two basis points more, up to the next tick: what a buyer pays.
    pub(super) fn paid(self) -> Self {
        Self(whole_up(self.0 * 10_002, 10_000 * TICK) * TICK)
    }

    /// Two basis points less, down to the next tick: what a seller gets.
    pub(super) fn got(self) -> Self {
        Self(self.0 * 9_998 / (10_000 * TICK) * TICK)
    }

    /// Ten basis points, up to the eighth decimal.
    pub(super) fn fee(self) -> Self {
        Self(whole_up(self.0, 1_000 * FINE) * FINE)
    }
}

/// Of what is not below zero.
fn whole_up(value: i128, unit: i128) -> i128 {
    (value + unit - 1) / unit
}

impl Add for Exact {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Exact {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for Exact {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Exact {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Neg for Exact {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, size) = (if self.0 < 0 { "-" } else { "" }, self.0.abs());
        let written = format!("{sign}{}.{:0DECIMALS$}", size / ONE, size % ONE);
        f.write_str(written.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[test]
fn sums_and_products_are_exact() {
    let number = |text| Exact::read(text).unwrap();
    assert_eq!(number("1.10"), number("1.1"));
    assert_eq!(number("-0.5") + number("0.25"), -number("0.25"));
    assert_eq!(number("0.00000001").times(number("0.00000003")).to_string(), "0.0000000000000003");
    assert_eq!(number("100").share(number("1"), number("3")).to_string(), "33.33333333");
    assert_eq!(number("200").share(number("1"), number("3")).to_string(), "66.66666667");
    assert_eq!(number("0.00000005").share(number("1"), number("2")).to_string(), "0.00000002");
    assert_eq!(
        (number("60000.5").paid().to_string(), number("60000.5").got().to_string()),
        ("60012.51".into(), "59988.49".into())
    );
    assert_eq!(
        (number("50000").paid().to_string(), number("50000").got().to_string()),
        ("50010".into(), "49990".into())
    );
    assert_eq!(
        (number("12.3").fee().to_string(), number("0.00000001").fee().to_string()),
        ("0.0123".into(), "0.00000001".into())
    );
    assert_eq!([Exact::read("1e3"), Exact::read(""), Exact::read("+1")], [None; 3]);
}
