//! A moment as the clocks of a place show it, summer time included. The rules of all places are part of the program, so every
//! machine shows the same.

use crate::Timestamp;
use crate::user::preferences::UnknownTimezone;
use jiff::civil;
use jiff::tz::TimeZone;
use std::fmt;
use time::{Date, OffsetDateTime, UtcOffset};

/// A time zone of the IANA database. UTC by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Zone {
    pub fn named(name: &str) -> Result<Self, UnknownTimezone> {
        jiff::tz::db().get(name).map(Self).map_err(|_| UnknownTimezone)
    }

    /// With the offset from UTC that held there and then.
    pub fn show(&self, moment: Timestamp) -> OffsetDateTime {
        let moment = moment.to_datetime();
        let seconds = jiff::Timestamp::from_second(moment.unix_timestamp())
            .map_or(0, |second| self.0.to_offset(second).seconds());
        // An offset is less than a day, and years are four digits on either side.
        let offset = UtcOffset::from_whole_seconds(seconds).unwrap_or(UtcOffset::UTC);
        moment.checked_to_offset(offset).unwrap_or(moment)
    }

    /// Where clocks are put forward at midnight, a day begins after it. None beyond the years that calendars are kept for.
    pub fn beginning_of(&self, day: Date) -> Option<Timestamp> {
        let year = i16::try_from(day.year()).ok()?;
        let month = i8::try_from(u8::from(day.month())).ok()?;
        let day = civil::Date::new(year, month, i8::try_from(day.day()).ok()?).ok()?;
        let begins = day.to_zoned(self.0.clone()).ok()?;
        Some(Timestamp::from_micros(begins.timestamp().as_microsecond()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    fn kyiv() -> Zone {
        Zone::named("Europe/Kyiv").unwrap()
    }

    #[test]
    fn clocks_go_by_the_place_and_the_season() {
        let noon_in_winter = Timestamp::from(datetime!(2026-01-31 12:00:00.000042 UTC));
        let noon_in_summer = Timestamp::from(datetime!(2026-07-31 12:00 UTC));
        assert_eq!(kyiv().show(noon_in_winter), datetime!(2026-01-31 14:00:00.000042 +2));
        assert_eq!(kyiv().show(noon_in_winter).offset(), UtcOffset::from_hms(2, 0, 0).unwrap());
        assert_eq!(kyiv().show(noon_in_summer).offset(), UtcOffset::from_hms(3, 0, 0).unwrap());
        assert_eq!(Zone::default().show(noon_in_summer).offset(), UtcOffset::UTC);
        let kolkata = Zone::named("Asia/Kolkata").unwrap().show(noon_in_winter);
        assert_eq!((kolkata.hour(), kolkata.minute()), (17, 30));
        assert_eq!((kyiv().to_string(), Zone::default().to_string()), ("Europe/Kyiv".into(), "UTC".into()));
    }

    #[test]
    fn a_day_begins_where_it_is_lived() {
        let begins = |zone: &str, day| Zone::named(zone).unwrap().beginning_of(day).map(|at| at.to_string());
        let day = date!(2026 - 11 - 21);
        assert_eq!(begins("UTC", day).as_deref(), Some("2026-11-21T00:00:00.000000Z"));
        assert_eq!(begins("Europe/Kyiv", day).as_deref(), Some("2026-11-20T22:00:00.000000Z"));
        // There it went from 23:59 to 01:00 that night.
        let forward = begins("America/Sao_Paulo", date!(2018 - 11 - 04));
        assert_eq!(forward.as_deref(), Some("2018-11-04T03:00:00.000000Z"));
    }

    #[test]
    fn the_ends_of_time_are_shown_too() {
        for moment in [Timestamp::MAX, Timestamp::from_micros(i64::MIN)] {
            assert_eq!(kyiv().show(moment).year(), moment.to_datetime().year());
        }
    }

    #[test]
    fn what_is_no_zone_is_none() {
        for name in ["", "Europe/Atlantis", "Europe/Kyiv ", "/etc/localtime"] {
            assert_eq!(Zone::named(name), Err(UnknownTimezone));
        }
    }
}
