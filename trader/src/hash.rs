//! Numbers that look random and follow from what they are asked for: the same in every process and after every start.
//!
//! No secret rests on them: they move simulated prices and choose simulated faults.

/// The finisher of SplitMix64: every bit of the answer depends on every bit of the number.
pub(crate) const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A number for a seed and a name.
pub(crate) fn named(seed: u64, name: &[u8]) -> u64 {
    let step = |number: u64, byte: &u8| mixed(number.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ u64::from(*byte));
    name.iter().fold(mixed(seed ^ 0x9e37_79b9_7f4a_7c15), step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_have_nothing_in_common() {
        assert_ne!(named(1, b"BTC"), named(2, b"BTC"));
        assert_ne!(named(1, b"BTC"), named(1, b"BTD"));
        assert_ne!(named(0, b""), named(0, b"\0"));
        let ones: u32 = (0..1_000).map(|number| mixed(number).count_ones()).sum();
        assert!((31_000..33_000).contains(&ones), "{ones}");
    }
}
