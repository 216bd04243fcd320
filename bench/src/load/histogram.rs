//! A latency histogram that is exact below two milliseconds and right to three digits above.
//!
//! Log-linear: each power of two is cut into 1,024 equal slots, so a slot is never wider than a
//! thousandth of the values in it. Recording is one addition. A percentile is the upper edge of its slot,
//! so it is never told smaller than it was.

use serde::{Deserialize, Serialize};

/// Values below this many microseconds have a slot of their own.
const EXACT: u64 = 2_048;
/// Slots per power of two above `EXACT`; half of `EXACT`, so that slots meet without a seam.
const SLOTS: u64 = EXACT / 2;
const SLOT_BITS: u32 = SLOTS.trailing_zeros();
/// About 68 s: no answer in a run is waited for that long. Longer ones are counted here.
const LARGEST: u64 = (1 << 26) - 1;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    sum: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; slot(LARGEST) + 1], total: 0, sum: 0, max: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, micros: u64) {
        self.counts[slot(micros.min(LARGEST))] += 1;
        self.total += 1;
        self.sum += micros;
        self.max = self.max.max(micros);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    pub(crate) fn count(&self) -> u64 {
        self.total
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    pub(crate) fn mean(&self) -> f64 {
        if self.total == 0 { 0.0 } else { approximate(self.sum) / approximate(self.total) }
    }

    /// The smallest recorded latency, in microseconds, that at least `share` (0 to 1) of all do not exceed.
    pub(crate) fn percentile(&self, share: f64) -> u64 {
        let wanted = (share.clamp(0.0, 1.0) * approximate(self.total)).ceil().max(1.0);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if *count > 0 && approximate(seen) >= wanted {
                return upper_edge(index).min(self.max);
            }
        }
        self.max
    }
}

/// Counts stay far below 2^52, where an `f64` is exact.
#[allow(clippy::cast_precision_loss)]
fn approximate(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_possible_truncation)] // at most 16,383: `LARGEST` bounds it
fn slot(micros: u64) -> usize {
    if micros < EXACT {
        return micros as usize;
    }
    let shift = micros.ilog2() - SLOT_BITS;
    (u64::from(shift) * SLOTS + (micros >> shift)) as usize
}

fn upper_edge(index: usize) -> u64 {
    let index = index as u64;
    if index < EXACT {
        return index;
    }
    let shift = index / SLOTS - 1;
    ((index - shift * SLOTS + 1) << shift) - 1
}

/// On the wire: only the slots in use, as `[slot, count]`.
#[derive(Serialize, Deserialize)]
struct Sparse {
    sum: u64,
    max: u64,
    slots: Vec<(usize, u64)>,
}

impl Serialize for Histogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let used = self.counts.iter().copied().enumerate().filter(|(_, count)| *count > 0);
        Sparse { sum: self.sum, max: self.max, slots: used.collect() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sparse = Sparse::deserialize(deserializer)?;
        let mut histogram = Self { sum: sparse.sum, max: sparse.max, ..Self::default() };
        for (index, count) in sparse.slots {
            let place = histogram
                .counts
                .get_mut(index)
                .ok_or_else(|| serde::de::Error::custom("a histogram slot out of range"))?;
            *place += count;
            histogram.total += count;
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_slot_within_a_thousandth() {
        let mut micros = 0;
        while micros < LARGEST {
            let edge = upper_edge(slot(micros));
            assert!(edge >= micros, "{micros} reads as {edge}");
            assert!((edge - micros) * 1_000 <= micros, "{micros} reads as {edge}");
            micros += 1 + micros / 97;
        }
    }

    #[test]
    fn neighbouring_slots_leave_no_gap() {
        for index in 0..slot(LARGEST) {
            assert_eq!(slot(upper_edge(index)), index);
            assert_eq!(slot(upper_edge(index) + 1), index + 1);
        }
    }

    #[test]
    fn percentiles_of_a_straight_line_are_on_the_line() {
        let mut histogram = Histogram::default();
        (1..=100_000).for_each(|micros| histogram.record(micros));
        for (share, wanted) in [(0.5, 50_000), (0.9, 90_000), (0.99, 99_000), (0.999, 99_900)] {
            let told = histogram.percentile(share);
            assert!(told >= wanted && told - wanted <= wanted / 1_000, "{share}: {told}");
        }
        assert_eq!(histogram.percentile(1.0), 100_000);
        assert_eq!(histogram.max(), 100_000);
        assert!((histogram.mean() - 50_000.5).abs() < 0.001);
    }

    #[test]
    fn a_single_outlier_shows_in_the_last_percentile_only() {
        let mut histogram = Histogram::default();
        (0..999).for_each(|_| histogram.record(100));
        histogram.record(90_000_000);
        assert_eq!(histogram.percentile(0.999), 100);
        assert_eq!(histogram.percentile(1.0), LARGEST);
        assert_eq!(histogram.max(), 90_000_000);
    }

    #[test]
    fn merged_halves_equal_the_whole() {
        let (mut low, mut high, mut whole) =
            (Histogram::default(), Histogram::default(), Histogram::default());
        for micros in 0..5_000 {
            let half = if micros % 2 == 0 { &mut low } else { &mut high };
            half.record(micros * 7);
            whole.record(micros * 7);
        }
        low.merge(&high);
        assert_eq!(low, whole);
    }

    #[test]
    fn it_survives_the_way_through_json() {
        let mut histogram = Histogram::default();
        for micros in [0, 1, 2_047, 2_048, 123_456, 60_000_000] {
            histogram.record(micros);
        }
        let json = serde_json::to_string(&histogram).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&json).unwrap(), histogram);
        assert!(json.len() < 200, "{json}");
    }

    #[test]
    fn an_empty_histogram_tells_zero() {
        let histogram = Histogram::default();
        assert_eq!((histogram.count(), histogram.percentile(0.99), histogram.max()), (0, 0, 0));
    }
}
