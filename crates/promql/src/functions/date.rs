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
    /// The field of the moment `v` seconds after the Unix epoch; fractions of a second are cut off.
    pub(crate) fn of(self, v: f64) -> f64 {
        let civil = Civil::from_unix(v as i64);
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
