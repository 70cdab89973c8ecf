/// A moment as date and time of day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u32,
    /// 1 to 31.
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
    /// 0 is Sunday.
    pub(crate) weekday: u32,
    /// 1 to 366.
    pub(crate) day_of_year: u32,
}

impl Civil {
    /// The moment 2^63 seconds after the Unix epoch, which an `i64` cannot hold.
    pub(crate) const FAR_AWAY: Self = Self {
        year: 292_277_026_596,
        month: 12,
        day: 4,
        hour: 15,
        minute: 30,
        second: 8,
        weekday: 0,
        day_of_year: 339,
    };

    /// The moment `secs` seconds after the Unix epoch, in the Gregorian calendar without end in both directions.
    pub(crate) fn from_unix(secs: i64) -> Self {
        const DAY: i64 = 86_400;
        let (days, in_day) = (secs.div_euclid(DAY), secs.rem_euclid(DAY) as u32);
        // Years that start in March put the leap day at their end; four centuries have a fixed number of days.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_march_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_march_year + 2) / 153;
        let day = (day_of_march_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year,
            month,
            day,
            hour: in_day / 3600,
            minute: in_day / 60 % 60,
            second: in_day % 60,
            weekday: (days + 4).rem_euclid(7) as u32,
            day_of_year: day + (1..month).map(|m| days_in_month(year, m)).sum::<u32>(),
        }
    }

    /// How many days the month has.
    pub(crate) fn days_in_month(&self) -> u32 {
        days_in_month(self.year, self.month)
    }
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Writes seconds since the Unix epoch as `2006-01-02T15:04:05Z`.
pub(crate) fn rfc3339_seconds(secs: i64) -> String {
    let Civil { year, month, day, hour, minute, second, .. } = Civil::from_unix(secs);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let check = |secs: i64, text: &str, weekday, day_of_year, days_in_month| {
            let civil = Civil::from_unix(secs);
            assert_eq!(rfc3339_seconds(secs), text);
            assert_eq!(
                (civil.weekday, civil.day_of_year, civil.days_in_month()),
                (weekday, day_of_year, days_in_month)
            );
        };
        check(0, "1970-01-01T00:00:00Z", 4, 1, 31);
        check(-1, "1969-12-31T23:59:59Z", 3, 365, 31);
        check(951_782_400, "2000-02-29T00:00:00Z", 2, 60, 29);
        check(1_136_239_445, "2006-01-02T22:04:05Z", 1, 2, 31);
        check(4_107_542_400, "2100-03-01T00:00:00Z", 1, 60, 31);
        check(-2_208_988_800, "1900-01-01T00:00:00Z", 1, 1, 31);
        check(1_735_603_200, "2024-12-31T00:00:00Z", 2, 366, 31);
        // Far away is odd but no panic.
        assert_eq!(Civil::from_unix(i64::MAX), Civil { second: 7, ..Civil::FAR_AWAY });
        Civil::from_unix(i64::MIN);
    }
}
