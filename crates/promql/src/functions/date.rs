use crate::engine::Civil;

/// A field of a date and time in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateField {
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    DaysInMonth,
    Hour,
    Minute,
    Month,
    Year,
}

impl DateField {
    /// The field of the moment `v` seconds after the Unix epoch; fractions of a second are cut off. NaN, infinities and what else is no
    /// number of seconds stand for one moment far away: 2^63, as which Prometheus takes them on amd64.
    pub(crate) fn of(self, v: f64) -> f64 {
        const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;
        let is_moment = (-TWO_POW_63..TWO_POW_63).contains(&v);
        let civil = if is_moment { Civil::from_unix(v as i64) } else { Civil::FAR_AWAY };
        match self {
            Self::DayOfMonth => civil.day.into(),
            Self::DayOfWeek => civil.weekday.into(),
            Self::DayOfYear => civil.day_of_year.into(),
            Self::DaysInMonth => civil.days_in_month().into(),
            Self::Hour => civil.hour.into(),
            Self::Minute => civil.minute.into(),
            Self::Month => civil.month.into(),
            Self::Year => civil.year as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_moment_is_far_away() {
        use DateField::{DayOfMonth, DayOfWeek, DayOfYear, DaysInMonth, Hour, Minute, Month, Year};
        let fields = [Year, Month, DayOfMonth, Hour, Minute, DayOfWeek, DayOfYear, DaysInMonth];
        for v in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e19, -1e19] {
            let got = fields.map(|field| field.of(v));
            assert_eq!(got, [292_277_026_596.0, 12.0, 4.0, 15.0, 30.0, 0.0, 339.0, 31.0], "{v}");
        }
        assert_eq!(fields.map(|field| field.of(-0.5)), [1970.0, 1.0, 1.0, 0.0, 0.0, 4.0, 1.0, 31.0]);
    }
}
