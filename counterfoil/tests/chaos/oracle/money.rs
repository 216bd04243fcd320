//! Amounts as the oracle counts them: whole numbers of the smallest unit, by its own hands.

/// A currency, by its code and how many decimals it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Coin {
    pub(crate) code: &'static str,
    pub(crate) decimals: u32,
}

pub(crate) const USD: Coin = Coin { code: "USD", decimals: 2 };
pub(crate) const COINS: [Coin; 4] = [
    USD,
    Coin { code: "EUR", decimals: 2 },
    Coin { code: "ETH", decimals: 18 },
    Coin { code: "JPY", decimals: 0 },
];

impl Coin {
    pub(crate) fn called(code: &str) -> Option<Self> {
        COINS.into_iter().find(|coin| coin.code == code)
    }

    pub(crate) fn written(self, minor: i128) -> String {
        let sign = if minor < 0 { "-" } else { "" };
        let unit = 10_u128.pow(self.decimals);
        let (whole, rest) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
        match usize::try_from(self.decimals).unwrap() {
            0 => format!("{sign}{whole}"),
            width => format!("{sign}{whole}.{rest:0width$}"),
        }
    }

    /// Exactly as many decimals as the currency has, or it is not an amount.
    pub(crate) fn read(self, text: &str) -> Option<i128> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, rest) =
            digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let decimals = rest.map_or(0, str::len);
        if !is_number(whole)
            || rest.is_some_and(|rest| !is_number(rest))
            || decimals != self.decimals as usize
        {
            return None;
        }
        let all: i128 = format!("{whole}{}", rest.unwrap_or_default()).parse().ok()?;
        Some(sign * all)
    }
}

#[test]
fn amounts_are_read_as_they_are_written() {
    for coin in COINS {
        for minor in [0, 1, 99, 100, 123_456, -5, 9_007_199_254_740_993, 10_i128.pow(28) - 1] {
            assert_eq!(coin.read(&coin.written(minor)), Some(minor), "{coin:?}");
        }
    }
    for no_amount in ["", "1", "1.2", "1.234", "a.00", "1.-1", "--1.00", ".00"] {
        assert_eq!(USD.read(no_amount), None, "{no_amount}");
    }
}
