//! Times that are read.

use super::calendar::{DAYS, MONTHS, days_from_civil, is_leap};
use super::layout::Element;
use super::{GoTime, NANOS_PER_SECOND, SECONDS_PER_DAY};

/// What was read of a time.
pub(super) struct Fields {
    year: i64,
    month: i64,
    day: i64,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    /// Whether it is after noon, if that was said.
    afternoon: Option<bool>,
    offset_s: i64,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            year: 1,
            month: 1,
            day: 1,
            year_day: None,
            hour: 0,
            minute: 0,
            second: 0,
            nanos: 0,
            afternoon: None,
            offset_s: 0,
        }
    }
}

impl Fields {
    /// `None` if the text does not follow the layout.
    pub(super) fn read(&mut self, mut layout: &str, mut text: &str) -> Option<()> {
        while !layout.is_empty() {
            if let Some((element, len)) = Element::at_start_of(layout) {
                layout = &layout[len..];
                text = self.element(element, text)?;
                let fraction_follows =
                    matches!(Element::at_start_of(layout), Some((Element::Fraction { .. }, _)));
                if matches!(element, Element::Second { .. }) && !fraction_follows {
                    text = self.unannounced_fraction(text);
                }
            } else {
                let c = layout.chars().next()?;
                layout = &layout[c.len_utf8()..];
                text = text.strip_prefix(c)?;
            }
        }
        text.is_empty().then_some(())
    }

    fn element<'t>(&mut self, element: Element, text: &'t str) -> Option<&'t str> {
        let (value, rest) = match element {
            Element::Month => return named(text, &MONTHS, 9).map(|(idx, rest)| self.set_month(idx, rest)),
            Element::ShortMonth => {
                return named(text, &MONTHS, 3).map(|(idx, rest)| self.set_month(idx, rest));
            }
            Element::Weekday => return named(text, &DAYS, 9).map(|(_, rest)| rest),
            Element::ShortWeekday => return named(text, &DAYS, 3).map(|(_, rest)| rest),
            Element::Zone => {
                let len = text.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(text.len());
                return (len >= 3).then(|| &text[len..]);
            }
            Element::Noon { .. } => {
                let afternoon = [("AM", false), ("am", false), ("PM", true), ("pm", true)];
                let (rest, is_afternoon) =
                    afternoon.into_iter().find_map(|(name, is)| Some((text.strip_prefix(name)?, is)))?;
                self.afternoon = Some(is_afternoon);
                return Some(rest);
            }
            Element::Offset { parts, colons, z } => return self.offset(text, parts, colons, z),
            Element::Fraction { .. } => {
                let point = text.chars().next()?;
                return matches!(point, '.' | ',').then(|| self.fraction(&text[1..]));
            }
            Element::Year => digits(text, 4, 4)?,
            Element::YearDay { .. } => digits(text.trim_start(), 1, 3)?,
            Element::MonthNumber { width: 2 }
            | Element::Hour
            | Element::ShortYear
            | Element::Hour12 { width: 2 }
            | Element::Minute { width: 2 }
            | Element::Second { width: 2 } => digits(text, 2, 2)?,
            Element::Day { .. } => digits(text.trim_start(), 1, 2)?,
            Element::MonthNumber { .. }
            | Element::Hour12 { .. }
            | Element::Minute { .. }
            | Element::Second { .. } => digits(text, 1, 2)?,
        };
        match element {
            Element::Year => self.year = value,
            Element::ShortYear => self.year = value + if value >= 69 { 1900 } else { 2000 },
            Element::YearDay { .. } => self.year_day = Some(value),
            Element::MonthNumber { .. } => self.month = value,
            Element::Day { .. } => self.day = value,
            Element::Hour | Element::Hour12 { .. } => self.hour = value,
            Element::Minute { .. } => self.minute = value,
            Element::Second { .. } => self.second = value,
            _ => {}
        }
        Some(rest)
    }

    fn set_month<'t>(&mut self, idx: usize, rest: &'t str) -> &'t str {
        self.month = idx as i64 + 1;
        rest
    }

    /// A fraction behind seconds is read also if the layout has none, as Go does it.
    fn unannounced_fraction<'t>(&mut self, text: &'t str) -> &'t str {
        match text.strip_prefix(['.', ',']) {
            Some(digits) if digits.starts_with(|c: char| c.is_ascii_digit()) => self.fraction(digits),
            _ => text,
        }
    }

    /// The digits behind the point; those beyond nanoseconds count for nothing.
    fn fraction<'t>(&mut self, text: &'t str) -> &'t str {
        let len = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let nine: String = text[..len].chars().chain(std::iter::repeat('0')).take(9).collect();
        self.nanos = nine.parse().unwrap_or(0);
        &text[len..]
    }

    fn offset<'t>(&mut self, text: &'t str, parts: usize, colons: bool, z: bool) -> Option<&'t str> {
        if z && let Some(rest) = text.strip_prefix('Z') {
            return Some(rest);
        }
        let (sign, mut rest) = match text.chars().next()? {
            '+' => (1, &text[1..]),
            '-' => (-1, &text[1..]),
            _ => return None,
        };
        let mut seconds = 0;
        for (idx, unit) in [3600, 60, 1].into_iter().take(parts).enumerate() {
            if colons && idx > 0 {
                rest = rest.strip_prefix(':')?;
            }
            let (value, after) = digits(rest, 2, 2)?;
            seconds += value * unit;
            rest = after;
        }
        self.offset_s = sign * seconds;
        Some(rest)
    }

    /// `None` if there is no such time.
    pub(super) fn time(&self) -> Option<GoTime> {
        let hour = match (self.afternoon, self.hour) {
            (Some(true), hour @ 0..12) => hour + 12,
            (Some(false), 12) => 0,
            (_, hour) => hour,
        };
        let lengths = [31, if is_leap(self.year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let (month, day) = match self.year_day {
            None => (self.month, self.day),
            Some(year_day) => {
                let mut left = year_day;
                let month = lengths.iter().position(|len| {
                    let here = left <= *len;
                    left -= if here { 0 } else { *len };
                    here
                })?;
                (month as i64 + 1, left)
            }
        };
        let length = usize::try_from(month - 1).ok().and_then(|idx| lengths.get(idx))?;
        let exists = (1..=*length).contains(&day) && hour < 24 && self.minute < 60 && self.second < 60;
        if !exists {
            return None;
        }
        let seconds = days_from_civil(self.year, month, day) * SECONDS_PER_DAY
            + hour * 3600
            + self.minute * 60
            + self.second
            - self.offset_s;
        Some(GoTime { nanos: i128::from(seconds) * NANOS_PER_SECOND + i128::from(self.nanos), zone: None })
    }
}

/// From `min` to `max` digits at the start of `text`, and what follows.
fn digits(text: &str, min: usize, max: usize) -> Option<(i64, &str)> {
    let len = text.bytes().take(max).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(len);
    (len >= min).then(|| number.parse().ok()).flatten().map(|number| (number, rest))
}

/// Which of the names, cut to some letters, `text` starts with, in capitals or not.
fn named<'t>(text: &'t str, names: &[&str], letters: usize) -> Option<(usize, &'t str)> {
    names.iter().enumerate().find_map(|(idx, name)| {
        let name = &name[..letters.min(name.len())];
        let start = text.get(..name.len())?;
        start.eq_ignore_ascii_case(name).then(|| (idx, &text[name.len()..]))
    })
}
