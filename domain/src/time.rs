//! A moment, to the microsecond, as Postgres keeps it. Written as RFC 3339 in UTC.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The whole seconds since 1970, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    /// How long ago `earlier` was; nothing, if it was not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether RFC 3339 can say it: its years have four digits.
    pub fn is_writable(self) -> bool {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .is_ok_and(|moment| (0..=9_999).contains(&moment.year()))
    }

    pub fn to_datetime(self) -> OffsetDateTime {
        let nanos = i128::from(self.0) * 1_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl From<OffsetDateTime> for Timestamp {
    fn from(moment: OffsetDateTime) -> Self {
        Self(i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(i64::MAX))
    }
}

/// Every event carries several, each in two or three texts: the digits are put into place, not formatted one by one.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = self.to_datetime();
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        put(&mut text[0..4], u32::try_from(moment.year()).unwrap_or(0));
        put(&mut text[5..7], u8::from(moment.month()).into());
        put(&mut text[8..10], moment.day().into());
        put(&mut text[11..13], moment.hour().into());
        put(&mut text[14..16], moment.minute().into());
        put(&mut text[17..19], moment.second().into());
        put(&mut text[20..26], moment.microsecond());
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

fn put(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        OffsetDateTime::parse(&text, &Rfc3339).map(Self::from).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_as_it_was_written() {
        let moment = Timestamp::from_micros(1_763_722_800_000_042);
        let text = serde_json::to_string(&moment).unwrap();
        assert_eq!(text, "\"2025-11-21T11:00:00.000042Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), moment);
    }

    #[test]
    fn every_part_keeps_its_width() {
        let text = |micros| Timestamp::from_micros(micros).to_string();
        assert_eq!(text(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(text(-61_093_767_094_900_000), "0034-01-06T05:08:25.100000Z");
        assert_eq!(text(253_402_300_799_999_999), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn years_have_four_digits() {
        for (micros, is_writable) in [
            (-62_167_219_200_000_001, false),
            (-62_167_219_200_000_000, true),
            (253_402_300_799_999_999, true),
            (253_402_300_800_000_000, false),
        ] {
            assert_eq!(Timestamp::from_micros(micros).is_writable(), is_writable, "{micros}");
        }
    }

    #[test]
    fn a_later_moment_is_not_ago() {
        let moment = Timestamp::from_micros(10);
        assert_eq!(moment.since(Timestamp::from_micros(20)), Duration::ZERO);
        assert_eq!(moment.plus(Duration::from_micros(5)).since(moment), Duration::from_micros(5));
    }
}
