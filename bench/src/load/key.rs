//! Idempotency keys made without allocation: they look like random UUIDs and never repeat within a series.
//!
//! Number n of a series always gives the same key, so a replay needs no list of the keys it repeats.

/// The text length of a UUID.
pub(crate) const KEY_LENGTH: usize = 36;

const HEX: &[u8; 16] = b"0123456789abcdef";
/// Bytes of a UUID that follow a dash in its text form.
const DASH_BEFORE: [usize; 4] = [4, 6, 8, 10];
/// The low half keeps 62 bits for the number; the other two say "variant 1".
const NUMBER_BITS: u64 = (1 << 62) - 1;

/// A well-mixed 64-bit value for each input (the finaliser of splitmix64, a bijection).
pub(crate) fn mix(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Key number `number` of the series `seed`.
pub(crate) fn key(seed: u64, number: u64) -> [u8; KEY_LENGTH] {
    let high = mix(seed ^ mix(number)) & !0xf000 | 0x4000;
    let low = ((number ^ mix(seed)) & NUMBER_BITS) | (1 << 63);
    let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    let mut text = [b'-'; KEY_LENGTH];
    let mut at = 0;
    for (index, byte) in bytes.iter().enumerate() {
        at += usize::from(DASH_BEFORE.contains(&index));
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_are_valid_uuids_of_version_four() {
        for number in 0..1_000 {
            let text = key(7, number);
            let parsed = uuid::Uuid::try_parse_ascii(&text).unwrap();
            assert_eq!(parsed.get_version_num(), 4);
            assert_eq!(parsed.get_variant(), uuid::Variant::RFC4122);
            assert_eq!(parsed.to_string().as_bytes(), text);
        }
    }

    #[test]
    fn no_key_repeats_within_a_series_or_between_two() {
        let keys: HashSet<_> = (0..50_000).flat_map(|number| [key(1, number), key(2, number)]).collect();
        assert_eq!(keys.len(), 100_000);
    }

    #[test]
    fn the_same_number_gives_the_same_key() {
        assert_eq!(key(3, 99), key(3, 99));
    }
}
