//! Prices in whole ticks, rounded to a side that is named.

use domain::trading::exact::{self, DECIMALS, Inexact};
use rust_decimal::Decimal;

/// The next whole tick below. A tick of nothing is no rule.
pub(crate) fn down(price: Decimal, tick: Decimal) -> Result<Decimal, Inexact> {
    exact::floor_step(exact::floor_to(price, DECIMALS), tick)
}

/// The next whole tick above.
pub(crate) fn up(price: Decimal, tick: Decimal) -> Result<Decimal, Inexact> {
    let price = exact::ceil_to(price, DECIMALS);
    let floored = exact::floor_step(price, tick)?;
    if floored < price { exact::add(floored, tick) } else { Ok(floored) }
}

/// What a seller gets and a buyer pays, where a price in the middle is all that is known.
pub(crate) fn around(
    middle: Decimal,
    half_spread: Decimal,
    tick: Decimal,
) -> Result<(Decimal, Decimal), Inexact> {
    let off = exact::mul(middle, half_spread)?;
    Ok((down(exact::sub(middle, off)?, tick)?, up(exact::add(middle, off)?, tick)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn a_price_goes_to_the_named_side() {
        assert_eq!(
            (down(d("10.019"), d("0.01")), up(d("10.011"), d("0.01"))),
            (Ok(d("10.01")), Ok(d("10.02")))
        );
        assert_eq!((down(d("10"), d("0.5")), up(d("10"), d("0.5"))), (Ok(d("10")), Ok(d("10"))));
        let without = Decimal::ZERO;
        assert_eq!(down(d("0.123456789"), without), Ok(d("0.12345678")));
        assert_eq!(up(d("0.123456781"), without), Ok(d("0.12345679")));
    }

    #[test]
    fn a_spread_lies_on_both_sides() {
        assert_eq!(around(d("100"), d("0.0001"), d("0.01")), Ok((d("99.99"), d("100.01"))));
        assert_eq!(around(d("100.004"), Decimal::ZERO, d("0.01")), Ok((d("100"), d("100.01"))));
    }
}
