//! US dollars as the harness counts them: in cents, by its own hands.

pub(crate) fn written(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// Exactly two decimals, or it is not an amount.
pub(crate) fn read(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.')?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.len() != 2 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let cents = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(fraction.parse().ok()?)?;
    Some(sign * cents)
}

#[test]
fn amounts_are_read_as_they_are_written() {
    for cents in [0, 1, 99, 100, 123_456, -5, -12_345] {
        assert_eq!(read(&written(cents)), Some(cents));
    }
    for no_amount in ["", "1", "1.2", "1.234", "a.00", "1.-1", "--1.00", ".00"] {
        assert_eq!(read(no_amount), None, "{no_amount}");
    }
}
